import { adviceOn, checkNames, fault, kindOf } from '../core/errors.js';
import type { Piece } from './block.js';

/**
 * The layers that all tasks share, from the image on.
 *
 * @category Compose
 */
export interface Trunk {
  /** @internal Tells trunk and branch apart. */
  readonly '~part': 'trunk';
  /** In order, from the image on. */
  readonly pieces: readonly Piece[];
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
  readonly pieces: readonly Piece[];
  /** What happens to the image before the trunk. Default: nothing. */
  readonly sees?: readonly Piece[];
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
  readonly sees?: Piece | readonly Piece[];
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
export function sharedTrunk(pieces: readonly Piece[]): Trunk {
  checkPieces('sharedTrunk', pieces);
  return { '~part': 'trunk', pieces };
}

/**
 * The layers of one task, in order, between the trunk and the head that `.task()` adds. They must end in a flat
 * output: with `flatten()` or `globalAveragePool()` somewhere. Its layers are named after the task: `age_conv1`.
 *
 * @param pieces - Blocks, and any `tf.layers` layer that draws no random numbers. At least one.
 * @throws `argument` fault for an empty list, one of something else, and options that there are not.
 * @example
 * ```ts
 * import { binary, branch, conv, dense, flatten, greyImage, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [32, 32, 3] })
 *   .trunk(sharedTrunk([conv(8, 3)]))
 *   .task('age', regression({ unit: 'years' }), branch([flatten(), dense(16)]))
 *   .task('gender', binary(['male', 'female']), branch([flatten(), dense(16)], { sees: greyImage() }))
 *   .build();
 * console.log(model.layersModel.getLayer('trunk_conv1').inboundNodes.length); // 2
 * ```
 * @category Compose
 */
export function branch(pieces: readonly Piece[], options: BranchOptions = {}): Branch {
  checkPieces('branch', pieces);
  checkOptions(options);
  const view = (options.sees === undefined ? [] : [options.sees].flat()) as readonly Piece[];
  if (view.length > 0) checkPieces('branch.sees', view, 'greyImage()');
  return { '~part': 'branch', pieces, ...(view.length > 0 && { sees: view }) };
}

/** A view that is passed over would show the branch the image as it is, and nobody would know. */
function checkOptions(options: unknown): void {
  const plain = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (!plain || isPiece(options)) {
    throw fault({
      kind: 'argument',
      path: 'branch',
      expected: 'options, { sees: ... }, as the second argument',
      received: plain ? 'a block or a layer' : kindOf(options),
      advice: 'Write branch([flatten()], { sees: greyImage() }).',
    });
  }
  checkNames('branch', options, ['sees']);
}

const isPiece = (piece: object) => '~block' in piece || 'computeOutputShape' in piece;

function checkPieces(path: string, pieces: readonly Piece[], example = 'conv(64, 3)'): void {
  if (!Array.isArray(pieces) || pieces.length === 0) {
    throw fault({
      kind: 'argument',
      path,
      expected: 'a list of at least one block or layer',
      received: Array.isArray(pieces) ? 'an empty list' : typeof pieces,
      advice: `Write ${path}([conv(64, 3), flatten()]).`,
    });
  }
  pieces.forEach((piece: unknown, i) => {
    const { name, draw } = (piece ?? {}) as { readonly name?: unknown; readonly draw?: unknown };
    if (typeof piece === 'object' && piece !== null && isPiece(piece)) return;
    throw fault({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: `a block such as ${example}, or a tf.layers layer`,
      received: draw
        ? `the augmentation ${name}`
        : typeof piece === 'object'
          ? kindOf(piece)
          : typeof piece === 'function'
            ? 'a function'
            : String(piece),
      advice: adviceOn(
        piece,
        typeof piece === 'function'
          ? `Call it: ${example}, not ${example.split('(')[0]}.`
          : draw
            ? 'It goes into augment([...]) on the dataset; the block that makes an image grey is greyImage().'
            : Array.isArray(piece) || Object.hasOwn(Object(piece), '~part')
              ? 'Give the blocks themselves, in one list.'
              : `Blocks are made by functions: ${example}.`,
      ),
    });
  });
}
