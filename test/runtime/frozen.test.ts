import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adam,
  type BranchOptions,
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  dense,
  dropout,
  globalAveragePool,
  grayscaleImage,
  imagesInMemory,
  loadModel,
  maxPool,
  memoryStore,
  multiTask,
  randomFlip,
  regression,
  residual,
  type Store,
  sgd,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import { InputPipeline } from '../../src/inference/inputPipeline.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import { splitFrozen } from '../../src/network/frozenSplit.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import {
  createBatchArrays,
  createCoefficientArrays,
  toStepInputs,
  toTensors,
} from '../../src/steps/stepArrays.js';
import { computeTrainingStep } from '../../src/steps/trainingStep.js';
import { catchError } from '../bad-input/catchError.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';
import { expectCloseToLargest } from '../parity/close.js';

const SHAPE = [12, 12, 3] as const;

const random = createRng(3, 'frozen');
const images = Array.from({ length: 20 }, (_, i) => ({
  labels: { age: i % 7, gender: i % 3 === 0 ? ('male' as const) : ('female' as const) },
  image: {
    data: Uint8Array.from({ length: 432 }, () => random.nextInt(256)),
    height: SHAPE[0],
    width: SHAPE[1],
    channels: SHAPE[2],
  },
}));
const data = imagesInMemory(images);
const { train, validation } = data.split({ validation: 0.25, by: 'last' });

/** Builds a network with six trunk layers that have weights, and dropout in the branches. The first `frozen` layers are frozen. */
function networkWith(frozen: number, options: BranchOptions = {}) {
  const model = multiTask({ input: SHAPE, seed: 5 })
    .trunk(
      sharedTrunk([
        conv(4, 3),
        batchNorm({ momentum: 0.5 }),
        maxPool(2),
        residual([conv(6, 3, { padding: 'same' })]),
        conv(4, 2, { l2: 0.1 }),
        batchNorm({ momentum: 0.5 }),
        globalAveragePool(),
      ]),
    )
    .task('age', regression({ unit: 'years' }), branch([dense(5), dropout(0.4), dense(3)]))
    .task('gender', binary(['male', 'female']), branch([dense(5), dropout(0.4), dense(3)], options))
    .build();
  const weighted = model.layersModel.layers.filter(({ weights }) => weights.length > 0);
  for (const layer of weighted.slice(0, frozen)) layer.trainable = false;
  return model;
}

type Model = ReturnType<typeof networkWith>;

const numbersOf = (model: Model) =>
  Object.fromEntries(
    model.layersModel.layers.flatMap((layer) =>
      layer.weights.map((w) => [w.originalName, Array.from(w.read().dataSync())] as const),
    ),
  );

const frozenNames = (model: Model) =>
  model.layersModel.layers
    .filter(({ trainable }) => !trainable)
    .flatMap(({ weights }) => weights.map(({ originalName }) => originalName));

const options = {
  epochs: 2,
  batchSize: 4,
  validation,
  evaluateUnaugmented: true,
  optimizer: adam({ learningRate: 0.01 }),
};

/** Returns rows without the column `seconds`. */
const rowsOf = ({ rows }: { rows: readonly { readonly [name: string]: number }[] }) =>
  rows.map(({ seconds: _, ...row }) => row);

