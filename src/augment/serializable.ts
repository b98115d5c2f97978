const SPEC_SYMBOL = Symbol.for('tfjs-multitask/augmentation-spec');

/**
 * Attaches to `target` the plain data that another thread can rebuild it from, and freezes it. A copy such as
 * `{ ...transform, apply }` has no such data, since it may behave differently. The symbol is registered for the whole process, so
 * that the ESM and the CommonJS copy of this library recognize each other's objects.
 */
export function markSerializable<T extends object>(target: T, spec: unknown): T {
  return Object.freeze(Object.defineProperty(target, SPEC_SYMBOL, { value: spec }));
}

/** Returns the plain data that {@link markSerializable} attached, or undefined for any other object. */
export function getSpec(target: object): unknown {
  return (target as { readonly [SPEC_SYMBOL]?: unknown })[SPEC_SYMBOL];
}
