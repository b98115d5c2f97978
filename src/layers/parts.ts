import { adviceOn, fault, kindOf } from '../core/errors.js';
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
 * @throws `argument` fault for an empty list.
 * @example
 * ```ts
 * import { branch, dense, dropout, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(16, { l2: 1e-3 }), dropout(0.3)]).pieces.length); // 3
 * ```
 * @category Compose
 */
export function branch(pieces: readonly Piece[]): Branch {
  checkPieces('branch', pieces);
  return { '~part': 'branch', pieces };
}

function checkPieces(path: string, pieces: readonly Piece[]): void {
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
    const known =
      typeof piece === 'object' && piece !== null && ('~block' in piece || 'computeOutputShape' in piece);
    if (known) return;
    throw fault({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: 'a block such as conv(64, 3), or a tf.layers layer',
      received:
        typeof piece === 'object'
          ? kindOf(piece)
          : typeof piece === 'function'
            ? 'a function'
            : String(piece),
      advice: adviceOn(
        piece,
        typeof piece === 'function'
          ? 'Call it: conv(64, 3), not conv.'
          : 'Blocks are made by functions, conv() and so on.',
      ),
    });
  });
}
