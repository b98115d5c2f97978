/** Laws of input views. The trunk is called once for each distinct view that the branches use. */

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  activation,
  averagePool,
  type Block,
  type BuildContext,
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  dense,
  dropout,
  flatten,
  globalAveragePool,
  grayscaleImage,
  imagesInMemory,
  type LayerLike,
  loadModel,
  type MultiTaskModel,
  memoryStore,
  mobileNetV2Backbone,
  multiTask,
  regression,
  resnet50Backbone,
  sgd,
  sharedTrunk,
} from '../../src/entries/node.js';
import { createKerasGraph } from '../../src/interop/keras/write/kerasGraph.js';
import { buildNetwork } from '../../src/network/buildNetwork.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import {
  createBatchArrays,
  createCoefficientArrays,
  toStepInputs,
  toTensors,
} from '../../src/steps/stepArrays.js';
import { computeTrainingStep } from '../../src/steps/trainingStep.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { catchError } from '../bad-input/catchError.js';

beforeAll(() => loadWasmBackend());

const SIDE = 12;
const NAMES = ['a', 'b', 'c', 'd'] as const;

/** Functions that create the blocks of a view, keyed by name. Each call creates new blocks. */
const VIEWS: { readonly [name: string]: () => readonly LayerLike[] } = {
  image: () => [],
  gray: () => [grayscaleImage()],
  'dark gray': () => [grayscaleImage(), activation('sigmoid')],
  small: () => [averagePool(2)],
};

const build = (views: readonly string[], seed = 1) =>
  views
    .reduce(
      (builder, view, i) =>
        builder.task(
          NAMES[i]!,
          regression({ unit: 'years' }),
          branch([globalAveragePool(), dense(3)], { inputView: VIEWS[view]!() }),
        ),
      multiTask({ input: [SIDE, SIDE, 3], seed }).trunk(
        sharedTrunk([conv(4, 3), batchNorm(), dropout(0.2), conv(2, 2)]),
      ) as any,
    )
    .build() as MultiTaskModel<any>;

const calls = (model: MultiTaskModel<any>, layer: string) =>
  model.architecture().layers.find(({ name }) => name === layer)!.calls.length;
const views = fc.array(fc.constantFrom(...Object.keys(VIEWS)), { minLength: 1, maxLength: 4 });

function image(seed: number, channels = 3) {
  const random = createRng(seed, 'image');
  const data = Uint8Array.from({ length: SIDE * SIDE * channels }, () => random.nextInt(256));
  return { data, height: SIDE, width: SIDE, channels };
}

/** Returns a color image in which every channel is the grayscale version of the image as computed by Keras, in the pixel range of the network. */
function grayscaleValues({ data }: { data: Uint8Array }): Float32Array {
  return Float32Array.from(data, (_, i) => {
    const first = 3 * Math.floor(i / 3);
    return (0.2989 * data[first]! + 0.587 * data[first + 1]! + 0.114 * data[first + 2]!) / 255;
  });
}

