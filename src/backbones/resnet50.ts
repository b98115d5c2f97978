import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { CAFFE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';
import { ROWS, TOP } from './resnet50Table.js';

/**
 * Prefixes of the layer names of {@link resnet50Backbone}, in layer order.
 *
 * @category Compose
 */
export type Resnet50Stage = 'conv1' | 'conv2' | 'conv3' | 'conv4' | 'conv5';

const STAGES: readonly Resnet50Stage[] = ['conv1', 'conv2', 'conv3', 'conv4', 'conv5'];

/**
 * Creates a ResNet50 as a trunk. The backbone has 23,587,712 parameters.
 *
 * - Input: `[batch, height, width, 3 or 1]` in the network's pixel range, at least 32x32 pixels.
 * - Output: `[batch, ceil(height / 32), ceil(width / 32), 2048]`, or `[batch, 1000]` with `includeTop`.
 *
 * Layers, names, order and initializers match Keras 3.15 (applications/resnet.py), so that the backbone can read Keras's weight files. The
 * preprocessing (blue, green, red, each minus its mean over ImageNet) is a frozen first layer, `image_preprocess`, whose parameters are not
 * counted above. Therefore images have the usual range, 0..1 or the model's `range`, and can be grayscale.
 *
 * Source: K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, 2015.
 *
 * @param options - `weights`: bytes of a Keras file, or null for random initial weights. `trainable`, `trainableFrom`: which layers are
 *   trained. `includeTop`: whether to add Keras's classification top; default: false. See {@link BackboneOptions}.
 * @returns A trunk for `multiTask().trunk()`, or the first block of {@link sharedTrunk}.
 * @throws `file` error for a damaged file and for weights of a different network; `argument` error for an unknown option, for a
 *   `trainableFrom` that is not a prefix of a layer name, and, at `build()`, for images smaller than 32x32.
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
