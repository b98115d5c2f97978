import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { branch, dense, flatten, memoryStore, multiTask, regression } from '../../src/entries/node.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { sharpDecoder } from '../../src/node/index.js';
import { createImageBombs } from '../bad-input/imageBombs.js';
import { findCodeBlocks } from '../docs/codeBlocks.js';
import { gradients } from './gradients.js';
import { browser, inPage } from './page.js';
import { study } from './study.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Source code that declares `packages`, which registers ONNX Runtime in the page. */
const ONNX = `
  import * as ort from 'onnxruntime-web';
  ort.env.wasm.wasmPaths = location.href;
  const packages = { 'onnxruntime-web': async () => ort };`;

/** Creates an image with red increasing to the right and green increasing downwards. */
const slopes = (side: number) =>
  Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [((pixel % side) * 255) / side, (Math.floor(pixel / side) * 255) / side, 128][i % 3]!;
  });
const jpeg = async (side: number) =>
  new Uint8Array(
    await sharp(slopes(side), { raw: { width: side, height: side, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer(),
  );

const files: Record<string, Uint8Array> = {};

beforeAll(async () => {
  files['face.jpg'] = await jpeg(100);
  const store = memoryStore();
  const model = multiTask({ input: [8, 8, 3], seed: 3 })
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(4)]))
    .build();
  await model.save(store, 'model');
  for (const name of await store.list()) files[name] = (await store.read(name))!;
});

