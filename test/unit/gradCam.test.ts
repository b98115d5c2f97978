import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import {
  activation,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  dense,
  efficientNetB0Backbone,
  flatten,
  type GradCam,
  globalAveragePool,
  gradCam,
  type MultiTaskModel,
  maxPool,
  mobileNetV2Backbone,
  multiTask,
  type PredictInput,
  regression,
  residual,
  resnet50Backbone,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import type { Tasks } from '../../src/tasks/task.js';
import { expectClose, expectCloseToLargest } from '../parity/close.js';
import { imageBytes } from '../parity/noise.js';
import { fill } from '../parity/same.js';

const SIDE = 16;
const GRADES = ['good', 'fair', 'poor'] as const;
const images = Array.from({ length: 5 }, (_, i) => ({
  data: imageBytes(`cam ${i}`, [SIDE, SIDE, 3]),
  height: SIDE,
  width: SIDE,
  channels: 3,
}));

const model = multiTask({ input: [SIDE, SIDE, 3] })
  .trunk(sharedTrunk([conv(6, 3), batchNorm(), residual([conv(6, 3, { padding: 'same' })]), maxPool(2)]))
  .task('age', regression({ unit: 'years' }), branch([conv(5, 3), flatten(), dense(4)]))
  .task('gender', binary(['male', 'female']), branch([conv(5, 3), globalAveragePool()]))
  .task('grade', categorical(GRADES), branch([conv(5, 3), globalAveragePool()]))
  .build();

beforeAll(async () => {
  await useEngine('wasm');
  fill(model.layersModel, 'cam');
});
afterAll(() => model.dispose());

const raw = ({ data, peak }: GradCam) => data.map((x) => x * peak);

describe('a heat map from gradCam', () => {
  test('has values from 0 to 1, and the largest value is 1 unless all values are 0', async () => {
    for (const task of ['age', 'gender', 'grade'] as const) {
      for (const { data, peak, height, width } of await gradCam(model, images, { task })) {
        expect([height, width, data.length]).toEqual([5, 5, 25]);
        expect(Math.max(...data)).toBe(peak > 0 ? 1 : 0);
        expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test('equals the class activation map (B. Zhou et al., 2016) if the head averages the features', async () => {
    const features = model.layersModel.getLayer('grade_conv1').output as SymbolicTensor;
    const maps = tf.model({ inputs: model.layersModel.inputs, outputs: features });
    const [kernel] = model.layersModel.getLayer('grade').weights;
    for (const [label, target] of GRADES.entries()) {
      const found = await gradCam(model, images, { task: 'grade', target });
      const expected = tf.tidy(() => {
        const pixels = tf.tensor(
          Float32Array.from(images.flatMap(({ data }) => Array.from(data, (x) => x / 255))),
          [images.length, SIDE, SIDE, 3],
        );
        const weights = tf.slice(kernel!.read(), [0, label], [-1, 1]).reshape([-1]);
        const sum = tf.sum(tf.mul(maps.predict(pixels) as Tensor, weights), -1);
        return tf.div(tf.relu(sum), 25).dataSync();
      });
      expectCloseToLargest(
        found.flatMap((map) => [...raw(map)]),
        expected,
        1e-5,
        target,
      );
      expect(found.every((map) => map.target === target)).toBe(true);
    }
  });

  test('is computed for the predicted label by default', async () => {
    const [genders, grades] = [
      await gradCam(model, images, { task: 'gender' }),
      await gradCam(model, images, { task: 'grade' }),
    ];
    const answers = await model.predict(images);
    expect(genders.map(({ target }) => target)).toEqual(answers.map(({ gender }) => gender.label));
    expect(grades.map(({ target }) => target)).toEqual(answers.map(({ grade }) => grade.label));
    for (const [i, { target, data }] of grades.entries()) {
      const asked = await gradCam(model, images[i]!, { task: 'grade', target });
      expectClose(asked.data, data, 1e-5); // The batch sizes differ.
    }
  });

  test.each([-50, 50])(
    'is computed for the predicted label, even if a bias of %i in the head determines the prediction',
    async (size) => {
      const customModel = multiTask({ input: [SIDE, SIDE, 3] })
        .trunk(sharedTrunk([conv(4, 3)]))
        .task('gender', binary(['male', 'female']), branch([globalAveragePool()]))
        .task('grade', categorical(GRADES), branch([globalAveragePool()]))
        .build();
      const bias = (name: string, values: readonly number[]) => {
        const [kernel] = customModel.layersModel.getLayer(name).getWeights();
        customModel.layersModel.getLayer(name).setWeights([kernel!, tf.tensor1d([...values])]);
      };
      bias('gender', [size]);
      bias('grade', [0, size, -size]);
      const [gender, grade] = size > 0 ? ['female', 'fair'] : ['male', 'poor'];
      expect((await customModel.predict(images[0]!)).gender.label).toBe(gender);
      expect((await gradCam(customModel, images[0]!, { task: 'gender' })).target).toBe(gender);
      expect((await gradCam(customModel, images[0]!, { task: 'grade' })).target).toBe(grade);
      customModel.dispose();
    },
  );

  test('for one label of a binary task does not overlap the heat map for the other label', async () => {
    const pairs = [
      [
        await gradCam(model, images, { task: 'gender', target: 'male' }),
        await gradCam(model, images, { task: 'gender', target: 'female' }),
      ],
      [
        await gradCam(model, images, { task: 'age', target: 'lower' }),
        await gradCam(model, images, { task: 'age', target: 'higher' }),
      ],
    ] as const;
    let hot = 0;
    for (const [one, other] of pairs) {
      one.forEach((map, i) => {
        map.data.forEach((x, at) => {
          expect(x * other[i]!.data[at]!).toBe(0);
          hot += x + other[i]!.data[at]! > 0 ? 1 : 0;
        });
      });
    }
    expect(hot).toBeGreaterThan(200); // Almost every one of the 250 positions supports one of the two labels.
  });

  test('is the same for bytes and tensors, and for single images and batches of any size', async () => {
    const options = { task: 'age', layer: 'trunk_conv1' } as const;
    const many = await gradCam(model, images, options);
    const tensors = images.map(({ data }) =>
      tf.tensor3d(
        Float32Array.from(data, (x) => x / 255),
        [SIDE, SIDE, 3],
      ),
    );
    const stacked = tf.stack(tensors) as tf.Tensor4D;
    const all = [
      await gradCam(model, images, { ...options, batchSize: 2 }),
      await gradCam(model, tensors as PredictInput[], options),
      await gradCam(model, stacked, { ...options, batchSize: 3 }),
      [await gradCam(model, images[0]!, options)],
    ];
    for (const [i, map] of all.flatMap((maps) => [...maps.entries()])) {
      expectClose(map.data, many[i]!.data, 1e-5);
    }
    tf.dispose([...tensors, stacked]);
  });

  test('of a task does not depend on the branch of another task', async () => {
    const before = await gradCam(model, images, { task: 'age' });
    fill(model.layersModel, 'cam');
    for (const weight of model.layersModel.layers
      .filter(({ name }) => /^gender/.test(name))
      .flatMap((layer) => layer.weights)) {
      const other = tf.mul(weight.read(), -3);
      weight.write(other);
      other.dispose();
    }
    expect(await gradCam(model, images, { task: 'age' })).toEqual(before);
    fill(model.layersModel, 'cam');
  });

  test('reflects changed weights in the next call, on wasm and onnx', async () => {
    for (const engine of ['wasm', 'onnx'] as const) {
      const options = { task: 'age', engine } as const;
      const [one] = await gradCam(model, images, options);
      fill(model.layersModel, 'other');
      const [other] = await gradCam(model, images, options);
      fill(model.layersModel, 'cam');
      const [again] = await gradCam(model, images, options);
      expect(again).toEqual(one);
      expect(other).not.toEqual(one);
    }
    await useEngine('wasm');
  });

  test('is the same for a separate softmax layer and for a dense layer with softmax', async () => {
    const { layersModel, tasks, input } = model;
    const features = layersModel.getLayer('grade').input as SymbolicTensor;
    const linear = tf.layers.dense({ units: 3, name: 'linear' });
    const bare = linear.apply(features) as SymbolicTensor;
    linear.setWeights(layersModel.getLayer('grade').getWeights());
    const wanted = await gradCam(model, images, { task: 'grade' });
    for (const last of [
      tf.layers.softmax({ name: 'grade' }),
      tf.layers.activation({ activation: 'softmax', name: 'grade' }),
    ]) {
      const other = tf.model({ inputs: layersModel.inputs, outputs: last.apply(bare) as SymbolicTensor });
      const parts = { layersModel: other, tasks: { grade: tasks.grade }, input };
      const found = await gradCam(parts as unknown as MultiTaskModel<Tasks>, images, { task: 'grade' });
      found.forEach((map, i) => {
        expect(map.target).toBe(wanted[i]!.target);
        expectClose(map.data, wanted[i]!.data, 1e-5);
      });
    }
  });
});

describe('the layer that gradCam uses', () => {
  const layerOf = async (customModel: MultiTaskModel<Tasks>, task: string) => {
    const [height, width, channels] = customModel.input.shape;
    const image = { data: new Uint8Array(height * width * channels).fill(9), height, width, channels };
    const { layer, ...map } = await gradCam(customModel, image, { task });
    customModel.dispose();
    return [layer, map.height, map.width];
  };
  const under = async (trunk: Parameters<ReturnType<typeof multiTask>['trunk']>[0]) =>
    multiTask({ input: [64, 64, 3] })
      .trunk(trunk)
      .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
      .build() as unknown as MultiTaskModel<Tasks>;

  test('is by default the last convolution with an output larger than 1x1 in the branch', async () => {
    const buildModelA = (size: number) => modelA(size) as unknown as MultiTaskModel<Tasks>;
    expect(await layerOf(buildModelA(64), 'gender')).toEqual(['gender_conv2', 5, 5]); // The output of conv3 has only one position.
    expect(await layerOf(buildModelA(96), 'age')).toEqual(['age_conv3', 3, 3]);
  });

  test('is by default the last layer of the last block of a backbone, as in Keras', async () => {
    const options = { weights: null } as const;
    expect(await layerOf(await under(await mobileNetV2Backbone(options)), 'age')).toEqual(['out_relu', 2, 2]);
    expect(await layerOf(await under(await resnet50Backbone(options)), 'age')).toEqual([
      'conv5_block3_out',
      2,
      2,
    ]);
    expect(await layerOf(await under(await efficientNetB0Backbone(options)), 'age')).toEqual([
      'top_activation',
      2,
      2,
    ]);
  });

  test('can be inside a residual block, whose shortcut does not change the heat map', async () => {
    const customModel = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(6, 3), residual([conv(6, 3, { padding: 'same' })]), globalAveragePool()]))
      .task('age', regression({ unit: 'years' }), branch([activation('linear')]))
      .build();
    fill(customModel.layersModel, 'cam');
    const [kernel] = customModel.layersModel.getLayer('age').weights;
    const features = customModel.layersModel.getLayer('trunk_conv2').output as SymbolicTensor;
    const maps = tf.model({ inputs: customModel.layersModel.inputs, outputs: features });
    const found = await gradCam(customModel, images, { task: 'age', layer: 'trunk_conv2' });
    // The score is a sum over the feature map and the shortcut, so its gradient is the kernel of the head divided by the number of positions.
    const expected = tf.tidy(() => {
      const pixels = tf.tensor(
        Float32Array.from(images.flatMap(({ data }) => Array.from(data, (x) => x / 255))),
        [images.length, SIDE, SIDE, 3],
      );
      const map = maps.predict(pixels) as Tensor;
      const sum = tf.sum(tf.mul(map, kernel!.read().reshape([-1])), -1);
      return tf.div(tf.relu(sum), 14 * 14).dataSync();
    });
    expectCloseToLargest(
      found.flatMap((map) => [...raw(map)]),
      expected,
      1e-5,
    );
    customModel.dispose();
  });

  test('can be a user-defined convolution whose name resembles the name of a grayscale layer', async () => {
    const named = tf.layers.conv2d({ filters: 2, kernelSize: 3, name: 'age_grayscale1' });
    const customModel = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(2, 3)]))
      .task('age', regression({ unit: 'years' }), branch([named, flatten()]))
      .build();
    expect((await gradCam(customModel, images[0]!, { task: 'age' })).layer).toBe('age_grayscale1');
    customModel.dispose();
  });

  test('contributes the output of its last call before the task if it is called twice', async () => {
    const image = tf.input({ shape: [SIDE, SIDE, 3], name: 'image' });
    const twice = tf.layers.conv2d({ filters: 3, kernelSize: 3, name: 'twice' });
    const x = twice.apply(twice.apply(image)) as SymbolicTensor;
    const last = tf.layers.dense({ units: 1, name: 'age' });
    const flat = tf.layers.flatten().apply(x) as SymbolicTensor;
    const layersModel = tf.model({ inputs: image, outputs: last.apply(flat) as SymbolicTensor });
    const parts = { layersModel, tasks: { age: regression({ unit: 'years' }) }, input: model.input };
    const map = await gradCam(parts as unknown as MultiTaskModel<Tasks>, images[0]!, {
      task: 'age',
      layer: 'twice',
    });
    expect([map.height, map.width]).toEqual([12, 12]);
    layersModel.dispose();
  });

  test('can be any layer with a feature map, including layers of the trunk', async () => {
    for (const [layer, size] of [
      ['trunk_conv1', 14],
      ['trunk_bn1', 14],
      ['trunk_pool1', 7],
    ] as const) {
      const map = await gradCam(model, images[0]!, { task: 'grade', layer });
      expect([map.layer, map.height, map.width]).toEqual([layer, size, size]);
    }
  });
});
