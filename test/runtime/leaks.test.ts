import { expect, test } from 'vitest';
import { modelA } from '../../examples/study/model-a-network.js';
import {
  augment,
  batchNorm,
  binary,
  branch,
  type Callback,
  conv,
  dense,
  dropout,
  flatten,
  horizontalFlip,
  imagesInMemory,
  maxPool,
  multiTask,
  regression,
  residual,
  rng,
  rotation,
  sharedTrunk,
  weightedLoss,
} from '../../src/index.js';
import { tf } from '../../src/tensor/tf.js';
import { wasmHeapBytes } from '../../src/tensor/wasm.js';

const look = augment([rotation({ degrees: 20 }), horizontalFlip()]);

function noise(count: number, side: number) {
  const random = rng(3, 'noise', side);
  return imagesInMemory(
    Array.from({ length: count }, (_, i) => ({
      image: {
        data: Uint8Array.from({ length: side * side * 3 }, () => random.below(256)),
        height: side,
        width: side,
        channels: 3,
      },
      labels: { age: i % 90, gender: i % 2 ? ('male' as const) : ('female' as const) },
    })),
  );
}

const settings = { engine: 'wasm', loss: weightedLoss({ age: 1, gender: 50 }) } as const;

/** Tensors alive, and bytes of the heap, after every step. */
function watch() {
  const tensors: number[] = [];
  const heap: number[] = [];
  const callback: Callback = {
    name: 'watch',
    begin: () => ({
      step: () => void tensors.push(tf.memory().numTensors),
      epochEnd: () => void heap.push(wasmHeapBytes()),
    }),
  };
  return { tensors, heap, callback };
}

test('1,000 steps of a small network leave no tensor behind, and 20 epochs no larger heap', async () => {
  const model = multiTask({ input: [8, 8, 3] })
    .trunk(
      sharedTrunk([
        conv(4, 3, { padding: 'same' }),
        residual([conv(4, 3, { padding: 'same' })]),
        maxPool(2),
        batchNorm(),
      ]),
    )
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8, { l2: 1e-3 }), dropout(0.3)]))
    .task('gender', binary(['male', 'female']), branch([flatten(), dense(8)]))
    .build();
  const data = noise(150, 8);
  const { tensors, heap, callback } = watch();
  const before = tf.memory().numTensors;
  const options = {
    ...settings,
    epochs: 20,
    batchSize: 3,
    validation: noise(9, 8).augment(look),
    callbacks: [callback],
  };
  await model.fit(data.augment(look), options);
  expect(tensors).toHaveLength(1000);
  expect(new Set(tensors).size).toBe(1);
  expect(tf.memory().numTensors).toBe(before);
  expect(new Set(heap.slice(1)).size).toBe(1);
  model.dispose();
});

test('20 steps of Model A leave no tensor behind', async () => {
  const model = modelA(64);
  const { tensors, heap, callback } = watch();
  await model.fit(noise(8, 64).augment(look), {
    ...settings,
    epochs: 10,
    batchSize: 4,
    callbacks: [callback],
  });
  expect(tensors).toHaveLength(20);
  expect(new Set(tensors).size).toBe(1);
  expect(new Set(heap.slice(1)).size).toBe(1);
  model.dispose();
});
