import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createError } from '../../src/core/errors/errors.js';
import { defaultPlatform } from '../../src/core/platform/defaultPlatform.js';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import {
  adam,
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  customLoss,
  dense,
  dropout,
  exportOnnx,
  type FitOptions,
  flatten,
  globalAveragePool,
  type HistoryRow,
  imagesInMemory,
  type LayerLike,
  maxPool,
  memoryStore,
  multiTask,
  regression,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';
import { useEngineWith } from '../engines/useEngineWith.js';
import { wrapRuntime } from './wrapRuntime.js';

const random = createRng(1, 'squares');
const data = imagesInMemory(
  Array.from({ length: 22 }, (_, i) => ({
    image: {
      data: Uint8Array.from({ length: 12 * 12 * 3 }, () => random.nextInt(256)),
      height: 12,
      width: 12,
      channels: 3,
    },
    labels: { age: i, sex: i % 2 ? ('m' as const) : ('f' as const) },
  })),
);

const compose = (...pieces: LayerLike[]) =>
  multiTask({ input: [12, 12, 3], seed: 1 })
    .trunk(sharedTrunk([conv(8, 3), maxPool(2), batchNorm()]))
    .task(
      'age',
      regression({ unit: 'years' }),
      branch([flatten(), ...pieces, dense(8, { l2: 1e-3 }), dropout(0.3)]),
    )
    .task('sex', binary(['f', 'm']), branch([conv(4, 2), flatten()]))
    .build();

type Options = Partial<FitOptions<ReturnType<typeof compose>['tasks'], { age: number; sex: number }>>;
const onnx = { engine: 'onnx', batchSize: 6, epochs: 2, seed: 3 } as const;
const train = (options: Options = {}, model = compose()) => model.fit(data, { ...onnx, ...options });
const withoutSeconds = (rows: readonly HistoryRow[]) =>
  rows.map(({ seconds: _, ...row }): Partial<HistoryRow> => row);

beforeEach(() => useEngine('onnx'));

test('fit on onnx with validation and a smaller last batch gives the same history as on wasm, and leaks no tensors', async () => {
  const model = compose();
  const before = tf.memory().numTensors;
  const { rows, engine } = await train(
    { validation: data.take(7), epochs: 3, optimizer: adam({ learningRate: 1e-4 }) },
    model,
  );
  expect(engine.name).toBe('onnx');
  expect(tf.memory().numTensors).toBe(before);
  const wasm = await train({
    validation: data.take(7),
    epochs: 3,
    optimizer: adam({ learningRate: 1e-4 }),
    engine: 'wasm',
  });
  expect(wasm.engine.name).toBe('wasm');
  rows.forEach((row, i) => {
    for (const [column, value] of Object.entries(row)) {
      if (column === 'seconds') continue;
      expect([column, Math.abs(value - wasm.rows[i]![column as 'loss']) / Math.abs(value) < 1e-3]).toEqual([
        column,
        true,
      ]);
    }
  });
});

test('after fit on onnx ends, evaluate uses the weights from the last step', async () => {
  const model = compose();
  const { rows } = await train({ validation: data, epochs: 2 }, model);
  const onOnnx = await model.evaluate(data, { engine: 'onnx' });
  const onWasm = await model.evaluate(data, { engine: 'wasm' });
  for (const column of ['loss', 'age_loss', 'sex_loss', 'age_mae'] as const) {
    expect(Math.abs(onOnnx[column] / rows.at(-1)![`val_${column}`]! - 1)).toBeLessThan(1e-6);
    expect(Math.abs(onOnnx[column] / onWasm[column] - 1)).toBeLessThan(1e-5);
  }
});

test('a callback during fit on onnx reads the current weights after every step, and the next step uses the weights that the callback sets', async () => {
  const model = compose();
  const changes: number[] = [];
  let last = await weightOf(model);
  await train(
    {
      epochs: 1,
      callbacks: [
        {
          name: 'readAndSetWeights',
          create: (run) => ({
            onBatchEnd: async ({ batch: step }) => {
              const { 'age_dense1/kernel': kernel } = await run.getWeights();
              changes.push(kernel!.data.reduce((sum, value, i) => sum + Math.abs(value - last[i]!), 0));
              last = kernel!.data;
              if (step !== 2) return;
              const all = await run.getWeights();
              const zeros = { ...kernel!, data: new Float32Array(kernel!.data.length) };
              run.setWeights({ ...all, 'age_dense1/kernel': zeros });
            },
          }),
        },
      ],
    },
    model,
  );
  expect(changes).toHaveLength(4);
  for (const change of changes) expect(change).toBeGreaterThan(0);
  // Only two steps of Adam follow after the weights are set to zero, and each changes a weight by at most the learning rate.
  expect(Math.max(...(await weightOf(model)).map(Math.abs))).toBeLessThan(0.01);
});

test('model.save and exportOnnx use the current weights if a callback calls them during fit on onnx', async () => {
  const model = compose();
  const saved = new Set<string>();
  const exported = new Set<number>();
  const onBatchEnd = async ({ batch }: { batch: number }) => {
    const store = memoryStore();
    await model.save(store);
    saved.add((await store.list()).join());
    exported.add((await exportOnnx(model)).reduce((sum, byte, i) => (sum * 31 + byte + i) % 1e9, 0));
    if (batch === 4) model.layersModel.setWeights(model.layersModel.getWeights().map((w) => tf.zerosLike(w)));
  };
  await train({ epochs: 1, callbacks: [{ name: 'zero', create: () => ({ onBatchEnd }) }] }, model);
  expect([saved.size, exported.size]).toEqual([4, 4]);
  expect(Math.max(...(await weightOf(model)).map(Math.abs))).toBe(0);
});

test('fit on onnx accepts images of a single color, for which batch normalization outputs only rounding errors', async () => {
  const plainImages = imagesInMemory(
    Array.from({ length: 12 }, (_, i) => ({
      image: { data: new Uint8Array(12 * 12 * 3).fill(20 * i), height: 12, width: 12, channels: 3 },
      labels: { age: i, sex: i % 2 ? ('m' as const) : ('f' as const) },
    })),
  );
  for (const seed of [0, 1, 2, 3]) {
    const model = multiTask({ input: [12, 12, 3], seed })
      .trunk(sharedTrunk([conv(8, 3), batchNorm(), conv(8, 3)]))
      .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8)]))
      .task('sex', binary(['f', 'm']), branch([flatten(), dense(8)]))
      .build();
    expect((await model.fit(plainImages, { ...onnx, epochs: 1 })).rows).toHaveLength(1);
  }
});

