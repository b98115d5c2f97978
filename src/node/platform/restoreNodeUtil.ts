import util from 'node:util';

/** Restores two functions of `util` that tfjs-node 4.22 calls, because newer versions of Node lack them. */
export function restoreNodeUtil(): void {
  const mutableUtil = util as unknown as Record<string, (value: unknown) => boolean>;
  mutableUtil.isNullOrUndefined ??= (value) => value === null || value === undefined;
  mutableUtil.isArray ??= Array.isArray;
}
