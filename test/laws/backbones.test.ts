import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CAFFE, computePreprocessingWeights, MINUS_ONE_TO_ONE } from '../../src/backbones/preprocessing.js';
import {
  type Backbone,
  branch,
  dense,
  efficientNetB0Backbone,
  exportOnnx,
  globalAveragePool,
  imagesInMemory,
  loadModel,
  type MultiTaskModel,
  memoryStore,
  mobileNetV2Backbone,
  multiTask,
  regression,
  resnet50Backbone,
  sgd,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import { runOnnx } from '../onnx/runOnnx.js';
import { keras } from '../parity/backbones.js';
import { expectCloseToLargest } from '../parity/close.js';
import { imageBytes } from '../parity/noise.js';
import { weightsOf } from '../parity/same.js';

beforeAll(() => useEngine('wasm'));
afterAll(() => useEngine('cpu'));

function modelWith(backbone: Backbone, channels = 3, seed = 0) {
  return multiTask({ input: [32, 32, channels], seed })
    .trunk(sharedTrunk([backbone, globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), branch([dense(4)]))
    .build();
}

const face = (name: string, channels = 3) => ({
  data: imageBytes(name, [32, 32, channels]),
  height: 32,
  width: 32,
  channels,
});

const frozenLayers = (model: { layersModel: tf.LayersModel }) =>
  model.layersModel.layers
    .filter(({ name, trainable }) => !trainable && name !== 'image')
    .map(({ name }) => name);

describe('the preprocessing of a backbone', () => {
  const ranges = fc
    .tuple(fc.double({ min: -300, max: 300, noNaN: true }), fc.double({ min: 0.5, max: 600, noNaN: true }))
    .map(([black, width]) => [black, black + width] as const);
  const pixel = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));

  test.each([
    ['caffe', CAFFE, ([r, g, b]: readonly number[]) => [b! - 103.939, g! - 116.779, r! - 123.68]],
    ['-1 to 1', MINUS_ONE_TO_ONE, (rgb: readonly number[]) => rgb.map((value) => value / 127.5 - 1)],
  ])('of type %s follows its formula for any pixel range', (_, preprocessing, formula) => {
    fc.assert(
      fc.property(ranges, pixel, (range, rgb) => {
        const [black, white] = range;
        const [kernel, bias] = computePreprocessingWeights(preprocessing, range, 3);
        const x = rgb.map((value) => black + ((white - black) * value) / 255);
        const wanted = formula(rgb);
        const largest = Math.max(...wanted.map(Math.abs), 1);
        wanted.forEach((value, c) => {
          const sum = x.reduce((total, part, i) => total + part * kernel[i * 3 + c]!, bias[c]!);
          // Kernels and biases are float32: the farther the range is from 0, the more digits cancel.
          const scale = 1 + Math.max(Math.abs(black), Math.abs(white)) / (white - black);
          expect(Math.abs(sum - value)).toBeLessThan(1e-5 * scale * largest * 3);
        });
      }),
    );
  });

  test('of type caffe gives the same result as Keras for the color (10, 20, 30)', () => {
    const [kernel, bias] = computePreprocessingWeights(CAFFE, [0, 255], 3);
    const found = [0, 1, 2].map((c) =>
      Math.fround([10, 20, 30].reduce((sum, value, i) => sum + value * kernel[i * 3 + c]!, 0) + bias[c]!),
    );
    expect(found).toEqual(keras['caffe of 10, 20, 30']);
  });

  test('gives the same prediction for a grayscale image as for a color image with three equal channels', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    const [gray, color] = [modelWith(backbone, 1), modelWith(backbone, 3)];
    const { data } = face('gray', 1);
    const thrice = Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]!);
    const one = await gray.predict(face('gray', 1));
    const three = await color.predict({ data: thrice, height: 32, width: 32, channels: 3 });
    expectCloseToLargest([one.age], [three.age], 1e-4); // The grayscale value is one product, or the sum of three.
    gray.dispose();
    color.dispose();
  });
});

