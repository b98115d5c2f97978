import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { LayerLike } from './block.js';

/**
 * Trunk of a network: the layers that all tasks share.
 *
 * @category Compose
 */
export interface Trunk {
  /** @hidden Discriminant that distinguishes trunks from branches. */
  readonly '~part': 'trunk';
  /** Blocks and layers in order, starting at the image. */
  readonly layerStack: readonly LayerLike[];
}

/**
 * Branch of a network: the layers of one task, between the trunk and the output layer (head) of the task.
 *
 * @category Compose
 */
export interface Branch {
  /** @hidden Discriminant that distinguishes trunks from branches. */
  readonly '~part': 'branch';
  /** Blocks and layers in order, starting after the trunk. */
  readonly layerStack: readonly LayerLike[];
  /**
   * Blocks and layers that convert the image before it is passed to the trunk, for this branch only. Default: the image is not converted.
   */
  readonly inputView?: readonly LayerLike[];
}

/**
 * Options for {@link branch}.
 *
 * @category Compose
 */
export interface BranchOptions {
  /**
   * Blocks or `tf.layers` layers that convert the image before it is passed to the trunk, for this branch only. Their output must be an
   * image with the same range of pixel values. The trunk processes all versions of the image with the same weights. Branches with equal
   * conversions share the result: frozen layers are equal if their configurations are equal, trainable layers only if they are the same
   * object. Default: the image is not converted.
   */
  readonly inputView?: LayerLike | readonly LayerLike[];
}

/**
 * Creates a trunk: the layers that all tasks share, in order. The layers are named `trunk_conv1`, `trunk_pool1` and so on.
 *
 * @param layerStack - Array with at least one block or `tf.layers` layer. The layers must not draw random numbers.
 * @returns A trunk for `multiTask().trunk()`.
 * @throws An `argument` error for an empty array, or a value that is not a block or layer.
 * @example
 * ```ts
 * import { batchNorm, conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]);
 * console.log(trunk.layerStack.length); // 6
 * ```
 * @category Compose
 */
export function sharedTrunk(layerStack: readonly LayerLike[]): Trunk {
  checks.noOptions('sharedTrunk', arguments[1]);
  checkLayerStack('sharedTrunk', layerStack);
  return { '~part': 'trunk', layerStack };
}

/**
 * Creates a branch: the layers of one task, in order, between the trunk and the output layer (head) that `.task()` adds. The output of the
 * branch must be a vector, so use `flatten()` or `globalAveragePool()`. The layers are named after the task, for example `age_conv1`.
 *
 * @param layerStack - Array with at least one block or `tf.layers` layer. The layers must not draw random numbers.
 * @param options - `inputView`: blocks or layers that convert the image for this branch, such as {@link grayscaleImage}.
 * @returns A branch for `multiTask().task()`.
 * @throws An `argument` error for an empty array, a value that is not a block or layer, or an unknown option.
 * @example
 * ```ts
 * import { binary, branch, conv, dense, flatten, grayscaleImage, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [32, 32, 3] })
 *   .trunk(sharedTrunk([conv(8, 3)]))
 *   .task('age', regression({ unit: 'years' }), branch([flatten(), dense(16)]))
 *   .task('gender', binary(['male', 'female']), branch([flatten(), dense(16)], { inputView: grayscaleImage() }))
 *   .build();
 * console.log(model.layersModel.getLayer('trunk_conv1').inboundNodes.length); // 2
 * ```
 * @category Compose
 */
export function branch(layerStack: readonly LayerLike[], options: BranchOptions = {}): Branch {
  checkLayerStack('branch', layerStack);
  checkBranchOptions(options);
  const view = (options.inputView === undefined ? [] : [options.inputView].flat()) as readonly LayerLike[];
  if (view.length > 0) checkLayerStack('branch.inputView', view, 'grayscaleImage()');
  return { '~part': 'branch', layerStack, ...(view.length > 0 && { inputView: view }) };
}

/**
 * Throws an `argument` error if the second argument of `branch` is not an object of known options, because a misspelled `inputView` would
 * otherwise be ignored.
 */
function checkBranchOptions(options: unknown): void {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (!isObject || isLayerLike(options)) {
    throw createError({
      kind: 'argument',
      path: 'branch',
      expected: 'an options object { inputView: ... } as the second argument',
      received: isObject ? 'a block or a layer' : describeType(options),
      advice: 'Write branch([flatten()], { inputView: grayscaleImage() }).',
    });
  }
  checks.options<BranchOptions>('branch', options, { inputView: true });
}

const isLayerLike = (layer: object) => '~block' in layer || 'computeOutputShape' in layer;

function checkLayerStack(path: string, layerStack: readonly LayerLike[], example = 'conv(64, 3)'): void {
  checks.list(path, layerStack, {
    minLength: 1,
    noun: 'an array with at least one block or layer',
    advice: `Write ${path}([conv(64, 3), flatten()]).`,
  });
  layerStack.forEach((layer: unknown, i) => {
    const { name, draw } = (layer ?? {}) as { readonly name?: unknown; readonly draw?: unknown };
    if (typeof layer === 'object' && layer !== null && isLayerLike(layer)) return;
    throw createError({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: `a block such as ${example}, or a tf.layers layer`,
      received: draw ? `the ${name ?? 'flip'} augmentation` : describeType(layer),
      advice: suggestAwait(
        layer,
        typeof layer === 'function'
          ? `Call the function: ${example}, not ${example.split('(')[0]}.`
          : draw
            ? 'Pass augmentations to dataset.augment([...]). To convert images to grayscale in the network, use grayscaleImage().'
            : Array.isArray(layer) || Object.hasOwn(Object(layer), '~part')
              ? 'Pass all blocks in one array.'
              : `Pass a block, for example ${example}.`,
      ),
    });
  });
}
