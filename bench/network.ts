import {
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

const head = () => [dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)];
const faceBranch = (filters: number) =>
  branch([
    ...[conv(64, 3), maxPool(2), batchNorm()],
    ...[conv(128, 2), maxPool(2), batchNorm()],
    ...[conv(filters, 2), flatten(), ...head()],
  ]);

/**
 * The network of `examples/model-a.ts`, for images of `size` pixels square. Repeated here, because the example is a
 * script that begins to train when it is imported.
 */
export function modelA(size: number) {
  return multiTask({ input: [size, size, 3] })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task('age', regression({ unit: 'years' }), faceBranch(128))
    .task('gender', binary(['male', 'female']), faceBranch(64))
    .build();
}
