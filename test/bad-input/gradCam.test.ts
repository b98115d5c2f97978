import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import {
  binary,
  branch,
  conv,
  dense,
  flatten,
  gradCam,
  grayscaleImage,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';
import { heatOverlay } from '../../src/report/index.js';
import { catchError } from './catchError.js';

const model = multiTask({ input: [8, 8, 3] })
  .trunk(sharedTrunk([conv(4, 3), maxPool(2)]))
  .task('age', regression({ unit: 'years' }), branch([conv(2, 2), flatten()]))
  .task('gender', binary(['male', 'female']), branch([flatten(), dense(3)]))
  .build();
afterAll(() => model.dispose());
const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 };
const heat = (options: object, input: unknown = image) =>
  catchError(() => gradCam(model, input as typeof image, { engine: 'cpu', ...options } as never));

describe('gradCam with invalid arguments', () => {
  test('rejects an unknown task, and suggests the most similar name', async () => {
    const { path, advice } = await heat({ task: 'agee' });
    expect([path, advice]).toEqual(['gradCam.task', 'Did you mean "age"?']);
    expect((await heat({})).received).toBe('undefined');
  });

  test('rejects an unknown target for a task, and the error lists the valid targets', async () => {
    const { path, expected, advice } = await heat({ task: 'gender', target: 'femal' });
    expect([path, expected, advice]).toEqual([
      'gradCam.target',
      'a target of the gender task: "male" or "female"',
      'Did you mean "female"?',
    ]);
    expect((await heat({ task: 'age', target: 'female' })).expected).toBe(
      'a target of the age task: "higher" or "lower"',
    );
  });

  test('rejects a layer that does not exist, does not affect the task, or has no feature map', async () => {
    const missing = await heat({ task: 'age', layer: 'trunk_conv7' });
    expect([missing.path, missing.received]).toEqual([
      'layer trunk_conv7',
      'a name that does not belong to any layer',
    ]);
    expect(missing.advice).toContain('trunk_conv1, trunk_pool1, age_conv1');
    expect((await heat({ task: 'gender', layer: 'age_conv1' })).received).toBe(
      'a layer that does not contribute to the output of gender',
    );
    expect((await heat({ task: 'gender', layer: 'gender_dense1' })).received).toBe(
      'a layer with an output of shape [3]',
    );
  });

  test('rejects a network whose only convolution is the grayscale layer of an input view', async () => {
    // The layer that converts an image to grayscale is a convolution, but it has no feature map.
    for (const pieces of [[flatten()], [grayscaleImage(), flatten()]]) {
      for (const inputView of [[], grayscaleImage()]) {
        const flat = multiTask({ input: [8, 8, 3] })
          .task('age', regression({ unit: 'years' }), branch(pieces, { inputView }))
          .build();
        const { path, received } = await catchError(() => gradCam(flat, image, { task: 'age' }));
        expect([path, received]).toEqual(['task age', 'a network without such a convolution']);
        flat.dispose();
      }
    }
  });

  test('rejects an image whose size differs from the network input, and a batch size of 0', async () => {
    const small = { data: new Uint8Array(48), height: 4, width: 4, channels: 3 };
    expect((await heat({ task: 'age' }, [image, small])).path).toBe('gradCam[1]');
    expect((await heat({ task: 'age', batchSize: 0 })).path).toBe('gradCam.batchSize');
  });

  test('rejects a model whose weights are NaN, on the cpu and wasm engines', async () => {
    const broken = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years' }), branch([conv(2, 3), flatten()]))
      .build();
    const [kernel] = broken.layersModel.getLayer('age_conv1').weights;
    const values = tf.fill(kernel!.shape as number[], Number.NaN);
    kernel!.write(values);
    values.dispose();
    for (const engine of ['cpu', 'wasm'] as const) {
      const { kind, path } = await catchError(() => gradCam(broken, [image], { task: 'age', engine }));
      expect([kind, path]).toEqual(['number', 'gradCam[0]']);
    }
    broken.dispose();
  });
});

test('heatOverlay rejects an opacity above 1, and data whose length does not match its shape', async () => {
  const map = { height: 2, width: 2, data: new Float32Array(4) };
  const paths = [
    await catchError(() => heatOverlay(image, map, { opacity: 1.5 })),
    await catchError(() => heatOverlay({ ...image, width: 7 }, map)),
    await catchError(() => heatOverlay(image, { ...map, height: 3 })),
    await catchError(() => heatOverlay(image, { ...map, data: undefined as never })),
  ].map(({ path }) => path);
  expect(paths).toEqual(['heatOverlay.opacity', 'heatOverlay.image', 'heatOverlay.heat', 'heatOverlay.heat']);
});
