const SPEC_SYMBOL = Symbol.for('tfjs-multitask/recipe');

/**
 * Marks what another thread can make again, with what it is made from: plain data. Marked things are frozen, and a copy of
 * one (`{ ...part, apply: mine }`) has no mark, since it may do something else. A symbol of the whole process, so that the
 * ESM and the CommonJS copy of this library know each other's.
 */
export function markSerializable<T extends object>(thing: T, recipe: unknown): T {
  return Object.freeze(Object.defineProperty(thing, SPEC_SYMBOL, { value: recipe }));
}

/** What a marked thing is made from; undefined for what this library did not make. */
export function getSpec(thing: object): unknown {
  return (thing as { readonly [SPEC_SYMBOL]?: unknown })[SPEC_SYMBOL];
}
