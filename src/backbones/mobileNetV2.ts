import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { ROWS, TOP } from './mobileNetV2Table.js';
import { MINUS_ONE_TO_ONE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';

/**
 * First words of the layer names of {@link mobileNetV2Backbone}, in order.
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
 * MobileNetV2 of width 1 as a trunk, small enough for phones and pages: `[batch, height, width, 3 or 1]` in the network's
 * own range in, from 32x32 pixels on; `[batch, ceil(height / 32), ceil(width / 32), 1280]` out, or `[batch, 1000]` with its
 * top. 2,257,984 parameters.
 *
 * Layers, names, order and initialisers of Keras 3.15 (applications/mobilenet_v2.py), so that Keras's files of weights fit.
 * Its preprocessing (-1 to 1) is a frozen layer in front, `image_preprocess`, with parameters of its own: images come in as
 * everywhere else, 0..1 or whatever `range` says, grey ones too.
 *
 * Source: M. Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018.
 *
 * @throws `file` fault for weights that are not its own, `argument` fault for an option that there is not, and a `trainableFrom` that no layer begins with;
 *   at `build()` for images below 32x32.
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
