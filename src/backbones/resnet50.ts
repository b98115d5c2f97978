import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { CAFFE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';
import { ROWS, TOP } from './resnet50Table.js';

/**
 * First words of the layer names of {@link resnet50Backbone}, in order.
 *
 * @category Compose
 */
export type Resnet50Stage = 'conv1' | 'conv2' | 'conv3' | 'conv4' | 'conv5';

const STAGES: readonly Resnet50Stage[] = ['conv1', 'conv2', 'conv3', 'conv4', 'conv5'];

/**
 * ResNet50 as a trunk: `[batch, height, width, 3 or 1]` in the network's own range in, from 32x32 pixels on;
 * `[batch, ceil(height / 32), ceil(width / 32), 2048]` out, or `[batch, 1000]` with its top. 23,587,712 parameters.
 *
 * Layers, names, order and initialisers of Keras 3.15 (applications/resnet.py), so that Keras's files of weights fit. Its
 * preprocessing (blue, green, red, each minus its mean over ImageNet) is a frozen layer in front, `image_preprocess`, with
 * parameters of its own: images come in as everywhere else, 0..1 or whatever `range` says, grey ones too.
 *
 * Source: K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, 2015.
 *
 * @throws `file` fault for weights that are not its own, `argument` fault for an option that there is not, and a `trainableFrom` that no layer begins with;
 *   at `build()` for images below 32x32.
 * @example
 * ```ts
 * import { branch, dense, globalAveragePool, multiTask, regression, resnet50Backbone, sharedTrunk } from 'tfjs-multitask';
 *
 * const backbone = await resnet50Backbone({ weights: null, trainableFrom: 'conv5' });
 * const model = multiTask({ input: [32, 32, 3] })
 *   .trunk(sharedTrunk([backbone, globalAveragePool()]))
 *   .task('age', regression({ unit: 'years' }), branch([dense(16)]))
 *   .build();
 * const { layers } = model.architecture();
 * console.log(layers.find(({ name }) => name === 'conv4_block1_1_conv')?.trainable); // false
 * ```
 * @category Compose
 */
export async function resnet50Backbone(options: BackboneOptions<Resnet50Stage>): Promise<Backbone> {
  const table = { path: 'resnet50Backbone', rows: ROWS, top: TOP, stages: STAGES };
  checkBackboneOptions(table.path, options);
  const read = await readBackboneWeights(table, options);
  return createBackbone(table, CAFFE, read?.rows, options);
}