describe('a network whose branches have input views', () => {
  test('calls its trunk once for each distinct view, and has no layers for unused or duplicate views', () => {
    fc.assert(
      fc.property(views, (viewNames) => {
        const model = build(viewNames);
        expect(calls(model, 'trunk_conv1')).toBe(new Set(viewNames).size);
        const viewLayers = model.layersModel.layers.filter(({ name }) => name.startsWith('image_'));
        const expected = new Set(
          viewNames.flatMap(
            (view) =>
              ({ image: [], gray: ['gray'], 'dark gray': ['gray 2', 'sigmoid'], small: ['pool'] })[view] ??
              [],
          ),
        );
        expect(viewLayers).toHaveLength(expected.size);
        // Views have no trainable weights: the network has the same weights as without views, plus those of the grayscale layers.
        const grayscaleCount = viewLayers.filter(({ name }) => name.startsWith('image_grayscale')).length;
        const plain = build(viewNames.map(() => 'image'));
        expect(model.architecture().parameters).toBe(plain.architecture().parameters + 12 * grayscaleCount);
        expect(model.architecture().trainableParameters).toBe(plain.architecture().trainableParameters);
        for (const weight of plain.layersModel.weights) {
          const counterpart = model.layersModel.weights.find(
            ({ originalName }) => originalName === weight.originalName,
          )!;
          expect(counterpart.read().dataSync()).toEqual(weight.read().dataSync());
        }
        plain.dispose();
        model.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test('predicts for each task the same value as a network in which all branches have the view of that task', async () => {
    await fc.assert(
      fc.asyncProperty(views, fc.nat(1000), async (viewNames, seed) => {
        const model = build(viewNames);
        const answer = await model.predict(image(seed), { engine: 'wasm' });
        for (const [i, view] of viewNames.entries()) {
          const alone = build(viewNames.map(() => view));
          const expected = await alone.predict(image(seed), { engine: 'wasm' });
          // Both networks run the same operations on the same numbers.
          expect(answer[NAMES[i]!]).toBe(expected[NAMES[i]!]);
          alone.dispose();
        }
        model.dispose();
      }),
      { numRuns: 15 },
    );
  });

  test('with a grayscale view predicts for a color image the same value as a network without views predicts for the grayscale image', () => {
    const color = image(3);
    const [gray, plain] = [build(['gray']), build(['image'])];
    const predictValue = (model: MultiTaskModel<any>, data: Float32Array) =>
      tf.tidy(
        () => (model.layersModel.predict(tf.tensor(data, [1, SIDE, SIDE, 3])) as tf.Tensor).dataSync()[0]!,
      );
    const bytes = Float32Array.from(color.data, (byte) => byte / 255);
    // The three products are added in a different order.
    expect(predictValue(gray, bytes)).toBeCloseTo(predictValue(plain, grayscaleValues(color)), 5);
    expect(predictValue(gray, bytes)).not.toBeCloseTo(predictValue(plain, bytes), 5);
  });

  test('gives the same predictions after save() and loadModel(), and has the same history if training is resumed', async () => {
    await fc.assert(
      fc.asyncProperty(views, async (viewNames) => {
        const taskNames = NAMES.slice(0, viewNames.length);
        const data = imagesInMemory(
          Array.from({ length: 7 }, (_, i) => ({
            image: image(i),
            labels: Object.fromEntries(taskNames.map((name, offset) => [name, i + offset])),
          })),
        );
        const options = { batchSize: 3, engine: 'wasm', seed: 2, validation: data } as const;
        const rows = async (model: MultiTaskModel<any>, more: object) =>
          (await model.fit(data, { ...options, ...more } as any)).rows.map(({ seconds: _, ...row }) => row);
        const whole = build(viewNames);
        const expected = await rows(whole, { epochs: 2 });
        const checkpoint = memoryStore();
        const first = build(viewNames);
        await rows(first, { epochs: 1, checkpoint });
        const second = build(viewNames);
        expect(await rows(second, { epochs: 2, checkpoint, resume: true })).toEqual(expected);
        const store = memoryStore();
        await second.save(store);
        const loaded = await loadModel(store);
        expect(loaded.architecture()).toEqual(second.architecture());
        expect(await loaded.predict(image(9))).toEqual(await second.predict(image(9)));
        expect(await rows(loaded, { epochs: 1 })).toEqual(await rows(second, { epochs: 1 }));
        for (const model of [whole, first, second, loaded]) model.dispose();
      }),
      { numRuns: 6 },
    );
  });
});

test('a trunk that is called twice draws a separate dropout mask for each call, as in Keras', () => {
  const network = buildNetwork({
    input: { shape: [4, 4, 3], range: [0, 1] },
    seed: 1,
    trunk: sharedTrunk([dropout(0.5)]),
    tasks: (['age', 'gender'] as const).map((name) => ({
      name,
      task: regression({ unit: 'years' }),
      branch: branch([flatten()], name === 'gender' ? { inputView: grayscaleImage() } : {}),
    })),
  });
  const masks = drawDropoutMasks(network, 20, 1, 0, 0);
  const [one, other] = Object.values(masks);
  expect(Object.keys(masks)).toHaveLength(2);
  const equalShare = one!.data.filter((bit, i) => bit === other!.data[i]).length / one!.data.length;
  expect(Math.abs(equalShare - 0.5)).toBeLessThan(0.08); // Five standard deviations of 960 independent draws.
  // Each call uses its own mask: an image of ones becomes 0 where the mask is 0.
  const outputs: tf.Tensor[] = [];
  const layer = network.layersModel.getLayer('trunk_dropout1');
  const stock = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    const output = stock(inputs, kwargs) as tf.Tensor;
    outputs.push(tf.keep(output));
    return output;
  };
  const data = imagesInMemory(
    Array.from({ length: 20 }, (_, i) => ({
      image: { data: new Uint8Array(48).fill(255), height: 4, width: 4, channels: 3 },
      labels: { age: i, gender: i },
    })),
  );
  const indices = Array.from({ length: 20 }, (_, i) => i);
  const batch = { indices, pixels: new Float32Array(960).fill(255), count: 20 };
  const images = [{ shape: [20, 4, 4, 3], data: new Float32Array(960).fill(1) }];
  const arrays = {
    ...createBatchArrays(network, data, batch, {}, images),
    ...masks,
    ...createCoefficientArrays([0.1, 0.1]),
  };
  const inputs = toStepInputs(network, toTensors(arrays));
  computeTrainingStep(network, sgd(), { age: 1, gender: 1 }, 'update', inputs, []);
  expect(outputs).toHaveLength(2);
  outputs.forEach((output, call) => {
    const bits = output.dataSync().map((value) => (value > 0 ? 1 : 0));
    expect(Float32Array.from(bits)).toEqual([one, other][call]!.data);
  });
});

describe('an input view', () => {
  const two = (a: readonly LayerLike[] | LayerLike, b: readonly LayerLike[] | LayerLike) =>
    multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(4, 3)]))
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: a }))
      .task('gender', binary(['male', 'female']), branch([flatten()], { inputView: b }))
      .build();

  test('with a trainable layer is shared by two branches only if both branches use the same block object', () => {
    const trainableBlock = conv(3, 1);
    expect(calls(two(trainableBlock, trainableBlock), 'trunk_conv1')).toBe(1);
    expect(calls(two(trainableBlock, [trainableBlock]), 'trunk_conv1')).toBe(1);
    const separate = two(conv(3, 1), conv(3, 1));
    expect(calls(separate, 'trunk_conv1')).toBe(2);
    expect(separate.layersModel.layers.map(({ name }) => name)).toContain('image_conv2');
  });

  test('can be a tf.layers layer, which two branches can share', () => {
    const crop = tf.layers.cropping2D({ cropping: 2, name: 'crop' });
    const shared = two(crop, [crop]);
    expect(calls(shared, 'trunk_conv1')).toBe(1);
    expect(shared.architecture().layers.find(({ name }) => name === 'trunk_conv1')!.outputShape).toEqual([
      6, 6, 4,
    ]);
  });

  /** Creates a custom block: a frozen 1x1 convolution to `values.length / 3` channels. */
  const mix = (values: readonly number[]): Block => ({
    '~block': 'mix',
    computeOutputSize: (input) => input,
    build: (input, context) => {
      const filters = values.length / 3;
      const layer = tf.layers.conv2d({
        name: context.createName('mix'),
        filters,
        kernelSize: 1,
        useBias: false,
      });
      layer.trainable = false;
      const output = context.connect(layer, input);
      context.setWeights(layer, [Float32Array.from(values)]);
      return output;
    },
  });
  const RED = [1, 0, 0];

  test('with a custom block is shared by two branches if both blocks create the same layers with the same weights', () => {
    expect(calls(two(mix(RED), mix(RED)), 'trunk_conv1')).toBe(1);
    const different = two(mix(RED), mix([0, 1, 0]));
    expect(calls(different, 'trunk_conv1')).toBe(2);
    // A view that was built but not used leaves neither a layer nor a gap in the layer names.
    const third = multiTask({ input: [SIDE, SIDE, 3] })
      .task('a', regression({ unit: 'years' }), branch([flatten()], { inputView: mix(RED) }))
      .task('b', regression({ unit: 'years' }), branch([flatten()], { inputView: mix(RED) }))
      .task('c', regression({ unit: 'years' }), branch([flatten()], { inputView: mix([0, 0, 1]) }))
      .build();
    const views = third.layersModel.layers.map(({ name }) => name).filter((name) => /^image_/.test(name));
    expect(views).toEqual(['image_mix1', 'image_mix2']);
  });

  test('that is a duplicate of another view leaks no tensors', () => {
    const before = tf.memory().numTensors;
    two(grayscaleImage(), grayscaleImage()).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('with the same layers as another view is a separate view if its connections or its output differ', () => {
    /** Creates a block of two convolutions, chained or both after the image. One of them is the view. */
    const both = (chained: boolean, end: 0 | 1): Block => ({
      '~block': 'both',
      computeOutputSize: (input) => input,
      build: (input, context) => {
        const first = mix([1, 0, 0, 0, 1, 0, 0, 0, 1]).build(input, context);
        return [first, mix([0, 1, 0, 0, 0, 1, 1, 0, 0]).build(chained ? first : input, context)][end]!;
      },
    });
    expect(calls(two(both(true, 1), both(true, 1)), 'trunk_conv1')).toBe(1);
    expect(calls(two(both(true, 1), both(false, 1)), 'trunk_conv1')).toBe(2);
    expect(calls(two(both(true, 0), both(true, 1)), 'trunk_conv1')).toBe(2);
  });

  test('makes exportKeras list each shared layer at the position of its deepest call, as Keras 3.15 does', () => {
    const age = regression({ unit: 'years' });
    const model = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(4, 3), batchNorm()]))
      .task('age', age, branch([flatten()]))
      .task('gender', age, branch([conv(2, 3), conv(2, 3), flatten()], { inputView: grayscaleImage() }))
      .build();
    expect(createKerasGraph(model.layersModel).layers.map(({ name }) => name)).toEqual([
      ...['image', 'image_grayscale1', 'trunk_conv1', 'trunk_bn1', 'gender_conv1', 'gender_conv2'],
      ...['age_flatten1', 'gender_flatten1', 'age', 'gender'],
    ]);
    model.dispose();
  });

  test('is a separate view if its block options differ from those of an existing view', () => {
    expect(
      calls(
        two([grayscaleImage(), activation('sigmoid')], [grayscaleImage(), activation('tanh')]),
        'trunk_conv1',
      ),
    ).toBe(2);
    expect(calls(two(averagePool(2), averagePool(3)), 'trunk_conv1')).toBe(2);
    expect(calls(two(averagePool(2), averagePool(2)), 'trunk_conv1')).toBe(1);
  });

  test('is shown as part of the input in model.architecture(), which lists the input of each trunk call', () => {
    const { layers } = two(grayscaleImage(), averagePool(2)).architecture();
    const layer = (name: string) => layers.find((each) => each.name === name)!;
    expect(layer('image_grayscale1')).toMatchObject({
      part: 'input',
      detail: '1×1, to grayscale',
      trainable: false,
    });
    expect(layer('trunk_conv1').calls).toEqual([
      [{ layer: 'image_grayscale1', call: 0 }],
      [{ layer: 'image_avgpool1', call: 0 }],
    ]);
    expect(layer('age_flatten1').calls).toEqual([[{ layer: 'trunk_conv1', call: 0 }]]);
    expect(layer('gender_flatten1').calls).toEqual([[{ layer: 'trunk_conv1', call: 1 }]]);
    const trunk = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([grayscaleImage(), conv(2, 3)]))
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build();
    expect(trunk.architecture().layers[1]).toMatchObject({ part: 'trunk', detail: '1×1, to grayscale' });
  });

  test('is also applied before a backbone in a branch', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    const model = multiTask({ input: [32, 32, 3] })
      .task(
        'age',
        regression({ unit: 'years' }),
        branch([...backbone.layerStack, globalAveragePool()], { inputView: grayscaleImage() }),
      )
      .build();
    expect(model.architecture().layers.find(({ name }) => name === 'image_preprocess')!.inputs).toEqual([
      'image_grayscale1',
    ]);
    // A backbone requires the image itself as input, so grayscaleImage() is a view here and not a block of the trunk.
    const inTrunk = await catchError(() =>
      multiTask({ input: [32, 32, 3] })
        .trunk(sharedTrunk([grayscaleImage(), ...backbone.layerStack]))
        .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
        .build(),
    );
    expect(inTrunk.advice).toContain('{ inputView: grayscaleImage() }');
  });

  test('determines the number of input channels of the trunk if it has fewer channels than the image', () => {
    const model = two(mix(RED), mix(RED));
    expect(model.architecture().layers.find(({ name }) => name === 'trunk_conv1')!.parameters).toBe(
      4 * (9 + 1),
    );
    const pixels = tf.randomUniform([2, SIDE, SIDE, 3], 0, 1, 'float32', 1);
    const [age] = model.layersModel.predict(pixels) as tf.Tensor[];
    const noGreenOrBlue = tf.mul(pixels, tf.tensor([1, 0, 0]));
    const [same] = model.layersModel.predict(noGreenOrBlue) as tf.Tensor[];
    expect(same!.dataSync()).toEqual(age!.dataSync());
    const noRed = tf.mul(pixels, tf.tensor([0, 1, 1]));
    expect((model.layersModel.predict(noRed) as tf.Tensor[])[0]!.dataSync()).not.toEqual(age!.dataSync());
  });

  test('does not dispose the weights of an existing layer that its block connects', () => {
    const layer = tf.layers.conv2d({ filters: 3, kernelSize: 1, name: 'ready' });
    const ready = {
      '~block': 'ready',
      computeOutputSize: (input: number) => input,
      build: (input: tf.SymbolicTensor, context: BuildContext) => context.connect(layer, input),
    } satisfies Block;
    const model = two(ready, [ready]);
    expect(calls(model, 'trunk_conv1')).toBe(1);
    expect(layer.getWeights()[0]!.isDisposed).toBe(false);
    model.dispose();
  });

  test('from grayscaleImage() leaves a grayscale image unchanged, and keeps black pixels black in any pixel range', async () => {
    const gray = multiTask({ input: [SIDE, SIDE, 1] })
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    expect(gray.layersModel.layers.map(({ name }) => name)).toEqual(['image', 'age_flatten1', 'age']);
    const wide = multiTask({ input: [1, 1, 3], range: [-3, 1] })
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    const view = tf.model({
      inputs: wide.layersModel.inputs,
      outputs: wide.layersModel.getLayer('image_grayscale1').output as tf.SymbolicTensor,
    });
    const black = (view.predict(tf.fill([1, 1, 1, 3], -3)) as tf.Tensor).dataSync();
    for (const value of black) expect(value).toBeCloseTo(-3, 5);
  });

  test('is applied before the preprocessing of a backbone, and all views share the same backbone weights', async () => {
    const backbone = await resnet50Backbone({ weights: null, trainable: false });
    const part = (inputView: readonly LayerLike[]) => branch([dense(4)], { inputView });
    const make = (a: readonly LayerLike[], b: readonly LayerLike[]) =>
      multiTask({ input: [32, 32, 3], seed: 4 })
        .trunk(sharedTrunk([backbone, globalAveragePool()]))
        .task('age', regression({ unit: 'years' }), part(a))
        .task('gender', binary(['male', 'female']), part(b))
        .build();
    const model = make([], [grayscaleImage()]);
    expect(calls(model, 'image_preprocess')).toBe(2);
    const [color, gray] = [make([], []), make([grayscaleImage()], [grayscaleImage()])];
    expect(model.architecture().parameters).toBe(color.architecture().parameters + 12);
    const random = createRng(1, 'face');
    const face = {
      data: Uint8Array.from({ length: 32 * 32 * 3 }, () => random.nextInt(256)),
      height: 32,
      width: 32,
      channels: 3,
    };
    const answer = await model.predict(face, { engine: 'wasm' });
    expect(answer.age).toBe((await color.predict(face)).age);
    expect(answer.gender).toEqual((await gray.predict(face)).gender);
    for (const one of [model, color, gray]) one.dispose();
  });
});
