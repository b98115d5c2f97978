/** Heat maps here and those of `keras/make_gradcam.py`. */
import { expect } from 'vitest';
import { modelA } from '../../examples/study/model-a-network.js';
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
import { tf } from '../../src/tensor/tf.js';
import { hashed } from './backbones.js';
import { expectClose, largest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { imageBytes, uniform } from './noise.js';
import { bounds, fill } from './same.js';

interface KerasMaps {
  readonly task: string;
  readonly layer: string;
  /** An output of the head with its sign; null for what each image is taken for. */
  readonly toward: number | readonly number[] | null;
  /** Not scaled. */
  readonly maps: FixtureArray;
  readonly logits: FixtureArray;
}

const keras = fixture<{
  readonly images: { readonly [model: string]: readonly string[] };
  readonly 'model a': readonly KerasMaps[];
  readonly backbone: readonly KerasMaps[];
  readonly views: readonly (KerasMaps & { readonly greyFor: string })[];
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

/** The word for Keras's `toward`. */
function wordFor(model: MultiTaskModel<Tasks>, task: string, toward: KerasMaps['toward']) {
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
    const word = wordFor(model, task, toward);
    const what = `${task} at ${layer}, toward ${word}`;
    const maps = await gradCam(model, images(which), {
      task,
      ...(LAST.includes(layer) ? {} : { layer }),
      ...(word !== undefined && { target: word }),
      batchSize: 2,
    });
    expect([maps.length, maps[0]!.height, maps[0]!.width], what).toEqual(theirs.shape);
    expect(
      maps.every((map) => map.layer === layer),
      what,
    ).toBe(true);
    const wanted = numbers(theirs);
    const raw = maps.flatMap(({ data, peak }) => Array.from(data, (x) => x * peak));
    // What the issue asks for: 1e-4 of the largest.
    expectClose(raw, wanted, 1e-4 * largest(wanted), what);
    maps.forEach(({ data, peak, target: said }, i) => {
      const own = wanted.subarray(i * data.length, (i + 1) * data.length);
      const most = largest(own);
      // Of a map that is all but 0 beside its neighbours, rounding is a larger part.
      if (peak > 1e-2 * largest(wanted)) {
        expectClose(
          data,
          own.map((x) => x / most),
          1e-4,
          `${what}, image ${i}, scaled`,
        );
        expect(Math.max(...data)).toBe(1);
      }
      const score = numbers(logits).subarray(i * logits.shape[1]!, (i + 1) * logits.shape[1]!);
      const { labels } = model.tasks[task]!;
      const best = score.length > 1 ? score.indexOf(Math.max(...score)) : score[0]! > 0 ? 1 : 0;
      expect(said, what).toBe(word ?? labels![best]);
    });
  }
}

/** The maps of Model A at 64x64 are Keras's on the engine in use. */
export async function expectModelA(): Promise<void> {
  const model = modelA(SIDE) as unknown as MultiTaskModel<Tasks>;
  fill(model.layersModel, 'model-a');
  await expectMaps(model, 'model a');
  model.dispose();
}

/** The maps of MobileNetV2 under a binary and a categorical head are Keras's on the engine in use. */
export async function expectBackbone(): Promise<void> {
  const model = await backbone();
  await expectMaps(model, 'backbone');
  model.dispose();
}

/** The maps of a trunk that one task sees grey through are Keras's on the engine in use: each task has those of its own call. */
export async function expectViews(): Promise<void> {
  for (const greyFor of ['age', 'gender']) {
    const part = (task: string) =>
      branch([conv(4, 3), flatten()], task === greyFor ? { inputView: grayscaleImage() } : {});
    const model = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(6, 3, { strides: 3 }), batchNorm(), conv(5, 3, { strides: 2 })]))
      .task('age', regression({ unit: 'years' }), part('age'))
      .task('gender', binary(['male', 'female']), part('gender'))
      .build() as unknown as MultiTaskModel<Tasks>;
    const grey = model.layersModel.getLayer('image_grey1');
    const luma = grey.getWeights().map((weight) => weight.clone());
    fill(model.layersModel, 'gradcam views 1');
    grey.setWeights(luma);
    tf.dispose(luma);
    const cases = keras.views.filter((own) => own.greyFor === greyFor);
    // Both tasks have a map of each layer of the trunk, and they are not the same.
    expect(cases.filter(({ layer }) => layer === 'trunk_conv2')).toHaveLength(2);
    await expectMaps(model, 'model a', cases);
    model.dispose();
  }
}