test('fit on onnx accepts predictions that are certain from the first step', async () => {
  const model = multiTask({ input: [12, 12, 3], range: [0, 255], seed: 1 })
    .task('sex', binary(['f', 'm']), branch([flatten()]))
    .build();
  const [kernel, bias] = model.layersModel.getWeights();
  model.layersModel.setWeights([tf.zerosLike(kernel!), tf.fill(bias!.shape, 20)]);
  expect((await model.fit(data as never, { ...onnx, epochs: 1 })).rows).toHaveLength(1);
});

test('fit on onnx accepts a gradient that consists of rounding errors because a later batch normalization cancels the scale of its weight', async () => {
  // The gradient of such a scale consists of the rounding error of a sum of thousands of numbers.
  const noise = imagesInMemory(
    Array.from({ length: 8 }, (_, i) => ({
      image: {
        data: Uint8Array.from({ length: 48 * 48 * 3 }, () => random.nextInt(256)),
        height: 48,
        width: 48,
        channels: 3,
      },
      labels: { age: i },
    })),
  );
  const linear = { activation: 'linear', padding: 'same' } as const;
  const twice = [conv(8, 3, linear), batchNorm(), conv(8, 1, linear), batchNorm()];
  const model = multiTask({ input: [48, 48, 3] })
    .trunk(sharedTrunk([...twice, ...twice, conv(4, 3), globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), branch([dense(4)]))
    .build();
  const { rows } = await model.fit(noise, { ...onnx, batchSize: 8 });
  expect(rows).toHaveLength(2);
});

describe('a run of fit on onnx', () => {
  test('makes evaluate, predict and other runs use onnx until the run ends, and rejects requests for a different engine', async () => {
    const model = compose();
    const other = compose();
    const runs = await Promise.allSettled([
      train({ epochs: 2 }, model),
      train({ epochs: 2, engine: 'wasm' }, other),
    ]);
    expect(runs[0]).toMatchObject({ status: 'fulfilled', value: { engine: { name: 'onnx' } } });
    expect(runs[1]).toMatchObject({ status: 'rejected', reason: { kind: 'engine', path: 'engine' } });
    const engineNames: string[] = [];
    const onEpochEnd = async () => {
      await model.evaluate(data);
      await model.predict(await data.read(0), { engine: 'auto' });
      engineNames.push(String(getActiveEngine()?.name));
      await expect(model.evaluate(data, { engine: 'cpu' })).rejects.toMatchObject({ kind: 'engine' });
    };
    await train({ epochs: 2, callbacks: [{ name: 'evaluate', create: () => ({ onEpochEnd }) }] }, model);
    expect(engineNames).toEqual(['onnx', 'onnx']);
    expect((await useEngine('wasm')).name).toBe('wasm');
  });

  test('makes model.dispose() throw until the run ends', async () => {
    const model = compose();
    const onBatchEnd = () => expect(() => model.dispose()).toThrow('fit() is training');
    await train({ epochs: 1, callbacks: [{ name: 'dispose', create: () => ({ onBatchEnd }) }] }, model);
    model.dispose();
    model.dispose();
    const disposedError = { kind: 'argument', received: 'a disposed model' };
    await expect(model.predict(await data.read(0))).rejects.toMatchObject(disposedError);
    await expect(model.evaluate(data)).rejects.toMatchObject(disposedError);
    await expect(train({}, model)).rejects.toMatchObject(disposedError);
    await expect(model.save(memoryStore())).rejects.toMatchObject(disposedError);
  });
});

test('the onnx engine creates sessions with the requested number of threads, and releases all sessions', async () => {
  const sessionOptions: any[] = [];
  let openCount = 0;
  const runtime = await wrapRuntime({
    onCreate: (options) => {
      sessionOptions.push(options);
      openCount++;
    },
    onRelease: () => void openCount--,
  });
  await useEngineWith((async () => runtime) as never)('onnx', { threads: 1 });
  const model = compose();
  await train({ validation: data }, model);
  await model.predict(await data.read(0));
  expect(openCount).toBe(1); // The session for predictions remains open until the model is disposed.
  model.dispose();
  await expect.poll(() => openCount).toBe(0); // Sessions are released asynchronously.
  const optimized = sessionOptions.filter(({ graphOptimizationLevel }) => graphOptimizationLevel === 'all');
  expect(optimized.filter(({ intraOpNumThreads }) => intraOpNumThreads === 1).length).toBeGreaterThan(2);
  for (const { extra } of optimized) expect(extra.session.force_spinning_stop).toBe('1');
});

test('the onnx engine verifies a training step once, and a smaller last batch has a graph of its own size', async () => {
  const graphs: string[] = [];
  const runtime = await wrapRuntime({
    onCreate: ({ graphOptimizationLevel, enableCpuMemArena }) => {
      if (graphOptimizationLevel === 'disabled') graphs.push('operations');
      else graphs.push(enableCpuMemArena === false ? 'step' : 'training');
    },
  });
  await useEngineWith((async () => runtime) as never)('onnx');
  const model = compose();
  await train({}, model); // 22 images in batches of 6
  model.dispose();
  const verification = ['operations', 'step', 'operations', 'step'];
  expect(graphs.slice(-6)).toEqual([...verification, 'training', 'training']);
});

const weightOf = async (model: ReturnType<typeof compose>) =>
  (await model.layersModel.getLayer('age_dense1').getWeights()[0]!.data()) as Float32Array;

describe('a run on onnx that is stopped and resumed', () => {
  const stopAfter = async (steps: number, checkpoint = memoryStore(), options: Options = {}) => {
    const stop = new AbortController();
    let done = 0;
    const count = {
      name: 'count',
      create: () => ({ onBatchEnd: () => void (++done === steps && stop.abort()) }),
    };
    await train({ checkpoint, signal: stop.signal, callbacks: [count], epochs: 3, ...options });
    return checkpoint;
  };

  test.each([1, 5, 9])(
    'after %i steps has the same history as an uninterrupted run, bit for bit',
    async (steps) => {
      const uninterrupted = await train({ epochs: 3 });
      const checkpoint = await stopAfter(steps);
      const resumed = await train({ epochs: 3, checkpoint, resume: true });
      expect(withoutSeconds(resumed.rows)).toEqual(withoutSeconds(uninterrupted.rows));
    },
  );

  test('on wasm has nearly the same history as an uninterrupted run, and logs the engine of the checkpoint', async () => {
    const uninterrupted = await train({ epochs: 3, engine: 'wasm' });
    const checkpoint = await stopAfter(5);
    const lines: string[] = [];
    const resumed = await train({
      epochs: 3,
      checkpoint,
      resume: true,
      engine: 'wasm',
      log: (line) => lines.push(line),
    });
    expect(lines).toContain('resumed after epoch 1 and 1 steps, from a checkpoint of the engine onnx');
    withoutSeconds(resumed.rows).forEach((row, i) => {
      expect(Math.abs(row.loss! / uninterrupted.rows[i]!.loss! - 1)).toBeLessThan(1e-3);
    });
  });
});

describe('fit on onnx with a custom layer or loss', () => {
  class Hidden extends tf.layers.Layer {
    static className = 'Hidden';
    constructor(readonly change: (x: tf.Tensor) => tf.Tensor) {
      super({});
    }
    override call(x: tf.Tensor | tf.Tensor[]) {
      return tf.tidy(() => this.change(Array.isArray(x) ? x[0]! : x));
    }
  }
  let calls = 0;
  const cases: { readonly [name: string]: [(x: tf.Tensor) => tf.Tensor, string] } = {
    'a layer with a random scalar': [(x) => tf.mul(x, tf.randomUniform([1], 0.5, 1.5)), 'Multiply'],
    'a layer with random noise': [(x) => tf.add(x, tf.randomNormal(x.shape)), 'Add'],
    'a layer with a counter': [(x) => tf.add(x, tf.scalar(++calls)), 'Add'],
    'a layer with a counter in an attribute': [(x) => tf.clipByValue(x, -5 - ++calls, 100), 'ClipByValue'],
    'a layer that selects its operation by a counter': [
      (x) => (++calls % 2 ? tf.neg(x) : tf.abs(x)),
      calls % 2 ? 'Abs' : 'Neg',
    ],
    'a layer that reads a tensor': [(x) => tf.sub(x, tf.scalar(x.dataSync()[0]!)), 'Sub'],
  };
  test.each(Object.entries(cases))(
    'rejects %s, and the error names the operation and the layer',
    async (_, [change, kernel]) => {
      await expect(train({}, compose(new Hidden(change)))).rejects.toMatchObject({
        kind: 'engine',
        path: expect.stringMatching(new RegExp(`^operation (${kernel}|Abs|Neg) of layer age_hidden1$`)),
      });
    },
  );

  const readFirst = (x: tf.Tensor) => tf.scalar(x.dataSync()[0]!);
  test('rejects a loss that reads label values, and a layer that reads weight values', async () => {
    const label = customLoss('label', (prediction, target) =>
      tf.mean(tf.square(tf.sub(prediction, readFirst(target))), 1),
    );
    const model = multiTask({ input: [12, 12, 3] })
      .task('age', regression({ unit: 'years', loss: label }), branch([flatten()]))
      .build();
    await expect(model.fit(data as never, onnx)).rejects.toMatchObject({
      path: expect.stringContaining('of loss of age'),
    });
    const weightReader: ReturnType<typeof compose> = compose(
      new Hidden((x) =>
        weightReader
          ? tf.mul(x, readFirst(weightReader.layersModel.getLayer('trunk_conv1').weights[0]!.read()))
          : x,
      ),
    );
    await expect(train({}, weightReader)).rejects.toMatchObject({
      path: 'operation Multiply of layer age_hidden1',
    });
  });

  test('rejects a layer that writes one of its weights', async () => {
    const state: { w?: tf.LayerVariable } = {};
    class Stateful extends tf.layers.Layer {
      static className = 'Stateful';
      override build() {
        state.w = this.addWeight('w', [1], 'float32', tf.initializers.zeros(), undefined, false);
        this.built = true;
      }
      override call(x: tf.Tensor | tf.Tensor[]) {
        state.w!.write(tf.add(state.w!.read(), 1));
        return tf.tidy(() => tf.add(Array.isArray(x) ? x[0]! : x, 0));
      }
    }
    await expect(train({}, compose(new Stateful({})))).rejects.toMatchObject({
      kind: 'engine',
      path: expect.stringMatching(/^weight age_stateful1/),
    });
  });

  test('rejects a layer that throws when it is called again, and leaves the weights unchanged', async () => {
    let passes = 0;
    const model = compose(
      new Hidden((x) => {
        if (++passes === 2) throw new Error('failed in the layer');
        return tf.neg(x);
      }),
    );
    const before = (await weightOf(model)).slice();
    await expect(train({}, model)).rejects.toThrow('failed in the layer');
    expect(await weightOf(model)).toEqual(before);
  });

  test('accepts a layer that reads its batch size, because the engine compiles a graph for each batch size', async () => {
    const counting = () => new Hidden((x) => tf.add(x, tf.tile(tf.mean(x, 0, true), [x.shape[0]!, 1])));
    const options = { epochs: 1, optimizer: adam({ learningRate: 1e-4 }) };
    const { rows } = await train(options, compose(counting()));
    const wasm = await train({ ...options, engine: 'wasm' }, compose(counting()));
    expect(Math.abs(rows[0]!.loss! / wasm.rows[0]!.loss! - 1)).toBeLessThan(1e-3);
  });

  describe('that uses an unsupported operation', () => {
    /** Returns a copy of `x` that the kernel `name` creates. */
    const runIdentity = (name: string, x: tf.Tensor) => tf.engine().runKernel(name, { x }) as tf.Tensor;
    const identity = (forward: string, backward: string) =>
      tf.customGrad((x) => ({
        value: runIdentity(forward, x as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => runIdentity(backward, dy),
      }));
    beforeAll(async () => {
      await useEngine('wasm');
      tf.registerKernel({
        kernelName: 'Unheard',
        backendName: 'wasm',
        kernelFunc: tf.getKernel('Identity', 'wasm')!.kernelFunc,
      });
    });
    afterAll(() => tf.unregisterKernel('Unheard', 'wasm'));

    test.each([
      ['a layer', identity('Unheard', 'Identity')],
      ['the gradient of a layer', identity('Identity', 'Unheard')],
    ])('rejects the operation in %s, and the error names the operation and the layer', async (_, change) => {
      await expect(train({}, compose(new Hidden(change)))).rejects.toMatchObject({
        kind: 'engine',
        path: 'operation Unheard of layer age_hidden1',
        advice: expect.stringContaining('use engine: "wasm"'),
      });
    });

    test('rejects the operation in a loss, and the error names the operation and the task', async () => {
      const mine = identity('Unheard', 'Identity');
      const loss = customLoss('mine', (prediction, target) => tf.mean(mine(tf.sub(prediction, target)), 1));
      const model = multiTask({ input: [12, 12, 3] })
        .task('age', regression({ unit: 'years', loss }), branch([flatten()]))
        .build();
      await expect(model.fit(data as never, onnx)).rejects.toMatchObject({
        path: 'operation Unheard of loss of age',
      });
    });
  });

  test('rejects a loss that is NaN in the first step, and the error names the operation', async () => {
    const log = customLoss('log', (prediction, target) =>
      tf.mean(tf.log(tf.sub(prediction, tf.add(target, 1e6))), 1),
    );
    const model = multiTask({ input: [12, 12, 3] })
      .task('age', regression({ unit: 'years', loss: log }), branch([flatten()]))
      .build();
    await expect(model.fit(data as never, onnx)).rejects.toMatchObject({
      kind: 'number',
      received: 'NaN, first computed by operation Log of loss of age',
    });
  });
});

describe('the verification of a compiled graph on onnx', () => {
  // The first trace has three examples, and the second trace has four.
  test.each([3, 4])(
    'rejects an operation whose results differ from those of TensorFlow.js for a batch of %i images, and the error names the operation',
    async (count) => {
      const stock = tf.getKernel('Sigmoid', 'wasm')!;
      const replaceKernel = (kernel: typeof stock) => {
        tf.unregisterKernel('Sigmoid', 'wasm');
        tf.registerKernel(kernel);
      };
      const error = 1e-3;
      replaceKernel({
        ...stock,
        kernelFunc: (parameters) => {
          const { dataId, shape } = stock.kernelFunc(parameters) as tf.TensorInfo;
          const values = (tf.backend() as unknown as { readSync(id: object): Float32Array }).readSync(dataId);
          return tf.tensor(
            values.map((x) => (shape[0] === count ? x + error : x)),
            shape,
          );
        },
      });
      try {
        await expect(train()).rejects.toMatchObject({
          kind: 'engine',
          path: 'operation Sigmoid of prediction of sex',
          received: expect.stringContaining('a relative difference of 0.00'),
        });
      } finally {
        replaceKernel(stock);
      }
    },
  );

  test('rejects a step whose results differ from those of TensorFlow.js, even if each operation is correct', async () => {
    const runtime = await wrapRuntime({
      wrapRun:
        (run) =>
        async (...args) => {
          const results = await run(...args);
          results['gradient/0']?.data.fill(0.5);
          return results;
        },
    });
    await useEngineWith((async () => runtime) as never)('onnx');
    await expect(train()).rejects.toMatchObject({
      kind: 'engine',
      received: expect.stringContaining('in the output "gradient/0"'),
    });
  });
});

describe('the compilation of a training step on onnx', () => {
  test('verifies equal operations once per trace, and reports its progress if it takes long', async () => {
    const outputCounts: number[] = [];
    const runtime = await wrapRuntime({
      wrapRun:
        (run, outputNames) =>
        async (...args) => {
          if (outputNames[0] === 'out0') {
            outputCounts.push(outputNames.length);
            vi.spyOn(performance, 'now').mockReturnValue(1e9 * outputCounts.length);
          }
          return run(...args);
        },
    });
    await useEngineWith((async () => runtime) as never)('onnx');
    const lines: string[] = [];
    const repeated = Array.from({ length: 12 }, () => dense(6));
    try {
      await train({ epochs: 1, log: (line) => lines.push(line) }, compose(dense(6), ...repeated));
      const [first, second] = outputCounts;
      outputCounts.length = 0;
      await train({ epochs: 1 }, compose(dense(6), dense(6), dense(6)));
      expect(outputCounts).toHaveLength(2);
      // The optimizer splits a vector into the weights, so each of the ten layers adds two results to that operation.
      expect(Math.abs(outputCounts[0]! - first!)).toBeLessThanOrEqual(20);
      expect(second).toBe(first);
    } finally {
      vi.restoreAllMocks();
    }
    expect(lines.filter((line) => line.startsWith('compiling the training step on 6 images: '))).not.toEqual(
      [],
    );
  });

  test('reports nothing when a batch of another size is prepared later in the run', async () => {
    const lines: string[] = [];
    let batches = 0;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    const onBatchEnd = () => {
      batches++;
      clock.mockReturnValue(1e9);
    };
    const callbacks = [{ name: 'later', onBatchEnd }];
    try {
      await train({ epochs: 1, batchSize: data.size - 2, callbacks, log: (line) => lines.push(line) });
    } finally {
      vi.restoreAllMocks();
    }
    expect(batches).toBe(2);
    expect(lines.filter((line) => line.includes('compiling'))).toEqual([]);
  });

  test('stops when the signal is aborted, and the run can be resumed with the same history, bit for bit', async () => {
    const uninterrupted = await train();
    const checkpoint = memoryStore();
    const stop = new AbortController();
    let wasAborted = false;
    let runsAfterAbort = 0;
    const runtime = await wrapRuntime({
      wrapRun:
        (run, outputNames) =>
        async (...args) => {
          if (wasAborted) runsAfterAbort++;
          if (outputNames[0] === 'out0') {
            stop.abort();
            wasAborted = true;
          }
          return run(...args);
        },
    });
    await useEngineWith((async () => runtime) as never)('onnx');
    const { rows, stopped } = await train({ checkpoint, signal: stop.signal });
    expect([rows.length, stopped, runsAfterAbort]).toEqual([0, 'aborted', 0]);
    const resumed = await train({ checkpoint, resume: true });
    expect(withoutSeconds(resumed.rows)).toEqual(withoutSeconds(uninterrupted.rows));
  });

  test('leaves little in the heap of wasm, and no weights', async () => {
    const model = compose();
    await train({ epochs: 1 }, model);
    const backend = tf.backend() as unknown as { dataIdMap: { has(id: object): boolean } };
    for (const weight of model.layersModel.weights) {
      expect(backend.dataIdMap.has(weight.read().dataId)).toBe(false);
    }
  });
});

describe('the compileCache option of fit', () => {
  test('stores each graph once, gives the same history in the next run, bit for bit, and rejects a modified file', async () => {
    const compileCache = memoryStore();
    const first = await train({ compileCache });
    const names = await compileCache.list();
    expect(names).toHaveLength(1);
    const again = await train({ compileCache });
    expect(withoutSeconds(again.rows)).toEqual(withoutSeconds(first.rows));
    expect(await compileCache.list()).toEqual(names);
    const other = await train({ compileCache, optimizer: adam({ beta1: 0.8 }) });
    expect(await compileCache.list()).toHaveLength(2);
    expect(withoutSeconds(other.rows)).not.toEqual(withoutSeconds(first.rows));

    const bytes = (await compileCache.read(names[0]!))!.slice();
    bytes[bytes.length >> 1]! ^= 1;
    await compileCache.write(names[0]!, bytes);
    await expect(train({ compileCache })).rejects.toMatchObject({ kind: 'file', path: `memory/${names[0]}` });
    await compileCache.write(names[0]!, bytes.subarray(0, 100));
    await expect(train({ compileCache })).rejects.toMatchObject({
      kind: 'file',
      advice: 'Delete the file. The next run creates it again.',
    });
  });
});

test('fit logs a message and continues if the compile cache is not writable, but rejects a compile cache that is not a store', async () => {
  const write = () => Promise.reject(new Error('EROFS: read-only file system'));
  const lines: string[] = [];
  const options = {
    compileCache: { ...memoryStore(), write },
    epochs: 1,
    log: (line: string) => void lines.push(line),
  };
  expect((await train(options)).rows).toHaveLength(1);
  expect(lines.filter((line) => line.includes('EROFS'))).toHaveLength(1);
  await expect(train({ compileCache: 'out' as never })).rejects.toMatchObject({
    kind: 'argument',
    path: 'compileCache',
  });
});

describe('the onnx engine with an unusable ONNX Runtime package', () => {
  const runtimes: { readonly [name: string]: [PackageLoader, object] } = {
    'is not registered on a platform that cannot load packages by name': [
      defaultPlatform.loadPackage,
      { kind: 'missing-package', received: expect.stringContaining('a package that is not registered') },
    ],
    'is not installed': [
      (name) => loadPackage(`${name}-not-there`, 'a test'),
      { kind: 'missing-package', advice: expect.stringContaining('npm install onnxruntime-node') },
    ],
    'is too old': [
      async () =>
        ({
          InferenceSession: { create: () => {} },
          Tensor: class {},
          env: { versions: { common: '1.9.0' } },
        }) as never,
      { kind: 'engine', received: 'onnxruntime-node 1.9.0' },
    ],
    'does not load': [
      async (name) => {
        throw createError({
          kind: 'broken-package',
          path: name,
          expected: 'it',
          received: 'a library that is missing',
        });
      },
      { kind: 'broken-package', received: 'a library that is missing' },
    ],
    'is not ONNX Runtime': [
      async () => ({}) as never,
      { kind: 'engine', received: 'a different package with that name' },
    ],
  };
  test.each(Object.entries(runtimes))(
    'cannot start if the package %s, and auto selects wasm',
    async (_, [load, error]) => {
      await expect(useEngineWith(load)('onnx')).rejects.toMatchObject(error);
      const only = (name: string) =>
        name.startsWith('onnx') ? load(name, '') : loadPackage('not-there', 'a test');
      const choice = await useEngineWith(only as PackageLoader)('auto');
      expect(choice.name).toBe('wasm');
    },
  );

  test('makes fit throw if the package fails during a run, and the run can be resumed on wasm from its checkpoint', async () => {
    let runs = 0;
    const runtime = await wrapRuntime({
      wrapRun:
        (run) =>
        async (...args) => {
          if (++runs > 12) throw new Error('bad_alloc');
          return run(...args);
        },
    });
    await useEngineWith((async () => runtime) as never)('onnx');
    const checkpoint = memoryStore();
    await expect(train({ checkpoint, epochs: 9 })).rejects.toMatchObject({ kind: 'memory' });
    const { rows } = await train({ checkpoint, epochs: 9, resume: true, engine: 'wasm' });
    expect(rows.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

test.each([0, -1, 1.5, Number.NaN, '2' as never])(
  'fit on onnx rejects %s as the number of threads',
  async (threads) => {
    await expect(train({ threads })).rejects.toMatchObject({ kind: 'argument', path: 'threads' });
  },
);

test("fit with engine: 'auto' selects onnx and logs the reason", async () => {
  await train({ threads: 1, epochs: 1 });
  const lines: string[] = [];
  const { engine } = await train({ engine: 'auto', epochs: 1, log: (line) => lines.push(line) });
  expect(engine).toMatchObject({
    name: 'onnx',
    reason: 'ONNX Runtime is installed, onnxruntime-node 1.30.0',
  });
  expect(lines[0]).toBe('engine onnx: ONNX Runtime is installed, onnxruntime-node 1.30.0');
});
