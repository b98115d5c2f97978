import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  branch,
  conv,
  dense,
  exportKeras,
  exportOnnx,
  flatten,
  gradCam,
  imagesInMemory,
  loadKeras,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { catchError } from '../bad-input/catchError.js';
import { useEngineWith } from '../engines/useEngineWith.js';
import { wrapRuntime } from '../onnx/wrapRuntime.js';

const image = (level: number) => ({
  data: new Uint8Array(192).fill(level),
  height: 8,
  width: 8,
  channels: 3,
});
const dataset = imagesInMemory([10, 90, 170, 250].map((age) => ({ image: image(age), labels: { age } })));
const build = () =>
  multiTask({ input: [8, 8, 3], seed: 1 })
    .trunk(sharedTrunk([conv(4, 3)]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(4)]))
    .build();

/** A promise that the test resolves. */
function createGate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Returns a decoder that waits at its second image, and a promise of that moment. */
function createHeldDecoder() {
  const [reached, gate] = [createGate(), createGate()];
  let count = 0;
  const decoder = async ([level]: Uint8Array) => {
    if (++count === 2) {
      reached.open();
      await gate.opened;
    }
    return image(level!);
  };
  return { decoder, reached: reached.opened, release: gate.open };
}

const files = [10, 90, 170].map((level) => Uint8Array.of(level));