describe.each(['wasm', 'onnx'] as const)('fit on %s with frozen layers', (engine) => {
  const fitOptions = { ...options, engine };

  test.each([1, 2, 3, 4, 5, 6])(
    'changes no weights or moving statistics of the frozen layers if %i layers are frozen',
    async (frozen) => {
      const model = networkWith(frozen);
      const before = numbersOf(model);
      await model.fit(train, fitOptions);
      const after = numbersOf(model);
      const names = frozenNames(model);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(after[name], name).toEqual(before[name]);
      const changed = Object.keys(after).filter((name) => `${after[name]}` !== `${before[name]}`);
      expect(changed).toContain('age/kernel');
      if (frozen < 5) expect(changed.some((name) => name.startsWith('trunk_'))).toBe(true);
    },
  );

  test('changes no frozen weights, even after the model is saved and loaded', async () => {
    const first = networkWith(4);
    await first.fit(train, fitOptions);
    const store = memoryStore();
    await first.save(store);
    const model = (await loadModel(store, { tasks: first.tasks })) as Model;
    const names = frozenNames(model);
    expect(names).toEqual(frozenNames(first));
    const before = numbersOf(model);
    await model.fit(train, fitOptions);
    const after = numbersOf(model);
    for (const name of names) expect(after[name], name).toEqual(before[name]);
    expect(after['age/kernel']).not.toEqual(before['age/kernel']);
  });

  test.each([
    ['no input view', 5, {}],
    ['a grayscale input view', 6, { inputView: grayscaleImage() }], // The grayscale layer is frozen too.
  ] as const)(
    'gives the same history with and without a feature cache if the network has %s',
    async (_, frozen, branchOptions) => {
      const plain = await networkWith(frozen, branchOptions).fit(train, fitOptions);
      const featureCache = memoryStore();
      const cached = await networkWith(frozen, branchOptions).fit(train, { ...fitOptions, featureCache });
      const files = await featureCache.list();
      const later = await networkWith(frozen, branchOptions).fit(train, { ...fitOptions, featureCache });
      expect(rowsOf(cached)).toEqual(rowsOf(plain));
      expect(rowsOf(later)).toEqual(rowsOf(plain));
      expect(files.length).toBeGreaterThan(0);
      expect(await featureCache.list()).toEqual(files);
    },
  );
});

test('fit with a feature cache reads no images after the first epoch', async () => {
  let readCount = 0;
  const counted = imagesInMemory(images.map((image) => ({ ...image }))).withWorkers(null);
  const spied = new Proxy(counted, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (name !== 'read') return typeof value === 'function' ? value.bind(target) : value;
      return (index: number) => {
        readCount++;
        return target.read(index);
      };
    },
  });
  const featureCache = memoryStore();
  await networkWith(6).fit(spied, { epochs: 4, batchSize: 6, engine: 'wasm', featureCache });
  expect(readCount).toBe(images.length);
});

test('a feature cache stores features only for images that are the same in every epoch, and fit logs that other images are not cached', async () => {
  const transforms = [randomFlip('horizontal')];
  const lines: string[] = [];
  const filesAfter = async (store: Store, fixed: boolean) => {
    await networkWith(6).fit(train.augment(transforms, { fixed }), {
      epochs: 1,
      engine: 'wasm',
      featureCache: store,
      log: (line) => void lines.push(line),
    });
    return (await store.list()).length;
  };
  expect(await filesAfter(memoryStore(), true)).toBe(1);
  expect(lines.join()).not.toContain('not kept');
  expect(await filesAfter(memoryStore(), false)).toBe(0);
  expect(lines.join()).toContain('training images change in every epoch');
});

test('a feature cache is not used if the frozen weights have changed', async () => {
  const featureCache = memoryStore();
  await networkWith(5).fit(train, { ...options, engine: 'wasm', featureCache });
  const changed = networkWith(5);
  const weight = changed.layersModel.layers.find(({ weights }) => weights.length > 0)!.weights[0]!;
  weight.write(weight.read().mul(2));
  const plain = networkWith(5);
  const samePlainWeight = plain.layersModel.layers.find(({ weights }) => weights.length > 0)!.weights[0]!;
  samePlainWeight.write(samePlainWeight.read().mul(2));
  const cached = await changed.fit(train, { ...options, engine: 'wasm', featureCache });
  expect(rowsOf(cached)).toEqual(rowsOf(await plain.fit(train, { ...options, engine: 'wasm' })));
});

test.each([
  ['a single view of the image', {}, 3],
  ['two views of the image', { inputView: grayscaleImage() }, 6],
] as const)(
  'fit with the feature cache of an earlier run does not run the frozen layers of a network with %s',
  async (_, branchOptions, callCount) => {
    const calls = async (featureCache: Store) => {
      const model = networkWith('inputView' in branchOptions ? 7 : 6, branchOptions);
      const first = model.layersModel.getLayer('trunk_conv1');
      const stock = first.call.bind(first);
      let count = 0;
      first.call = (...args) => {
        count++;
        return stock(...args);
      };
      await model.fit(train, { epochs: 2, batchSize: 5, engine: 'wasm', featureCache });
      return count;
    };
    const features = memoryStore();
    expect(await calls(features)).toBe(callCount); // The frozen layers run once for each batch and view, in the first epoch.
    expect(await calls(features)).toBe(0);
  },
);

