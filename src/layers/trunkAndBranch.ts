import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { LayerLike } from './block.js';

/**
 * The layers that all tasks share.
 *
 * @category Compose
 */
export interface Trunk {
  /** @internal Discriminant of trunks and branches. */
  readonly '~part': 'trunk';
  /** Blocks and layers in order, from the image on. */
  readonly layerStack: readonly LayerLike[];
}

/**
 * The layers of one task, between the trunk and its head.
 *
 * @category Compose
 */
export interface Branch {
  /** @internal Discriminant of trunks and branches. */
  readonly '~part': 'branch';
  /** Blocks and layers in order, from the trunk on. */
  readonly layerStack: readonly LayerLike[];
  /** Blocks and layers that the image passes before the trunk. Default: none. */
  readonly inputView?: readonly LayerLike[];
}

/**
 * Options of {@link branch}.
 *
 * @category Compose
 */
export interface BranchOptions {
  /**
   * Blocks or `tf.layers` layers that convert the image before the trunk, for this branch only. Their output is an image with the same
   * range of pixel values. The trunk processes each view with the same weights. Branches with equal views share the result: frozen layers
   * are compared by their configuration, trainable ones must be the same objects. Default: the image as it is.
   */
  readonly inputView?: LayerLike | readonly LayerLike[];
}

/**
 * Creates a trunk: the layers that all tasks share, in order. The layers are named `trunk_conv1`, `trunk_pool1` and so on.
 *
 * @param layerStack - At least one block or `tf.layers` layer that draws no random numbers.
 * @returns A trunk for `multiTask().trunk()`.
 * @throws `argument` error for an empty list, and for a value that is no block or layer.
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
  checkLayerStack('sharedTrunk', layerStack);
  return { '~part': 'trunk', layerStack };
}

/**
 * Creates a branch: the layers of one task, in order, between the trunk and the head that `.task()` adds. The output must be a vector:
 * use `flatten()` or `globalAveragePool()`. The layers are named after the task: `age_conv1`.
 *
 * @param layerStack - At least one block or `tf.layers` layer that draws no random numbers.
 * @param options - `inputView`: what this branch receives instead of the image, such as {@link grayscaleImage}.
 * @returns A branch for `multiTask().task()`.
 * @throws `argument` error for an empty list, a value that is no block or layer, and an unknown option.
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

/** Throws an `argument` error for unknown options: the branch would silently receive the image without its view. */
function checkBranchOptions(options: unknown): void {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (!isObject || isLayerLike(options)) {
    throw createError({
      kind: 'argument',
      path: 'branch',
      expected: 'options as the second argument, { inputView: ... }',
      received: isObject ? 'a block or a layer' : describeType(options),
      advice: 'Write branch([flatten()], { inputView: grayscaleImage() }).',
    });
  }
  checks.optionNames('branch', options, ['inputView']);
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
      received: draw ? `the augmentation ${name ?? 'flip'}` : describeType(layer),
      advice: suggestAwait(
        layer,
        typeof layer === 'function'
          ? `Call it: ${example}, not ${example.split('(')[0]}.`
          : draw
            ? 'Pass it to dataset.augment([...]). The block that converts an image to grayscale is grayscaleImage().'
            : Array.isArray(layer) || Object.hasOwn(Object(layer), '~part')
              ? 'Pass the blocks themselves, in one array.'
              : `Pass a block, for example ${example}.`,
      ),
    });
  });
}
