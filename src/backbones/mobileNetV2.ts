import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { ROWS, TOP } from './mobileNetV2Table.js';
import { MINUS_ONE_TO_ONE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';

/**
 * Stages of {@link mobileNetV2Backbone}, in the order of the layers. A stage is a prefix of the names of its layers.
 *
 * @category Compose
 */
export type MobileNetV2Stage =
  | 'Conv1'
  | 'expanded_conv'
  | 'block_1'
  | 'block_2'
  | 'block_3'
  | 'block_4'
  | 'block_5'
  | 'block_6'
  | 'block_7'
  | 'block_8'
  | 'block_9'
  | 'block_10'
  | 'block_11'
  | 'block_12'
  | 'block_13'
  | 'block_14'
  | 'block_15'
  | 'block_16'
  | 'Conv_1';

const STAGES: readonly MobileNetV2Stage[] = [
  'Conv1',
  'expanded_conv',
  'block_1',
  'block_2',
  'block_3',
  'block_4',
  'block_5',
  'block_6',
  'block_7',
  'block_8',
  'block_9',
  'block_10',
  'block_11',
  'block_12',
  'block_13',
  'block_14',
  'block_15',
  'block_16',
  'Conv_1',
];

/**
 * Creates a MobileNetV2 with width multiplier 1 to use as a trunk. With 2,257,984 parameters, it is small enough for phones and web pages.
 *
 * - Input: `[batch, height, width, 3 or 1]` in the input range of the model, at least 32x32 pixels.
 * - Output: `[batch, ceil(height / 32), ceil(width / 32), 1280]`, or `[batch, 1000]` with `includeTop`.
 *
 * Layers, names, order and initializers match Keras 3.15 (applications/mobilenet_v2.py), so weight files from Keras can be loaded. A
 * frozen first layer, `image_preprocess`, scales pixel values from the input range of the model to -1..1, so images need no other
 * preprocessing and can be grayscale. Its parameters are not counted above.
 *
 * Source: M. Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018.
 *
 * @param options - `weights`: bytes of a Keras file, or null for random initial weights. `trainable`, `trainableFrom`: which layers are
 *   trained. `includeTop`: true to add the classification layers of Keras. See {@link BackboneOptions}.
 * @returns A trunk for `multiTask().trunk()`, or the first block of {@link sharedTrunk}.
 * @throws `file` error for a damaged file and for weights of a different network; `argument` error for an unknown option, for a
 *   `trainableFrom` that is not a prefix of a layer name, and, at `build()`, for images smaller than 32x32.
 * @example
 * ```ts
 * import { branch, dense, globalAveragePool, mobileNetV2Backbone, multiTask, regression } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [32, 32, 3] })
 *   .trunk(await mobileNetV2Backbone({ weights: null, trainableFrom: 'block_13' }))
 *   .task('age', regression({ unit: 'years' }), branch([globalAveragePool(), dense(16)]))
 *   .build();
 * console.log(model.architecture().layers.filter(({ part }) => part === 'trunk').length); // 153
 * ```
 * @category Compose
 */
export async function mobileNetV2Backbone(options: BackboneOptions<MobileNetV2Stage>): Promise<Backbone> {
  const table = { path: 'mobileNetV2Backbone', rows: ROWS, top: TOP, stages: STAGES };
  checkBackboneOptions(table.path, options);
  const read = await readBackboneWeights(table, options);
  return createBackbone(table, MINUS_ONE_TO_ONE, read?.rows, options);
}
