import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { ROWS, TOP } from './efficientNetB0Table.js';
import type { Preprocessing } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';

/**
 * Stages of {@link efficientNetB0Backbone}, in the order of the layers. A stage is a prefix of the names of its layers. The blocks of the
 * `block6` stage are `block6a`, `block6b` and so on.
 *
 * @category Compose
 */
export type EfficientNetB0Stage =
  | 'stem'
  | 'block1'
  | 'block2'
  | 'block3'
  | 'block4'
  | 'block5'
  | 'block6'
  | 'block7'
  | 'top';

const STAGES: readonly EfficientNetB0Stage[] = [
  'stem',
  'block1',
  'block2',
  'block3',
  'block4',
  'block5',
  'block6',
  'block7',
  'top',
];

/** Means and standard deviations of red, green and blue over the images of ImageNet, for pixel values in 0..1. */
const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION = [0.229, 0.224, 0.225];

/**
 * Creates an EfficientNetB0 to use as a trunk. It has 4,049,564 parameters, not counting the preprocessing. Keras reports 7 more because it
 * includes the preprocessing.
 *
 * - Input: `[batch, height, width, 3 or 1]` in the input range of the model, at least 32x32 pixels.
 * - Output: `[batch, ceil(height / 32), ceil(width / 32), 1280]`, or `[batch, 1000]` with `includeTop`.
 *
 * Layers, names, order and initializers match Keras 3.15 (applications/efficientnet.py), so weight files from Keras can be loaded. A
 * frozen first layer, `image_preprocess`, replaces the `rescaling` and `normalization` layers of the Keras model. Its weights are computed
 * from the statistics in the weights file and from the input range of the model, so images need no other preprocessing and can be
 * grayscale. With `weights='imagenet'`, Keras also divides by the square root of the standard deviations, because the ImageNet weights were
 * trained that way. This backbone does so for every file that contains the ImageNet means.
 *
 * In training, blocks are skipped at random for some of the images (stochastic depth), unless they are frozen.
 *
 * Source: M. Tan and Q. V. Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019.
 *
 * @param options - `weights`: bytes of a Keras file, or null for random initial weights. `trainable`, `trainableFrom`: which layers are
 *   trained. `includeTop`: true to add the classification layers of Keras. See {@link BackboneOptions}.
 * @returns A trunk for `multiTask().trunk()`, or the first block of {@link sharedTrunk}.
 * @throws `file` error for a damaged file and for weights of a different network; `argument` error for an unknown option, for a
 *   `trainableFrom` that is not a prefix of a layer name, and, at `build()`, for images smaller than 32x32.
 * @example
 * ```ts
 * import { branch, dense, efficientNetB0Backbone, globalAveragePool, multiTask, regression } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [32, 32, 3] })
 *   .trunk(await efficientNetB0Backbone({ weights: null, trainableFrom: 'block6a' }))
 *   .task('age', regression({ unit: 'years' }), branch([globalAveragePool(), dense(16)]))
 *   .build();
 * console.log(model.architecture().layers.filter(({ part }) => part === 'trunk').length); // 234
 * ```
 * @category Compose
 */
export async function efficientNetB0Backbone(
  options: BackboneOptions<EfficientNetB0Stage>,
): Promise<Backbone> {
  const table = { path: 'efficientNetB0Backbone', rows: ROWS, top: TOP, stages: STAGES };
  checkBackboneOptions(table.path, options);
  const read = await readBackboneWeights(table, options, NORMALIZATION_LAYER);
  const [mean, variance] = read?.inputLayerWeights ?? [
    [0, 0, 0],
    [1, 1, 1],
  ];
  return createBackbone(
    table,
    read?.preprocessing ?? computeNormalization(mean!, variance!),
    read?.rows,
    options,
  );
}

/**
 * Layer of the Keras model that contains the mean and variance for the preprocessing. The layer also contains the number of examples from
 * which the mean and variance were computed.
 */
const NORMALIZATION_LAYER = {
  name: 'normalization',
  weights: [
    { name: 'mean', shape: [3] },
    { name: 'variance', shape: [3] },
    { name: 'count', shape: [] },
  ],
};

/**
 * Computes preprocessing that is equivalent to the `rescaling` and `normalization` layers of the Keras model, and, for the ImageNet means,
 * also to `rescaling_1`.
 */
function computeNormalization(mean: ArrayLike<number>, variance: ArrayLike<number>): Preprocessing {
  const imagenet = IMAGENET_MEAN.every((value, i) => Math.abs(value - mean[i]!) < 1e-3);
  const factors = IMAGENET_DEVIATION.map(
    // Like Keras, never divide by less than 1e-7.
    (deviation, i) => (imagenet ? 1 / Math.sqrt(deviation) : 1) / Math.max(Math.sqrt(variance[i]!), 1e-7),
  );
  return {
    channels: [0, 1, 2],
    scale: factors.map((factor) => factor / 255) as unknown as Preprocessing['scale'],
    offset: factors.map((factor, i) => -factor * mean[i]!) as unknown as Preprocessing['offset'],
  };
}
