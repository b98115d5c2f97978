type Api = typeof import('tfjs-multitask');

/** The functions of the library that Model A is composed of. */
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
 * Builds Model A, as the examples do, with the API of any checkout.
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
