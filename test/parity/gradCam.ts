/** Compares heat maps with the heat maps that `keras/make_gradcam.py` computes. */

import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import {
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  dense,
  flatten,
  globalAveragePool,
  gradCam,
  grayscaleImage,
  type MultiTaskModel,
  mobileNetV2Backbone,
  multiTask,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';
import type { Tasks } from '../../src/tasks/task.js';
import { hashed } from './backbones.js';
import { expectClose, largest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { imageBytes, uniform } from './noise.js';
import { bounds, fill } from './same.js';

interface KerasMaps {
  readonly task: string;
  readonly layer: string;
  /** Index of an output of the head, with a sign. Null selects the predicted label of each image. */
  readonly toward: number | readonly number[] | null;
  /** Heat maps before scaling. */
  readonly maps: FixtureArray;
  readonly logits: FixtureArray;
}

const keras = fixture<{
  readonly images: { readonly [model: string]: readonly string[] };
  readonly 'model a': readonly KerasMaps[];
  readonly backbone: readonly KerasMaps[];
  readonly views: readonly (KerasMaps & { readonly grayFor: string })[];
}>('gradcam');
const SIDE = 64;

const images = (which: 'model a' | 'backbone') =>
  keras.images[which]!.map((name) => ({
    data: imageBytes(`${name}/image`, [SIDE, SIDE, 3]),
    height: SIDE,
    width: SIDE,
    channels: 3,
  }));

async function backbone(): Promise<MultiTaskModel<Tasks>> {
  const head = () => branch([globalAveragePool(), dense(16)]);
  const model = multiTask({ input: [SIDE, SIDE, 3], range: [0, 255] })
    .trunk(await mobileNetV2Backbone({ weights: null }))
    .task('defect', binary(['no', 'yes']), head())
    .task('grade', categorical(['good', 'fair', 'poor']), head())
    .build();
  const { layers } = model.layersModel;
  const isHead = ({ name }: tf.layers.Layer) => /^(defect|grade)/.test(name);
  hashed(
    'gradcam',
    layers.filter((layer) => !isHead(layer) && layer.name !== 'image_preprocess'),
    1,
  );
  for (const weight of layers.filter(isHead).flatMap((layer) => layer.weights)) {
    const shape = weight.shape as number[];
    const [low, high] = bounds(weight.originalName.split('/').at(-1)!, shape);
    const values = tf.tensor(uniform(`gradcam/${weight.originalName}`, shape, low, high), shape);
    weight.write(values);
    values.dispose();
  }
  return model as unknown as MultiTaskModel<Tasks>;
}

const LAST = ['age_conv1', 'gender_conv1', 'age_conv2', 'gender_conv2', 'out_relu'];

/** Returns the target for the value `toward` in the fixture. */
function targetFor(model: MultiTaskModel<Tasks>, task: string, toward: KerasMaps['toward']) {
  const { labels = ['lower', 'higher'] } = model.tasks[task]!;
  if (toward === null) return undefined;
  return labels[typeof toward === 'number' ? (toward > 0 ? 1 : 0) : toward.indexOf(1)]!;
}

async function expectMaps(
  model: MultiTaskModel<Tasks>,
  which: 'model a' | 'backbone',
  cases: readonly KerasMaps[] = keras[which],
) {
  for (const { task, layer, toward, maps: theirs, logits } of cases) {
    const expectedTarget = targetFor(model, task, toward);
    const title = `${task} at ${layer}, toward ${expectedTarget}`;
    const maps = await gradCam(model, images(which), {
      task,
      ...(LAST.includes(layer) ? {} : { layer }),
      ...(expectedTarget !== undefined && { target: expectedTarget }),
      batchSize: 2,
    });
    expect([maps.length, maps[0]!.height, maps[0]!.width], title).toEqual(theirs.shape);
    expect(
      maps.every((map) => map.layer === layer),
      title,
    ).toBe(true);
    const expected = numbers(theirs);
    const raw = maps.flatMap(({ data, peak }) => Array.from(data, (x) => x * peak));
    // The tolerance is 1e-4 of the largest value.
    expectClose(raw, expected, 1e-4 * largest(expected), title);
    maps.forEach(({ data, peak, target }, i) => {
      const expectedMap = expected.subarray(i * data.length, (i + 1) * data.length);
      const expectedPeak = largest(expectedMap);
      // The relative rounding error is larger for a heat map that is almost 0 compared with the other heat maps.
      if (peak > 1e-2 * largest(expected)) {
        expectClose(
          data,
          expectedMap.map((x) => x / expectedPeak),
          1e-4,
          `${title}, image ${i}, scaled`,
        );
        expect(Math.max(...data)).toBe(1);
      }
      const score = numbers(logits).subarray(i * logits.shape[1]!, (i + 1) * logits.shape[1]!);
      const { labels } = model.tasks[task]!;
      const best = score.length > 1 ? score.indexOf(Math.max(...score)) : score[0]! > 0 ? 1 : 0;
      expect(target, title).toBe(expectedTarget ?? labels![best]);
    });
  }
}

/** Checks that the heat maps of Model A at 64x64 on the current engine match Keras. */
export async function expectModelA(): Promise<void> {
  const model = modelA(SIDE) as unknown as MultiTaskModel<Tasks>;
  fill(model.layersModel, 'model-a');
  await expectMaps(model, 'model a');
  model.dispose();
}

/** Checks that the heat maps of MobileNetV2 with a binary and a categorical head on the current engine match Keras. */
export async function expectBackbone(): Promise<void> {
  const model = await backbone();
  await expectMaps(model, 'backbone');
  model.dispose();
}

/** Checks that in a trunk that one task calls with a grayscale image, each task has the heat maps of its own call, as in Keras. */
export async function expectViews(): Promise<void> {
  for (const grayFor of ['age', 'gender']) {
    const part = (task: string) =>
      branch([conv(4, 3), flatten()], task === grayFor ? { inputView: grayscaleImage() } : {});
    const model = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(6, 3, { strides: 3 }), batchNorm(), conv(5, 3, { strides: 2 })]))
      .task('age', regression({ unit: 'years' }), part('age'))
      .task('gender', binary(['male', 'female']), part('gender'))
      .build() as unknown as MultiTaskModel<Tasks>;
    const grayscaleLayer = model.layersModel.getLayer('image_grayscale1');
    const luma = grayscaleLayer.getWeights().map((weight) => weight.clone());
    fill(model.layersModel, 'gradcam views 1');
    grayscaleLayer.setWeights(luma);
    tf.dispose(luma);
    const cases = keras.views.filter((maps) => maps.grayFor === grayFor);
    // Both tasks have a heat map for every layer of the trunk, and the heat maps of the two tasks differ.
    expect(cases.filter(({ layer }) => layer === 'trunk_conv2')).toHaveLength(2);
    await expectMaps(model, 'model a', cases);
    model.dispose();
  }
}