test('fit logs and ignores a modified file in a feature cache, and ignores files from other programs', async () => {
  const featureCache = memoryStore();
  const lines: string[] = [];
  const run = () =>
    networkWith(6).fit(train, {
      epochs: 1,
      engine: 'wasm',
      featureCache,
      log: (line) => void lines.push(line),
    });
  const before = await run();
  const [name] = await featureCache.list();
  const bytes = (await featureCache.read(name!))!.slice();
  bytes[bytes.length - 1]! ^= 1;
  await featureCache.write(name!, bytes);
  await featureCache.write(`${name!.split('/')[0]}/.DS_Store`, new Uint8Array(9));
  expect(rowsOf(await run())).toEqual(rowsOf(before));
  expect(lines.filter((line) => line.includes('computed again'))).toEqual([expect.stringContaining(name!)]);
});

test('a feature cache is not used for images with the same bytes but a different shape', async () => {
  const features = memoryStore();
  const lossOf = async (height: number, width: number, store?: Store) => {
    const shaped = imagesInMemory(
      images.map(({ image, labels }) => ({ labels, image: { ...image, height, width } })),
    );
    const model = multiTask({ input: [height, width, 3], seed: 5 })
      .trunk(sharedTrunk([conv(4, 3), globalAveragePool()]))
      .task('age', regression({ unit: 'years' }), branch([dense(3)]))
      .build();
    model.layersModel.layers[1]!.trainable = false;
    const { rows } = await model.fit(shaped as never, {
      epochs: 1,
      engine: 'wasm',
      ...(store && { featureCache: store }),
    });
    return rows[0]!.loss;
  };
  await lossOf(9, 16, features);
  expect(await lossOf(16, 9, features)).toBe(await lossOf(16, 9));
});

