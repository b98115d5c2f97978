import type { Callback } from './callback.js';

/**
 * Returns the keys under which a checkpoint contains the states of callbacks. A key consists of the name of the callback, the column that it
 * monitors and the names of its outputs, followed by a number that distinguishes equal callbacks. The key does not depend on other
 * callbacks, so a resumed run may add, remove and reorder callbacks.
 */
export function getCallbackKeys(callbacks: readonly Callback<string>[]): string[] {
  const counts = new Map<string, number>();
  return callbacks.map(({ name, monitor, outputs = [] }) => {
    const parts = [name ?? 'callback', monitor ?? '', ...outputs.map((output) => output.name)];
    // The checkpoint uses the key as the first part of a path.
    const identity = parts.map((part) => part.replaceAll(/[%/|]/g, encodeURIComponent)).join('|');
    const count = counts.get(identity) ?? 0;
    counts.set(identity, count + 1);
    return `${identity}#${count}`;
  });
}