describe.skipIf(!browser)('a web page with this library', () => {
  test.each(['wasm', 'webgl'] as const)(
    'trains on %s with the same results as in Node, and saves and loads the model',
    async (engine) => {
      const page = (await inPage(
        `import '@tensorflow/tfjs-backend-webgl'; import { study } from './test/browser/study.ts'; report(await study('${engine}'));`,
      )) as Awaited<ReturnType<typeof study>>;
      const node = await study('wasm');
      expect(page.engine).toBe(engine);
      expect(page.losses.at(-1)).toBeLessThan(0.5 * page.losses[0]!);
      page.losses.forEach((loss, i) => void expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-3));
      expect(page.reopened).toEqual(page.here);
    },
  );

  test.each([2, 1])(
    'that is cross-origin isolated trains on wasm with SIMD and the requested number of threads: %i',
    async (threads) => {
      const page = (await inPage(
        `
      import { getSimdRunner } from './src/tensor/kernels/simd/simdKernels.ts';
      import { tf } from './src/tensor/tf.ts';
      import { study } from './test/browser/study.ts';
      // TensorFlow.js uses half of the cores, and this machine may have only two.
      Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 });
      const outcome = await study('wasm', { threads: ${threads} });
      const { buffer } = tf.backend().wasm.HEAPU8;
      report({ ...outcome, simd: getSimdRunner(tf.backend()) !== undefined, shared: buffer instanceof SharedArrayBuffer });
    `,
        {},
        { isolated: true },
      )) as Awaited<ReturnType<typeof study>> & { simd: boolean; shared: boolean };
      const node = await study('wasm');
      expect(page).toMatchObject({ simd: true, shared: threads > 1 });
      expect(page.reason).toBe(`requested by name, on ${threads} thread${threads > 1 ? 's' : ''}`);
      page.losses.forEach((loss, i) => void expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-3));
      expect(page.reopened).toEqual(page.here);
    },
  );

  test('that is cross-origin isolated trains on wasm with one thread if its workers never respond, and reports the reason', async () => {
    const page = (await inPage(
      `
      import { loadWasmBackend } from './src/tensor/backends/wasmBackend.ts';
      import { study } from './test/browser/study.ts';
      globalThis.Worker = class { postMessage() {} terminate() {} };
      await loadWasmBackend({ timeout: Promise.resolve() });
      report(await study('wasm'));
    `,
      {},
      { isolated: true },
    )) as Awaited<ReturnType<typeof study>>;
    const node = await study('wasm');
    expect(page.reason).toBe(
      'requested by name, on 1 thread; the threads of wasm failed to start: no response within 30 seconds',
    );
    page.losses.forEach((loss, i) => void expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-3));
    expect(page.reopened).toEqual(page.here);
  });

  test('trains on onnx through onnxruntime-web with the same results as in Node', async () => {
    const page = (await inPage(`
      ${ONNX}
      import { useEngine } from 'tfjs-multitask';
      import { study } from './test/browser/study.ts';
      await useEngine('onnx', { packages });
      report(await study('onnx'));
    `)) as Awaited<ReturnType<typeof study>>;
    const node = await study('wasm');
    expect(page.engine).toBe('onnx');
    page.losses.forEach((loss, i) => void expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-3));
    expect(page.reopened).toEqual(page.here);
  });

  test.each([
    ['wasm', ''],
    ['onnx', ONNX],
    ['webgl', "import '@tensorflow/tfjs-backend-webgl';"],
    ['webgpu', "import '@tensorflow/tfjs-backend-webgpu';"],
  ] as const)(
    'computes gradients on %s that differ from those in Node by less than 1e-4 of the largest gradient',
    async (engine, imports) => {
      const page = (await inPage(`
      ${imports}
      import { gradients } from './test/browser/gradients.ts';
      report(await gradients('${engine}'${engine === 'onnx' ? ', { packages }' : ''}));
    `)) as Awaited<ReturnType<typeof gradients>>;
      const node = await gradients('wasm');
      expect(page.engine).toBe(engine);
      page.states.forEach(({ sums, gradient }, i) => {
        const expected = node.states[i]!;
        const computeDifference = (actual: number[], reference: number[]) =>
          Math.max(...actual.map((value, j) => Math.abs(value - reference[j]!))) /
          Math.max(...reference.map(Math.abs));
        expect(computeDifference(sums, expected.sums), `sums of state ${i}`).toBeLessThan(1e-4);
        expect(computeDifference(gradient, expected.gradient), `gradient of state ${i}`).toBeLessThan(1e-4);
      });
    },
  );

  test('decodes images to nearly the same pixels as sharp in Node, and lists unusable files', async () => {
    const decode = await sharpDecoder();
    const outcome = (await inPage(
      `
      import { canvasDecoder, imageFiles } from 'tfjs-multitask/browser';
      import { utkFace } from 'tfjs-multitask/datasets';
      const bytes = new Uint8Array(await (await fetch('face.jpg')).arrayBuffer());
      const [color, gray] = await Promise.all([3, 1].map((c) => canvasDecoder()(bytes, [32, 24, c])));
      const picked = [new File([bytes], '31_1_0_20170116184024662.jpg'), new File([], '32_0_0_20170116184024662.jpg'),
        new File(['text'], '33_0_0_20170116184024662.jpg'), new File(['x'], 'notes.txt')];
      const faces = await imageFiles(picked, { labels: utkFace(), size: [16, 16], unusableFiles: 'skip' });
      report({ color: [...color.data], gray: [...gray.data], size: faces.size, labels: faces.labels(0),
        skipped: faces.skipped.map(({ path, reason }) => path.slice(0, 2) + ': ' + reason) });
    `,
      files,
    )) as {
      color: number[];
      gray: number[];
      size: number;
      labels: object;
      skipped: string[];
    };
    for (const [channels, page] of [
      [3, outcome.color],
      [1, outcome.gray],
    ] as const) {
      const { data } = await decode(files['face.jpg']!, [32, 24, channels]);
      const differences = page.map((value, i) => Math.abs(value - data[i]!));
      expect(page).toHaveLength(32 * 24 * channels);
      expect(Math.max(...differences)).toBeLessThanOrEqual(8);
      expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(2);
    }
    expect(outcome.size).toBe(1);
    expect(outcome.labels).toEqual({ age: 31, gender: 'female' });
    expect(outcome.skipped).toEqual([
      '32: the file is empty',
      expect.stringMatching(/^33: it cannot be decoded \(/),
    ]);
  });

  test('rejects images that are truncated, too large, of another format or of the same name, before or after it decodes them', async () => {
    const outcome = (await inPage(
      `
      import { canvasDecoder, imageFiles } from 'tfjs-multitask/browser';
      const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
      const [face, png, frame] = [await read('face.jpg'), await read('face.png'), await read('bomb.gif')];
      const claim = png.slice();
      for (const offset of [16, 20]) new DataView(claim.buffer).setUint32(offset, 100_000);
      const picked = [new File([face], 'a.jpg'), new File([face], 'same.jpg'), new File([face], 'same.jpg'),
        new File([face.subarray(0, face.length / 2)], 'cut.jpg'), new File([png.subarray(0, png.length - 20)], 'cut.png'),
        new File([claim], 'claim.png'), new File([frame], 'frame.gif'),
        new File(['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'], 'drawing.png')];
      const { ids, skipped } = await imageFiles(picked, { labels: () => ({ labels: {} }), size: [8, 8], unusableFiles: 'skip' });
      const limited = await canvasDecoder({ maxPixels: 9999 })(face, [8, 8, 3]).catch(({ message }) => message);
      report({ ids, limited, skipped: skipped.map(({ path, reason }) => path + ': ' + reason) });
    `,
      {
        ...files,
        'face.png': await sharp(await jpeg(100))
          .png()
          .toBuffer(),
        'bomb.gif': (await createImageBombs())['refused-frame.gif']!,
      },
    )) as { ids: string[]; limited: string; skipped: string[] };
    expect(outcome.ids).toEqual(['a.jpg']);
    expect(outcome.limited).toContain('maxPixels');
    expect(outcome.skipped).toEqual([
      expect.stringMatching(/^claim.png: .*maxPixels/),
      expect.stringMatching(/^cut.jpg: it cannot be decoded/),
      expect.stringMatching(/^cut.png: it cannot be decoded/),
      expect.stringMatching(/^drawing.png: .*unsupported image format/),
      expect.stringMatching(/^frame.gif: .*maxPixels/),
      expect.stringMatching(/^same.jpg: several of the files/),
    ]);
  });

  test('augments images in workers with results that are bit-identical to those of the main thread, and reports why a worker failed to start', async () => {
    const outcome = await inPage(
      `
      import { imagesInMemory, randomBrightness, randomFlip, randomRotation } from 'tfjs-multitask';
      import { imageFiles, webWorkers } from 'tfjs-multitask/browser';
      import { iterateBatches } from './src/data/batches.ts';
      const transforms = [randomRotation({ degrees: 20 }), randomFlip('horizontal'), randomBrightness({ range: 0.2 })];
      const images = Array.from({ length: 9 }, (_, n) => ({ labels: { n },
        image: { data: Uint8Array.from({ length: 300 }, (_, i) => (i * i * (n + 3)) % 256), height: 10, width: 10, channels: 3 } }));
      const dataset = imagesInMemory(images).augment(transforms);
      const epochOf = async (dataset) => {
        const all = [];
        for await (const { pixels } of iterateBatches(dataset, { batchSize: 4, epoch: 1, seed: 2, shuffle: true })) all.push([...pixels]);
        return all;
      };
      const threads = webWorkers({ count: 2 });
      let posts = 0;
      const counting = { maxWorkers: 2, spawn: (...parameters) => {
        const { postMessage, terminate } = threads.spawn(...parameters);
        return { postMessage: (...sent) => { posts++; postMessage(...sent); }, terminate };
      } };
      const alone = await epochOf(dataset);
      const same = JSON.stringify(await epochOf(dataset.withWorkers(counting))) === JSON.stringify(alone);
      const broken = { maxWorkers: 1, spawn: (_, listener) => threads.spawn('this is no script', listener) };
      const error = await epochOf(dataset.withWorkers(broken)).catch((error) => error);
      const policy = document.createElement('meta');
      Object.assign(policy, { httpEquiv: 'Content-Security-Policy', content: "worker-src 'self'" });
      document.head.append(policy);
      const refused = await epochOf(dataset.withWorkers(webWorkers())).catch((error) => error);
      const file = new File([await (await fetch('face.jpg')).arrayBuffer()], 'face.jpg');
      const picked = await imageFiles([file], { labels: () => ({ labels: {} }), size: [8, 8] });
      report({ same, posts, kind: error.kind, received: error.received, refused: refused.received, workerCount: picked.spawner.maxWorkers });
    `,
      files,
    );
    expect(outcome).toEqual({
      same: true,
      posts: 3,
      kind: 'worker',
      received: expect.stringContaining('Unexpected identifier'),
      refused: expect.stringContaining('its script was blocked by the page'),
      workerCount: expect.any(Number),
    });
  });

  const blocks = findCodeBlocks(ROOT).filter(({ location }) => location.startsWith('src/browser/'));
  test.each(blocks.map(({ location, code }) => [location, code]))(
    'runs the documentation example at %s',
    async (_, code) => {
      const setting = `
      const input = document.querySelector('input');
      const transfer = new DataTransfer();
      transfer.items.add(new File([await (await fetch('face.jpg')).arrayBuffer()], '31_1_0_20170116184024662.jpg'));
      input.files = transfer.files;
      const printed = [];
      console.log = (...values) => printed.push(...values);
    `;
      const imports = code.split('\n').filter((line) => line.startsWith('import '));
      const body = code.split('\n').filter((line) => !line.startsWith('import '));
      const printed = await inPage(
        `${imports.join('\n')}${setting}{${body.join('\n')}}\nreport(printed);`,
        files,
      );
      expect(printed).not.toEqual([]);
    },
  );

  test('writes the same HDF5 bytes as Node, and reads a downloaded file from the store the next time', async () => {
    const root = {
      attributes: { names: ['a', 'ä'] },
      groups: {},
      arrays: { x: { shape: [2], data: new Float32Array([1, 2]) } },
    };
    const file = writeHdf5(root);
    const page = await inPage(
      `
      import { memoryStore } from 'tfjs-multitask';
      import { md5 } from './src/backbones/md5.ts';
      import { fetchFile } from './src/backbones/fetchFile.ts';
      import { readHdf5 } from './src/formats/hdf5/read/readHdf5.ts';
      import { writeHdf5 } from './src/formats/hdf5/write/writeHdf5.ts';
      const root = { attributes: { names: ['a', 'ä'] }, groups: {}, arrays: { x: { shape: [2], data: new Float32Array([1, 2]) } } };
      const written = writeHdf5(root);
      const store = memoryStore();
      const options = { url: 'weights.h5', name: 'weights.h5', hash: { md5: md5(written) }, store, fetch: (...parameters) => fetch(...parameters) };
      const first = await fetchFile(options);
      const again = await fetchFile({ ...options, url: 'gone.h5' });
      const { attributes, arrays } = readHdf5(again, 'weights.h5');
      report({ written: [...written], same: first.length === again.length, attributes, x: [...arrays.x.data], files: await store.list() });
    `,
      { 'weights.h5': file },
    );
    expect(page).toEqual({
      written: [...file],
      same: true,
      attributes: root.attributes,
      x: [1, 2],
      files: ['weights.h5'],
    });
  });

  test('reports the path of a saved model that is missing on the server', async () => {
    const message = await inPage(
      `import { httpStore } from 'tfjs-multitask/browser';
       import { loadModel } from 'tfjs-multitask';
       report(await loadModel(httpStore('nothing')).catch((error) => error.message));`,
    );
    expect(message).toContain('nothing/model.json: expected a file of a saved model');
  });
});

test('the browser tests print a warning on a machine without a browser', () => {
  if (!browser) console.warn('no chromium or chrome: the tests of pages are skipped');
  expect(readFileSync(`${ROOT}/.ci/run`, 'utf8')).toContain('chromium');
});
