import { type Backbone, type BackboneOptions, checkBackboneOptions, createBackbone } from './backbone.js';
import { CAFFE } from './preprocessing.js';
import { readBackboneWeights } from './readBackboneWeights.js';
import { ROWS, TOP } from './resnet50Table.js';

/**
 * Stages of {@link resnet50Backbone}, in the order of the layers. A stage is a prefix of the names of its layers.
 *
 * @category Compose
 */
export type Resnet50Stage = 'conv1' | 'conv2' | 'conv3' | 'conv4' | 'conv5';

const STAGES: readonly Resnet50Stage[] = ['conv1', 'conv2', 'conv3', 'conv4', 'conv5'];

/**
 * Creates a ResNet50 to use as a trunk. It has 23,587,712 parameters.
 *
 * - Input: `[batch, height, width, 3 or 1]` in the input range of the model, at least 32x32 pixels.
 * - Output: `[batch, ceil(height / 32), ceil(width / 32), 2048]`, or `[batch, 1000]` with `includeTop`.
 *
 * Layers, names, order and initializers match Keras 3.15 (applications/resnet.py), so weight files from Keras can be loaded. A frozen first
 * layer, `image_preprocess`, converts pixels from the input range of the model to the values that ResNet50 expects (blue, green and red,
 * each minus its mean over ImageNet), so images need no other preprocessing and can be grayscale. Its parameters are not counted above.
 *
 * Source: K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, 2015.
 *
 * @param options - `weights`: bytes of a Keras file, or null for random initial weights. `trainable`, `trainableFrom`: which layers are
 *   trained. `includeTop`: true to add the classification layers of Keras. See {@link BackboneOptions}.
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
