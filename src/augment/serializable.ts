const SPEC_SYMBOL = Symbol.for('tfjs-multitask/augmentation-spec');

/**
 * Attaches `spec` to `target` and freezes `target`. `spec` is plain data from which a worker can rebuild `target`. A copy such as `{
 * ...transform, apply }` does not inherit this data, because the copy may behave differently. The data is stored under a symbol that is
 * registered for the whole process, so that the ESM and the CommonJS copy of this library recognize each other's objects.
 */
export function markSerializable<T extends object>(target: T, spec: unknown): T {
  return Object.freeze(Object.defineProperty(target, SPEC_SYMBOL, { value: spec }));
}

/** Returns the plain data that {@link markSerializable} attached to an object, or undefined if there is none. */
export function getSpec(target: object): unknown {
  return (target as { readonly [SPEC_SYMBOL]?: unknown })[SPEC_SYMBOL];
}
