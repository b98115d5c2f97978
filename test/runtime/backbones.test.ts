import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  branch,
  dense,
  exportKeras,
  globalAveragePool,
  multiTask,
  type PixelRange,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';
import {
  efficientNetB0Backbone,
  mobileNetV2Backbone,
  resnet50Backbone,
  saveFile,
} from '../../src/node/index.js';
import { catchError } from '../bad-input/catchError.js';
import { drawnLayers, kerasFile, type Layers, wholeFile } from '../bad-input/weightFiles.js';

const MOBILE = 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5';

let mobile: Layers;
let file: Buffer;
beforeAll(async () => {
  mobile = await drawnLayers('mobileNetV2');
  file = Buffer.from(kerasFile(mobile, ':0'));
});

let server: Server;
let served: { [name: string]: Buffer };
let requestedFiles: string[];
let cache: string;
beforeEach(async () => {
  [served, requestedFiles] = [{ [MOBILE]: file }, []];
  cache = mkdtempSync(join(tmpdir(), 'backbones-'));
  server = createServer(({ url }, response) => {
    const name = url!.split('/').at(-1)!;
    requestedFiles.push(name);
    const bytes = served[name];
    if (!bytes) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(cache, { recursive: true });
});

/** Returns options that download from the local server instead of the host of Keras. */
const localOptions = () => ({
  cache,
  progress: () => {},
  fetch: (url: string, request: RequestInit) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(url).pathname}`, request),
});

/** Returns the kernel of the layer `Conv1` in a network with this backbone. */
function readFirstKernel(backbone: Awaited<ReturnType<typeof mobileNetV2Backbone>>) {
  const model = multiTask({ input: [32, 32, 3] })
    .trunk(backbone)
    .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
    .build();
  const kernel = model.layersModel.getLayer('Conv1').weights[0]!.read().dataSync().slice();
  model.dispose();
  return kernel;
}
const getExpectedKernel = () => mobile.get('Conv1')!.get('kernel')!.data;

describe("mobileNetV2Backbone with weights: 'imagenet'", () => {
  test('downloads the weights to the cache folder only once, and is the default in Node', async () => {
    expect(readFirstKernel(await mobileNetV2Backbone(localOptions()))).toEqual(getExpectedKernel());
    expect(readdirSync(cache)).toEqual([MOBILE]);
    expect(
      readFirstKernel(
        await mobileNetV2Backbone({ weights: 'imagenet', trainable: false, ...localOptions() }),
      ),
    ).toEqual(getExpectedKernel());
    expect(requestedFiles).toEqual([MOBILE]);
  });

  test('requests the weight file that matches the includeTop and side options', async () => {
    for (const options of [
      { includeTop: true },
      { side: 96 } as const,
      { includeTop: true, side: 160 } as const,
    ]) {
      const error = await catchError(() => mobileNetV2Backbone({ ...options, ...localOptions() }));
      expect(error).toMatchObject({ kind: 'download', received: 'HTTP 404' });
    }
    const start = 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0';
    expect(requestedFiles).toEqual([`${start}_224.h5`, `${start}_96_no_top.h5`, `${start}_160.h5`]);
  });

  test('rejects and deletes a file with an incorrect hash and, if no hash is defined, a file for a different network', async () => {
    served['resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'] = file;
    served['efficientnetb0_notop.h5'] = file;
    served[MOBILE] = Buffer.from(kerasFile(new Map([...mobile].slice(1))));
    const resnet = await catchError(() => resnet50Backbone(localOptions()));
    expect(resnet).toMatchObject({
      kind: 'download',
      received: `${file.length} bytes whose hash is not md5 4d473c1dd8becc155b73f8504c6f6626`,
    });
    expect(resnet.advice).toContain(`${cache}/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`);
    expect((await catchError(() => efficientNetB0Backbone(localOptions()))).received).toContain(
      'md5 50bc09e76180e00e4465e1a485ddc09d',
    );
    expect((await catchError(() => mobileNetV2Backbone(localOptions()))).received).toContain(
      'with unexpected contents',
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  test('reads a file that was copied into the cache, and reports where to copy the file if the network is unavailable', async () => {
    const offline = { ...localOptions(), fetch: () => Promise.reject(new Error('no network')) };
    const error = await catchError(() => mobileNetV2Backbone(offline));
    expect(error).toMatchObject({ kind: 'download', received: 'no response (no network)' });
    expect(error.path).toBe(
      `https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/${MOBILE}`,
    );
    expect(error.advice).toContain(`${cache}/${MOBILE}`);
    writeFileSync(join(cache, MOBILE), file);
    expect(readFirstKernel(await mobileNetV2Backbone(offline))).toEqual(getExpectedKernel());
  });

  test('rejects with an `aborted` error if the signal is aborted', async () => {
    const signal = AbortSignal.abort();
    expect((await catchError(() => mobileNetV2Backbone({ ...localOptions(), signal }))).kind).toBe('aborted');
  });
});

describe('a backbone function whose `weights` option is a path', () => {
  test('reads the weight file at the path', async () => {
    const path = join(cache, 'own.h5');
    writeFileSync(path, file);
    expect(readFirstKernel(await mobileNetV2Backbone({ weights: path }))).toEqual(getExpectedKernel());
    expect(readFileSync(path).equals(file)).toBe(true);
  });

  const backboneFunctions = {
    mobileNetV2: mobileNetV2Backbone,
    efficientNetB0: efficientNetB0Backbone,
    resnet50: resnet50Backbone,
  };
  const age = regression({ unit: 'years' });
  const digest = (numbers: Float32Array) => createHash('md5').update(numbers).digest('hex');
  const wholeOf = (backbone: Awaited<ReturnType<typeof resnet50Backbone>>, range: PixelRange, seed: number) =>
    multiTask({ input: [32, 32, 3], range, seed })
      .trunk(sharedTrunk([backbone, globalAveragePool()]))
      .task('age', age, branch([dense(4)]))
      .build();
  type Whole = ReturnType<typeof wholeOf>;
  const weightsOf = ({ layersModel }: Whole) =>
    layersModel.layers
      .filter(({ name }) => !name.startsWith('age') && name !== 'image_preprocess')
      .flatMap(({ weights }) =>
        weights.map((w) => [w.originalName, digest(w.read().dataSync() as Float32Array)]),
      );
  /** Returns the output of the preprocessing layer for a gray pixel of this value. */
  const preprocessGray = ({ layersModel }: Whole, value: number) => {
    const [kernel, bias] = layersModel.getLayer('image_preprocess').weights.map((w) => w.read().dataSync());
    return [0, 1, 2].map((c) => (kernel![c]! + kernel![3 + c]! + kernel![6 + c]!) * value + bias![c]!);
  };

  test.each(
    Object.keys(backboneFunctions).flatMap((name) => [
      [name, 'h5', false] as const,
      [name, 'keras', true] as const,
    ]),
  )(
    'reads the layers of %s from a complete model file in the .%s format with bytes: %s',
    async (name, ending, bytes) => {
      const createBackbone = backboneFunctions[name as 'resnet50'];
      const path = join(cache, `whole.${ending}`);
      const whole = wholeOf(await createBackbone({ weights: null }), [-1, 1], 7);
      await saveFile(path, await exportKeras(whole, { format: ending, bytes }));
      // The second model has another seed and another pixel range, so equal weights come from the file.
      const loaded = wholeOf(await createBackbone({ weights: path }), [0, 255], 8);
      expect(weightsOf(loaded)).toEqual(weightsOf(whole));
      const [expected, received] = [preprocessGray(whole, (7 / 255) * 2 - 1), preprocessGray(loaded, 7)];
      expected.forEach((value, c) => {
        expect(received[c]!).toBeCloseTo(value, 3);
      });
      whole.dispose();
      loaded.dispose();
    },
  );

  test('reads a model file with additional layers, but rejects a file for a larger network and a file with two copies of the backbone', async () => {
    const path = join(cache, 'model.h5');
    const read = async (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      return readFirstKernel(await mobileNetV2Backbone({ weights: path }));
    };
    expect(await read(wholeFile(new Map([...mobile, ['my_head', mobile.get('Conv_1')!]])))).toEqual(
      getExpectedKernel(),
    );
    expect(await read(wholeFile(mobile, ['base_a']))).toEqual(getExpectedKernel());
    const larger = wholeFile(new Map([...mobile, ['block_17_expand', mobile.get('block_16_expand')!]]));
    expect(await catchError(() => read(larger))).toMatchObject({
      kind: 'file',
      path: `${path}: block_17_expand`,
    });
    expect(await catchError(() => read(wholeFile(mobile, ['base_a', 'base_b'])))).toMatchObject({
      kind: 'file',
      path: `${path}: base_b`,
      received: 'a second layer with that name in a different nested model',
    });
  });

  test('rejects a missing file and a file for a different network, and the error reports the path of the file', async () => {
    const path = join(cache, 'own.h5');
    expect(await catchError(() => mobileNetV2Backbone({ weights: path }))).toMatchObject({
      kind: 'file',
      path,
      received: 'a file or folder that does not exist (ENOENT)',
    });
    writeFileSync(path, file);
    expect((await catchError(() => resnet50Backbone({ weights: path }))).path).toBe(`${path}: Conv1`);
  });
});