describe.each(['wasm', 'onnx', 'cpu'] as const)('on the engine %s', (engine) => {
  test('dispose during predict lets the prediction finish, and then frees all tensors', async () => {
    await useEngine(engine);
    const decoder = async ([level]: Uint8Array) => image(level!);
    const other = build();
    const expected = await other.predict(files, { batchSize: 1, decoder });
    other.dispose();
    const { numTensors } = tf.memory();
    const model = build();
    const held = createHeldDecoder();
    const predictions = model.predict(files, { batchSize: 1, decoder: held.decoder });
    await held.reached;
    model.dispose();
    model.dispose();
    for (const call of [
      () => model.predict(image(1)),
      () => model.evaluate(dataset),
      () => model.fit(dataset, { epochs: 1 }),
      () => model.save(memoryStore()),
      () => exportOnnx(model),
      () => exportKeras(model),
      () => gradCam(model, image(1), { task: 'age' }),
    ]) {
      expect(await catchError(call)).toMatchObject({ kind: 'argument', received: 'a disposed model' });
    }
    held.release();
    expect(await predictions).toEqual(expected);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('dispose during evaluate and gradCam lets them finish, and then frees all tensors', async () => {
    await useEngine(engine);
    const { numTensors } = tf.memory();
    const model = build();
    const expectedLogs = await model.evaluate(dataset, { batchSize: 1 });
    const expectedMaps = await gradCam(model, files, { task: 'age', decoder: async ([x]) => image(x!) });
    const held = createHeldDecoder();
    const maps = gradCam(model, files, { task: 'age', batchSize: 1, decoder: held.decoder });
    const logs = model.evaluate(dataset, { batchSize: 1 });
    await held.reached;
    model.dispose();
    expect(await logs).toEqual(expectedLogs);
    held.release();
    const peaks = (heatMaps: readonly { readonly peak: number }[]) =>
      heatMaps.map(({ peak }) => peak.toFixed(3));
    expect(peaks(await maps)).toEqual(peaks(expectedMaps));
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('predict and evaluate during fit succeed and do not change the results of fit', async () => {
    await useEngine(engine);
    const train = async (model: ReturnType<typeof build>, onBatchEnd: () => void) => {
      const callbacks = [{ name: 'predict', onBatchEnd }];
      const { rows } = await model.fit(dataset, { epochs: 4, batchSize: 2, clock: () => 0, callbacks });
      return rows;
    };
    const [alone, model] = [build(), build()];
    const expected = await train(alone, () => {});
    const calls: Promise<unknown>[] = [];
    const rows = await train(model, () => {
      calls.push(model.predict([image(3), image(99), image(7)], { batchSize: 1 }));
      calls.push(model.evaluate(dataset, { batchSize: 2 }));
    });
    expect(rows).toEqual(expected);
    expect(await Promise.all(calls)).toHaveLength(16);
    expect(await model.predict(image(3))).toEqual(await alone.predict(image(3)));
    for (const trained of [alone, model]) trained.dispose();
  });

  test('a prediction that began on this engine continues on it after useEngine has activated another', async () => {
    await useEngine(engine);
    const model = build();
    const backends = new Set<string>();
    const original = tf.engine().runKernel.bind(tf.engine());
    vi.spyOn(tf.engine(), 'runKernel').mockImplementation((...args) => {
      if (args[0] === 'FusedConv2D' || args[0] === 'Conv2D') backends.add(tf.getBackend());
      return original(...args);
    });
    const held = createHeldDecoder();
    const predictions = model.predict(files, { batchSize: 1, decoder: held.decoder });
    await held.reached;
    await useEngine(engine === 'cpu' ? 'wasm' : 'cpu');
    held.release();
    await predictions;
    expect([...backends]).toEqual([engine === 'cpu' ? 'cpu' : 'wasm']);
    expect(tf.getBackend()).toBe(engine === 'cpu' ? 'wasm' : 'cpu');
    model.dispose();
  });
});

describe('a session of ONNX Runtime', () => {
  afterEach(async () => void (await useEngine('onnx')));

  test('is released after its last run, also when the weights change or the model is disposed meanwhile', async () => {
    const events: string[] = [];
    let nextId = 0;
    let gate = createGate();
    let reached = createGate();
    let held = 1;
    const runtime = await wrapRuntime({});
    const { InferenceSession, ...others } = runtime;
    const create = async (bytes: Uint8Array, options: object) => {
      const session = await InferenceSession.create(bytes, options);
      const id = nextId++;
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: async (...args: unknown[]) => {
          events.push(`run ${id}`);
          if (held-- > 0) {
            reached.open();
            await gate.opened;
          }
          const result = await session.run(...args);
          events.push(`end ${id}`);
          return result;
        },
        release: async () => {
          events.push(`release ${id}`);
          await session.release();
        },
      };
    };
    const load = async <M>(name: string, neededFor: string): Promise<M> =>
      name === 'onnxruntime-node'
        ? ({ ...others, InferenceSession: { create } } as M)
        : loadPackage<M>(name, neededFor);
    await useEngineWith(Object.assign(load, { threads: 1 }))('onnx');
    const { numTensors } = tf.memory();
    const model = build();
    const first = model.predict(image(1));
    await reached.opened;
    const [weight] = model.layersModel.weights;
    tf.tidy(() => void weight!.write(tf.mul(weight!.read(), 2)));
    const second = await model.predict(image(1));
    expect(events).toEqual(['run 0', 'run 1', 'end 1']);
    gate.open();
    expect(await first).not.toEqual(second);
    await vi.waitFor(() => expect(events.slice(3)).toEqual(['end 0', 'release 0']));

    [gate, reached, held] = [createGate(), createGate(), 1];
    events.length = 0;
    const third = model.predict(image(1));
    await reached.opened;
    model.dispose();
    expect(await catchError(() => model.predict(image(1)))).toMatchObject({ received: 'a disposed model' });
    expect(events).toEqual(['run 1']);
    gate.open();
    expect(await third).toEqual(second);
    await vi.waitFor(() => expect(events).toEqual(['run 1', 'end 1', 'release 1']));
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('while an engine starts', () => {
  afterEach(() => {
    if (tf.findBackendFactory('webgpu') !== null) tf.removeBackend('webgpu');
  });

  test('models are built, saved, loaded, trained and used, and another useEngine waits', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {}); // The library reports the failed start.
    await useEngine('wasm');
    const gate = createGate();
    tf.registerBackend('webgpu', async () => {
      await gate.opened;
      throw new Error('no adapter');
    });
    const starting = catchError(() => useEngine('webgpu'));
    const model = build();
    const store = memoryStore();
    await model.save(store);
    const loaded = await loadModel(store, { tasks: model.tasks });
    expect(await loaded.predict(image(5))).toEqual(await model.predict(image(5)));
    expect((await model.evaluate(dataset)).loss).toBeGreaterThan(0);
    const events: string[] = [];
    const other = useEngine('cpu').then(({ name }) => events.push(name));
    const trained = model.fit(dataset, { epochs: 1 }).then(({ engine }) => events.push(`fit ${engine.name}`));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(events).toEqual([]);
    gate.open();
    expect(await starting).toMatchObject({ kind: 'engine', path: 'engine webgpu' });
    await Promise.all([other, trained]);
    expect(events).toEqual(['cpu', 'fit cpu']);
    model.dispose();
    loaded.dispose();
  });

  test('models are loaded after the start of a backend that the program has requested, and not built during it', async () => {
    await useEngine('wasm');
    const model = build();
    const store = memoryStore();
    await model.save(store);
    const file = await exportKeras(model);
    const gate = createGate();
    tf.registerBackend('webgpu', async () => {
      await gate.opened;
      return new (tf.findBackend('cpu').constructor as new () => tf.KernelBackend)();
    });
    const starting = tf.setBackend('webgpu');
    const error = await catchError(async () => build());
    expect(error).toMatchObject({
      kind: 'engine',
      path: 'engine webgpu',
      received: 'a backend that is starting',
    });
    const loading = Promise.all([
      loadModel(store, { tasks: model.tasks }),
      loadKeras(file, { tasks: model.tasks }),
    ]);
    const selecting = useEngine('wasm');
    gate.open();
    await starting;
    expect(await selecting).toMatchObject({ name: 'wasm' });
    for (const loaded of await loading)
      expect(await loaded.predict(image(5))).toEqual(await model.predict(image(5)));
  });
});