test('splitFrozen keeps custom layers in the trainable graph, because custom layers may behave differently in training', () => {
  class Shift extends tf.layers.Layer {
    override call(inputs: tf.Tensor | tf.Tensor[], { training }: { training?: boolean }) {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs;
      return training ? tf.add(x, 1) : x;
    }
    override computeOutputShape(shape: tf.Shape) {
      return shape;
    }
    override getClassName() {
      return 'Shift';
    }
  }
  const { layersModel, tasks, input } = multiTask({ input: SHAPE })
    .trunk(sharedTrunk([conv(4, 3), new Shift({ name: 'mine' }), globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), branch([dense(3)]))
    .build();
  layersModel.getLayer('trunk_conv1').trainable = false;
  const { frozenGraph } = splitFrozen(createNetwork(layersModel, tasks, input).graph);
  expect(frozenGraph!.calls.map(({ layer }) => layer.name)).toEqual(['trunk_conv1']);
});

test('fit on onnx accepts rounding errors in outputs close to zero', async () => {
  const model = multiTask({ input: SHAPE })
    .trunk(sharedTrunk([conv(4, 3, { useBias: false }), globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), branch([dense(3, { useBias: false })]))
    .build();
  for (const layer of model.layersModel.layers.slice(1)) {
    for (const weight of layer.weights) weight.write(weight.read().mul(1e-14));
  }
  const zeros = imagesInMemory(images.map(({ image }) => ({ image, labels: { age: 0 } })));
  await model.fit(zeros, { epochs: 1, engine: 'onnx' });
});

test('fit resumes from a checkpoint without frozen weights only if the frozen weights of the model are unchanged', async () => {
  const whole = await networkWith(5).fit(train, { ...options, epochs: 3, engine: 'wasm' });
  const checkpoint = memoryStore();
  await networkWith(5).fit(train, { ...options, epochs: 1, engine: 'wasm', checkpoint });
  const rest = { ...options, epochs: 3, engine: 'wasm' as const, checkpoint, resume: true };
  expect(rowsOf(await networkWith(5).fit(train, rest))).toEqual(rowsOf(whole));
  const other = networkWith(5);
  const weight = other.layersModel.layers.find(({ weights }) => weights.length > 0)!.weights[0]!;
  weight.write(weight.read().mul(2));
  expect(await catchError(() => other.fit(train, rest))).toMatchObject({
    kind: 'checkpoint',
    received: 'a checkpoint of a run that differs in frozen weights',
  });
});

test('fit rejects a model without trainable layers, and a feature cache for a model without frozen layers', async () => {
  const all = networkWith(100);
  expect(await catchError(() => all.fit(train, { epochs: 1, engine: 'wasm' }))).toMatchObject({
    path: 'fit',
  });
  const none = networkWith(0);
  const featureCache = memoryStore();
  expect(await catchError(() => none.fit(train, { epochs: 1, engine: 'wasm', featureCache }))).toMatchObject({
    path: 'fit.featureCache',
  });
});

test('a training step on the trainable graph from splitFrozen gives the same result as a step on the whole network', async () => {
  await useEngine('wasm');
  await fc.assert(
    fc.asyncProperty(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), async (frozen) => {
      const { layersModel, tasks, input } = networkWith(0);
      const weighted = layersModel.layers.filter(({ weights }) => weights.length > 0);
      for (const i of frozen) weighted[i]!.trainable = false;
      const network = createNetwork(layersModel, tasks, input);
      const frozenSplit = splitFrozen(network.graph);
      const indices = [0, 1, 2, 3, 4];
      const pixels = Float32Array.from(indices.flatMap((i) => [...images[i]!.image.data]));
      const batch = { pixels, indices, count: indices.length };
      const step = async (inputPipeline: InputPipeline) => {
        const trainable = network.withGraph(inputPipeline.frozenSplit.trainableGraph);
        const arrays = {
          ...createBatchArrays(trainable, data, batch, {}, await inputPipeline.computeInputs(data, batch)),
          ...drawDropoutMasks(trainable, indices.length, 1, 2, 3),
          ...createCoefficientArrays([0.1, 0.1]),
        };
        const inputs = toStepInputs(trainable, toTensors(arrays));
        const outputs = computeTrainingStep(trainable, sgd(), { age: 1, gender: 5 }, 'update', inputs, []);
        const updates = outputs.nonTrainableUpdates.map(([weight, value]) => [
          weight.originalName,
          [...value.dataSync()],
        ]);
        return { gradient: outputs.gradient.dataSync(), sums: outputs.sums.dataSync(), updates };
      };
      const engine = getActiveEngine()!;
      const whole = await step(
        new InputPipeline(engine, { frozenGraph: undefined, trainableGraph: network.graph }, input.range),
      );
      const split = await step(new InputPipeline(engine, frozenSplit, input.range));
      // The frozen layers run the kernels for inference, which add in a different order.
      expectCloseToLargest(split.gradient, whole.gradient, 1e-5, 'gradient');
      expectCloseToLargest(split.sums, whole.sums, 1e-5, 'sums');
      expect(split.updates.map(([name]) => name)).toEqual(whole.updates.map(([name]) => name));
    }),
    { numRuns: 60 },
  );
});

test('splitFrozen splits a network at its first layer with trainable weights or dropout', () => {
  const outputsOf = (frozen: number) => {
    const { layersModel, tasks, input } = networkWith(frozen);
    const { frozenGraph } = splitFrozen(createNetwork(layersModel, tasks, input).graph);
    return frozenGraph?.outputs.map(({ name, shape }) => `${name} ${shape}`);
  };
  expect(outputsOf(0)).toBeUndefined();
  expect(outputsOf(1)).toEqual(['frozen/trunk_conv1 10,10,4']);
  expect(outputsOf(2)).toEqual(['frozen/trunk_pool1 5,5,4']);
  // The shortcut of the residual block is frozen, but the convolution is not.
  expect(outputsOf(3)).toEqual(['frozen/trunk_pool1 5,5,4', 'frozen/trunk_shortcut1 5,5,6']);
  expect(outputsOf(6)).toEqual(['frozen/trunk_gap1 4']);
  expect(outputsOf(8)).toEqual(['frozen/age_dense1 5', 'frozen/gender_dense1 5']);
});
