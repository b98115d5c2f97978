import util from 'node:util';

/** Adds two functions to `util` that tfjs-node 4.22 calls and newer versions of Node lack. */
export function restoreNodeUtil(): void {
  const mutableUtil = util as unknown as Record<string, (value: unknown) => boolean>;
  mutableUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;
  mutableUtil.isArray ??= Array.isArray;
}