describe('a backbone with the trainable or trainableFrom option', () => {
  const makes = {
    resnet50: resnet50Backbone,
    mobileNetV2: mobileNetV2Backbone,
    efficientNetB0: efficientNetB0Backbone,
  };
  /** Returns the names of the layers in order, without the top. */
  const rowsOf = (name: keyof typeof makes) =>
    keras[name].layers
      .map((line) => line.split(' ')[0]!)
      .filter((layer) => !/avg_pool|global_average|top_dropout|predictions/.test(layer));

  async function expectFrozenBefore(name: keyof typeof makes, from: string) {
    const names = rowsOf(name);
    const first = names.includes(from) ? names.indexOf(from) : names.findIndex((row) => row.startsWith(from));
    const model = modelWith(await makes[name]({ weights: null, trainableFrom: from }));
    expect(frozenLayers(model)).toEqual(['image_preprocess', ...names.slice(0, first)]);
    model.dispose();
  }

  test('freezes exactly the layers before the first layer whose name equals or starts with the value of trainableFrom', async () => {
    const choices = (['mobileNetV2', 'efficientNetB0'] as const).flatMap((name) =>
      rowsOf(name).flatMap((row) => [row, row.replace(/_[^_]*$/, '')].map((from) => [name, from] as const)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...choices), ([name, from]) => expectFrozenBefore(name, from)),
      { numRuns: 15 },
    );
  });

  test.each(['conv5', 'conv3_block2', 'conv4_block1_0_conv'])(
    'freezes the layers before %s (resnet50Backbone)',
    (from) => expectFrozenBefore('resnet50', from),
  );

  test.each([
    ['all layers by default', {}, 0],
    ['no layer with trainable: false', { trainable: false }, 174],
  ])('trains %s (resnet50Backbone)', async (_, options, frozen) => {
    const model = modelWith(await resnet50Backbone({ weights: null, ...options }));
    expect(frozenLayers(model)).toHaveLength(frozen + 1);
    model.dispose();
  });

  test('applies stochastic depth only in trainable blocks (efficientNetB0Backbone)', async () => {
    const rates = async (trainableFrom: string) => {
      const model = modelWith(await efficientNetB0Backbone({ weights: null, trainableFrom }));
      const dropouts = model.layersModel.layers.filter((layer) => layer.getClassName() === 'Dropout');
      const found = dropouts.map(({ name, trainable, ...layer }) => [
        name,
        trainable,
        (layer as { rate?: number }).rate! > 0,
      ]);
      model.dispose();
      return found as [string, boolean, boolean][];
    };
    const found = await rates('block6a');
    expect(found.length).toBe(9);
    expect(found.map(([, , drops]) => drops)).toEqual(found.map(([name]) => name >= 'block6a'));
    for (const [, trainable, drops] of found) expect(drops).toBe(trainable);
  });

  test('keeps its frozen weights unchanged in fit, even after the model is saved and loaded', async () => {
    const data = imagesInMemory([1, 2, 3, 4].map((i) => ({ image: face(`step ${i}`), labels: { age: i } })));
    let model: MultiTaskModel<{ age: ReturnType<typeof regression> }> = modelWith(
      await mobileNetV2Backbone({ weights: null, trainableFrom: 'block_16' }),
    ) as never;
    const store = memoryStore();
    for (const turn of ['built', 'loaded']) {
      const before = weightsOf(model.layersModel);
      const frozen = new Set(frozenLayers(model));
      await model.fit(
        data as never,
        { epochs: 1, batchSize: 4, optimizer: sgd({ learningRate: 0.01 }), engine: 'wasm' } as never,
      );
      const after = weightsOf(model.layersModel);
      const changed = (name: string) => before[name]!.some((value, i) => value !== after[name]![i]);
      for (const layer of model.layersModel.layers) {
        for (const { originalName } of layer.weights) {
          if (frozen.has(layer.name)) expect(changed(originalName), `${turn}: ${originalName}`).toBe(false);
          else if (/(BN|bn)\/moving_mean/.test(originalName))
            expect(changed(originalName), originalName).toBe(true);
        }
      }
      expect(frozen.size).toBeGreaterThan(130);
      await model.save(store);
      const again = (await loadModel(store, { tasks: model.tasks })) as unknown as typeof model;
      expect(frozenLayers(again)).toEqual([...frozen]);
      expect(await again.predict(face('asked'))).toEqual(await model.predict(face('asked')));
      model.dispose();
      model = again;
    }
    model.dispose();
  });
});

describe('the initial weights of mobileNetV2Backbone without a weight file', () => {
  test('are equal for models with equal seeds and different for models with different seeds', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    const [one, same, other] = [
      modelWith(backbone, 3, 1),
      modelWith(backbone, 3, 1),
      modelWith(backbone, 3, 2),
    ];
    const kernel = (model: typeof one) => weightsOf(model.layersModel)['block_3_expand/kernel']!;
    expect(kernel(same)).toEqual(kernel(one));
    expect(kernel(other)).not.toEqual(kernel(one));
    for (const model of [one, same, other]) model.dispose();
  });
});

test.each([
  ['resnet50Backbone', resnet50Backbone],
  ['mobileNetV2Backbone', mobileNetV2Backbone],
  ['efficientNetB0Backbone', efficientNetB0Backbone],
] as const)('the ONNX export of a model with %s gives the same outputs as the model', async (_, make) => {
  const model = modelWith(await make({ weights: null, trainable: false }));
  const images = Float32Array.from(imageBytes('export', [3, 32, 32, 3]), (byte) => byte / 255);
  const { age } = await runOnnx(await exportOnnx(model), 'image', images, [3, 32, 32, 3]);
  const x = tf.tensor4d(images, [3, 32, 32, 3]);
  const answers = await model.predict(x);
  x.dispose();
  expectCloseToLargest(
    age!.data,
    answers.map(({ age }) => age),
    1e-5,
  );
  model.dispose();
});
