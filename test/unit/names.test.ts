import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { branch, dense, flatten, multiTask, regression } from '../../src/entries/node.js';

const build = () =>
  multiTask({ input: [8, 8, 3], seed: 1 })
    .task(
      'age',
      regression({ unit: 'years' }),
      branch([
        tf.layers.conv2d({ filters: 2, kernelSize: 2 }),
        tf.layers.conv2d({ filters: 2, kernelSize: 2 }),
        tf.layers.dropout({ rate: 0.1 }),
        flatten(),
        tf.layers.dense({ units: 3, name: 'mine' }),
        dense(2),
      ]),
    )
    .build();

test('a tf.layers layer without a name is named after its position in the model, regardless of how many layers were created before', () => {
  const layerNames = build()
    .architecture()
    .layers.map(({ name }) => name);
  expect(layerNames).toEqual([
    'image',
    'age_conv2d1',
    'age_conv2d2',
    'age_dropout1',
    'age_flatten1',
    'mine',
    'age_dense1',
    'age',
  ]);
});

test('two models with the same layers and the same seed have the same initial weights', async () => {
  const image = { data: new Uint8Array(192).map((_, i) => i), height: 8, width: 8, channels: 3 };
  expect(await build().predict(image)).toEqual(await build().predict(image));
});
