import util from 'node:util';

/** tfjs-node 4.22 calls two functions that newer Nodes lack; it looks for them on `util` each time. */
export function restoreNodeUtil(): void {
  const gone = util as unknown as Record<string, (value: unknown) => boolean>;
  gone.isNullOrUndefined ??= (value) => value === null || value === undefined;
  gone.isArray ??= Array.isArray;
}
