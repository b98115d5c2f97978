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
  saveKeras,
} from '../../src/node/index.js';
import { faultOf } from '../bad-input/faultOf.js';
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
let asked: string[];
let cache: string;
beforeEach(async () => {
  [served, asked] = [{ [MOBILE]: file }, []];
  cache = mkdtempSync(join(tmpdir(), 'backbones-'));
  server = createServer(({ url }, response) => {
    const name = url!.split('/').at(-1)!;
    asked.push(name);
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

/** Keras's host stands on this machine. */
const local = () => ({
  cache,
  progress: () => {},
  fetch: (url: string, request: RequestInit) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(url).pathname}`, request),
});

/** The kernel of a network's `Conv1`. */
function conv1(backbone: Awaited<ReturnType<typeof mobileNetV2Backbone>>) {
  const model = multiTask({ input: [32, 32, 3] })
    .trunk(backbone)
    .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
    .build();
  const kernel = model.layersModel.getLayer('Conv1').weights[0]!.read().dataSync().slice();
  model.dispose();
  return kernel;
}
const wanted = () => mobile.get('Conv1')!.get('kernel')!.data;

describe("weights: 'imagenet'", () => {
  test('is downloaded once, into the folder that is given, and is the default', async () => {
    expect(conv1(await mobileNetV2Backbone(local()))).toEqual(wanted());
    expect(readdirSync(cache)).toEqual([MOBILE]);
    expect(conv1(await mobileNetV2Backbone({ weights: 'imagenet', trainable: false, ...local() }))).toEqual(
      wanted(),
    );
    expect(asked).toEqual([MOBILE]);
  });

  test('asks for the file of the top, and of the side', async () => {
    for (const options of [
      { includeTop: true },
      { side: 96 } as const,
      { includeTop: true, side: 160 } as const,
    ]) {
      const fault = await faultOf(() => mobileNetV2Backbone({ ...options, ...local() }));
      expect(fault).toMatchObject({ kind: 'download', received: 'HTTP 404' });
    }
    const start = 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0';
    expect(asked).toEqual([`${start}_224.h5`, `${start}_96_no_top.h5`, `${start}_160.h5`]);
  });

  test('of another hash, or of another network where there is none, is not kept', async () => {
    served['resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'] = file;
    served['efficientnetb0_notop.h5'] = file;
    served[MOBILE] = Buffer.from(kerasFile(new Map([...mobile].slice(1))));
    const resnet = await faultOf(() => resnet50Backbone(local()));
    expect(resnet).toMatchObject({
      kind: 'download',
      received: `${file.length} bytes whose hash is not md5 4d473c1dd8becc155b73f8504c6f6626`,
    });
    expect(resnet.advice).toContain(`${cache}/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`);
    expect((await faultOf(() => efficientNetB0Backbone(local()))).received).toContain(
      'md5 50bc09e76180e00e4465e1a485ddc09d',
    );
    expect((await faultOf(() => mobileNetV2Backbone(local()))).received).toContain(
      'with unexpected contents',
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  test('may be put there by hand; without a network an error says where', async () => {
    const offline = { ...local(), fetch: () => Promise.reject(new Error('no network')) };
    const fault = await faultOf(() => mobileNetV2Backbone(offline));
    expect(fault).toMatchObject({ kind: 'download', received: 'no answer (no network)' });
    expect(fault.path).toBe(
      `https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/${MOBILE}`,
    );
    expect(fault.advice).toContain(`${cache}/${MOBILE}`);
    writeFileSync(join(cache, MOBILE), file);
    expect(conv1(await mobileNetV2Backbone(offline))).toEqual(wanted());
  });

  test('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    expect((await faultOf(() => mobileNetV2Backbone({ ...local(), signal }))).kind).toBe('aborted');
  });
});

describe('weights: a path', () => {
  test('is read', async () => {
    const path = join(cache, 'own.h5');
    writeFileSync(path, file);
    expect(conv1(await mobileNetV2Backbone({ weights: path }))).toEqual(wanted());
    expect(readFileSync(path).equals(file)).toBe(true);
  });

  const makes = {
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
  /** What a grey pixel is behind the preprocessing. */
  const behindDoor = ({ layersModel }: Whole, value: number) => {
    const [kernel, bias] = layersModel.getLayer('image_preprocess').weights.map((w) => w.read().dataSync());
    return [0, 1, 2].map((c) => (kernel![c]! + kernel![3 + c]! + kernel![6 + c]!) * value + bias![c]!);
  };

  test.each(
    Object.keys(makes).flatMap((name) => [[name, 'h5', false] as const, [name, 'keras', true] as const]),
  )('of a whole model that has %s among other layers, .%s, bytes: %s', async (name, ending, bytes) => {
    const make = makes[name as 'resnet50'];
    const path = join(cache, `whole.${ending}`);
    const whole = wholeOf(await make({ weights: null }), [-1, 1], 7);
    await saveKeras(path, whole, { bytes });
    // Drawn by another seed, and for another range of pixels: both must come from the file.
    const again = wholeOf(await make({ weights: path }), [0, 255], 8);
    expect(weightsOf(again)).toEqual(weightsOf(whole));
    const [there, here] = [behindDoor(whole, (7 / 255) * 2 - 1), behindDoor(again, 7)];
    there.forEach((value, c) => {
      expect(here[c]!).toBeCloseTo(value, 3);
    });
    whole.dispose();
    again.dispose();
  });

  test('of a model with other layers is read, of a larger relative or with two of its kind is refused', async () => {
    const path = join(cache, 'model.h5');
    const read = async (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      return conv1(await mobileNetV2Backbone({ weights: path }));
    };
    expect(await read(wholeFile(new Map([...mobile, ['my_head', mobile.get('Conv_1')!]])))).toEqual(wanted());
    expect(await read(wholeFile(mobile, ['base_a']))).toEqual(wanted());
    const larger = wholeFile(new Map([...mobile, ['block_17_expand', mobile.get('block_16_expand')!]]));
    expect(await faultOf(() => read(larger))).toMatchObject({
      kind: 'file',
      path: `${path}: block_17_expand`,
    });
    expect(await faultOf(() => read(wholeFile(mobile, ['base_a', 'base_b'])))).toMatchObject({
      kind: 'file',
      path: `${path}: base_b`,
      received: 'a second layer with that name in a different nested model',
    });
  });

  test('that is not there, or of another network, is named', async () => {
    const path = join(cache, 'own.h5');
    expect(await faultOf(() => mobileNetV2Backbone({ weights: path }))).toMatchObject({
      kind: 'file',
      path,
      received: 'no such file or folder (ENOENT)',
    });
    writeFileSync(path, file);
    expect((await faultOf(() => resnet50Backbone({ weights: path }))).path).toBe(`${path}: Conv1`);
  });
});
