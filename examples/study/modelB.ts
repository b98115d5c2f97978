import {
  type Backbone,
  binary,
  branch,
  dense,
  dropout,
  globalAveragePool,
  multiTask,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

/**
 * Creates the network of `examples/model-b.ts` for the tests.
 *
 * @param size - Height and width of the RGB images in pixels, at least 32.
 * @param seed - Seed for the weight initialization of the branches.
 */
export const modelB = (size: number, backbone: Backbone, seed = 0) => {
  const createBranch = () =>
    branch([dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)]);
  return multiTask({ input: [size, size, 3], seed })
    .trunk(sharedTrunk([backbone, globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), createBranch())
    .task('gender', binary(['male', 'female']), createBranch())
    .build();
};

/** Returns the sentence of the report about the weights that the backbone started with. */
export function describeWeights(weights: string): string {
  if (weights === 'imagenet') return 'The backbone has the official weights, trained on ImageNet.';
  if (weights === 'none') return 'The backbone started with random weights, not with those of ImageNet.';
  return `The backbone's weights are those of ${weights}, not the official ones of ImageNet.`;
}
