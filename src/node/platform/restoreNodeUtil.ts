import util from 'node:util';

/**
 * Restores two functions of Node's `util` module that tfjs-node 4.22 calls, but that newer versions of Node
 * no longer contain.
 */
export function restoreNodeUtil(): void {
  const mutableUtil = util as unknown as Record<string, (value: unknown) => boolean>;
  mutableUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;
  mutableUtil.isArray ??= Array.isArray;
}
