import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { ROWS, TOP } from './mobileNetV2Table.js';
import { MINUS_ONE_TO_ONE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';

/**
 * Prefixes of the layer names of {@link mobileNetV2Backbone}, in layer order.
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
 * Creates a MobileNetV2 with width multiplier 1 as a trunk. With 2,257,984 parameters, it is small enough for phones and web pages.
 *
 * - Input: `[batch, height, width, 3 or 1]` in the network's pixel range, at least 32x32 pixels.
 * - Output: `[batch, ceil(height / 32), ceil(width / 32), 1280]`, or `[batch, 1000]` with `includeTop`.
 *
 * Layers, names, order and initializers match Keras 3.15 (applications/mobilenet_v2.py), so that the backbone can read Keras's weight
 * files. The preprocessing (to -1..1) is a frozen first layer, `image_preprocess`, whose parameters are not counted above. Therefore images
 * have the usual range, 0..1 or the model's `range`, and can be grayscale.
 *
 * Source: M. Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018.
 *
 * @param options - `weights`: bytes of a Keras file, or null for random initial weights. `trainable`, `trainableFrom`: which layers are
 *   trained. `includeTop`: whether to add Keras's classification top; default: false. See {@link BackboneOptions}.
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
