// In a file of its own, because the wasm backend must not have started before the export.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import {
  branch,
  conv,
  dense,
  exportOnnx,
  flatten,
  imagesInMemory,
  multiTask,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';

const images = Array.from({ length: 12 }, (_, n) => ({
  image: {
    data: Uint8Array.from({ length: 192 }, (_, i) => (i * i * (n + 3)) % 256),
    height: 8,
    width: 8,
    channels: 3,
  },
  labels: { age: n },
}));

const build = () =>
  multiTask({ input: [8, 8, 3], seed: 1 })
    .trunk(sharedTrunk([conv(4, 3)]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(4)]))
    .build();

test('exportOnnx during fit changes neither the backend of the training steps nor the history', async () => {
  const train = async (onBatchEnd: () => void) => {
    const { rows } = await build().fit(imagesInMemory(images), {
      engine: 'cpu',
      epochs: 30,
      batchSize: 4,
      seed: 2,
      clock: () => 0,
      callbacks: [
        {
          name: 'export',
          onBatchEnd,
          // The wasm backend gets time to start.
          onEpochEnd: () => new Promise<void>((resolve) => setTimeout(resolve, 10)),
        },
      ],
    });
    return rows;
  };
  const expected = await train(() => {});
  const other = build();
  const exports: Promise<Uint8Array>[] = [];
  const backends = new Set<string>();
  const rows = await train(() => {
    backends.add(tf.getBackend());
    exports.push(exportOnnx(other));
  });
  expect([...backends]).toEqual(['cpu']);
  expect(rows).toEqual(expected);
  expect(tf.getBackend()).toBe('cpu');
  const files = await Promise.all(exports);
  expect(files).toHaveLength(90);
  for (const file of files) expect(file).toEqual(files[0]);
});
