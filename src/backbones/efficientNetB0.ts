import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { ROWS, TOP } from './efficientNetB0Table.js';
import type { Preprocessing } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';

/**
 * First words of the layer names of {@link efficientNetB0Backbone}, in order; the blocks of a stage are `block6a`,
 * `block6b`, ….
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

/** Means and deviations over ImageNet, red, green, blue, of pixels in 0..1. */
const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION = [0.229, 0.224, 0.225];

/**
 * EfficientNetB0 as a trunk: `[batch, height, width, 3 or 1]` in the network's own range in, from 32x32 pixels on;
 * `[batch, ceil(height / 32), ceil(width / 32), 1280]` out, or `[batch, 1000]` with its top. 4,049,564 parameters, and the
 * 7 of its preprocessing that Keras counts too.
 *
 * Layers, names, order and initialisers of Keras 3.15 (applications/efficientnet.py), so that Keras's files of weights fit.
 * Keras's layers `rescaling` and `normalization` are one frozen layer here, `image_preprocess`, made from the statistics in
 * the file: images come in as everywhere else, 0..1 or whatever `range` says, grey ones too. Keras divides by
 * the root of the deviations once more with `weights='imagenet'`, since that is how those weights were trained; here that
 * happens for every file with the means of ImageNet, so that the official file is read right by its path as well.
 *
 * While a block is trained it is skipped for some images (stochastic depth); where it is frozen, it never is.
 *
 * Source: M. Tan and Q. V. Le, EfficientNet: rethinking model scaling for convolutional neural networks, 2019.
 *
 * @throws `file` fault for weights that are not its own, `argument` fault for an option that there is not, and a `trainableFrom` that no layer begins with;
 *   at `build()` for images below 32x32.
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

/** The layer of Keras's model whose weights are the preprocessing here; it counts examples as well. */
const NORMALIZATION_LAYER = {
  name: 'normalization',
  weights: [
    { name: 'mean', shape: [3] },
    { name: 'variance', shape: [3] },
    { name: 'count', shape: [] },
  ],
};

/** What Keras's `rescaling`, `normalization` and, with the means of ImageNet, `rescaling_1` do. */
function computeNormalization(mean: ArrayLike<number>, variance: ArrayLike<number>): Preprocessing {
  const imagenet = IMAGENET_MEAN.every((value, i) => Math.abs(value - mean[i]!) < 1e-3);
  const factors = IMAGENET_DEVIATION.map(
    // Keras divides by at least 1e-7.
    (deviation, i) => (imagenet ? 1 / Math.sqrt(deviation) : 1) / Math.max(Math.sqrt(variance[i]!), 1e-7),
  );
  return {
    channels: [0, 1, 2],
    scale: factors.map((factor) => factor / 255) as unknown as Preprocessing['scale'],
    offset: factors.map((factor, i) => -factor * mean[i]!) as unknown as Preprocessing['offset'],
  };
}
