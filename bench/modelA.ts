type Api = typeof import('tfjs-multitask');

/** Functions of the library with which Model A is built. */
export type ModelAApi = Pick<
  Api,
  | 'batchNorm'
  | 'binary'
  | 'branch'
  | 'conv'
  | 'dense'
  | 'dropout'
  | 'flatten'
  | 'maxPool'
  | 'multiTask'
  | 'regression'
  | 'sharedTrunk'
>;

/**
 * Builds Model A with the API of a checkout. The layers are those of `examples/model-a.ts`.
 *
 * @param size - Height and width of the images in pixels, at least 56.
 */
export function createModelA(api: ModelAApi, size: number) {
  const {
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
  } = api;
  const createBranch = (filters: number) =>
    branch([
      ...[conv(64, 3), maxPool(2), batchNorm()],
      ...[conv(128, 2), maxPool(2), batchNorm()],
      ...[conv(filters, 2), flatten()],
      ...[dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)],
    ]);
  return multiTask({ input: [size, size, 3] })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task('age', regression({ unit: 'years' }), createBranch(128))
    .task('gender', binary(['male', 'female']), createBranch(64))
    .build();
}
