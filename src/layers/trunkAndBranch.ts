import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { LayerLike } from './block.js';

/**
 * The layers that all tasks share, from the image on.
 *
 * @category Compose
 */
export interface Trunk {
  /** @internal Tells trunk and branch apart. */
  readonly '~part': 'trunk';
  /** In order, from the image on. */
  readonly layerStack: readonly LayerLike[];
}

/**
 * The layers of one task, between the trunk and its head.
 *
 * @category Compose
 */
export interface Branch {
  /** @internal Tells trunk and branch apart. */
  readonly '~part': 'branch';
  /** In order, from the trunk on. */
  readonly layerStack: readonly LayerLike[];
  /** What happens to the image before the trunk. Default: nothing. */
  readonly inputView?: readonly LayerLike[];
}

/**
 * Options of {@link branch}.
 *
 * @category Compose
 */
export interface BranchOptions {
  /**
   * What this branch sees instead of the image as it is: blocks or `tf.layers` layers that make an image, of the same range of
   * pixels, from the image. The trunk is called on it with the weights that all branches share. Branches that see the
   * same share it: by equal layers, where nothing in them is trained, else by the very same blocks. Default: the image.
   */
  readonly inputView?: LayerLike | readonly LayerLike[];
}

/**
 * The layers that all tasks share, in order. Its layers are named by place: `trunk_conv1`, `trunk_pool1`.
 *
 * @param pieces - Blocks, and any `tf.layers` layer that draws no random numbers. At least one.
 * @throws `argument` fault for an empty list.
 * @example
 * ```ts
 * import { batchNorm, conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]);
 * console.log(trunk.pieces.length); // 6
 * ```
 * @category Compose
 */
export function sharedTrunk(layerStack: readonly LayerLike[]): Trunk {
  checkLayerStack('sharedTrunk', layerStack);
  return { '~part': 'trunk', layerStack };
}

/**
 * The layers of one task, in order, between the trunk and the head that `.task()` adds. They must end in a flat
 * output: with `flatten()` or `globalAveragePool()` somewhere. Its layers are named after the task: `age_conv1`.
 *
 * @param pieces - Blocks, and any `tf.layers` layer that draws no random numbers. At least one.
 * @throws `argument` fault for an empty list, one of something else, and options that there are not.
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

/** A view that is passed over would show the branch the image as it is, and nobody would know. */
function checkBranchOptions(options: unknown): void {
  const plain = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (!plain || isLayerLike(options)) {
    throw createError({
      kind: 'argument',
      path: 'branch',
      expected: 'options as the second argument, { inputView: ... }',
      received: plain ? 'a block or a layer' : describeType(options),
      advice: 'Write branch([flatten()], { inputView: grayscaleImage() }).',
    });
  }
  checks.optionNames('branch', options, ['inputView']);
}

const isLayerLike = (piece: object) => '~block' in piece || 'computeOutputShape' in piece;

function checkLayerStack(path: string, pieces: readonly LayerLike[], example = 'conv(64, 3)'): void {
  checks.list(path, pieces, {
    minLength: 1,
    noun: 'an array with at least one block or layer',
    advice: `Write ${path}([conv(64, 3), flatten()]).`,
  });
  pieces.forEach((piece: unknown, i) => {
    const { name, draw } = (piece ?? {}) as { readonly name?: unknown; readonly draw?: unknown };
    if (typeof piece === 'object' && piece !== null && isLayerLike(piece)) return;
    throw createError({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: `a block such as ${example}, or a tf.layers layer`,
      received: draw ? `the augmentation ${name}` : describeType(piece),
      advice: suggestAwait(
        piece,
        typeof piece === 'function'
          ? `Call it: ${example}, not ${example.split('(')[0]}.`
          : draw
            ? 'Pass it to dataset.augment([...]). The block that converts an image to grayscale is grayscaleImage().'
            : Array.isArray(piece) || Object.hasOwn(Object(piece), '~part')
              ? 'Pass the blocks themselves, in one array.'
              : `Pass a block, for example ${example}.`,
      ),
    });
  });
}
