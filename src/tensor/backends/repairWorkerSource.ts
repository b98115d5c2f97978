/** Function in the threaded build of TensorFlow.js that creates the wasm module. The workers run its source code. */
type Factory = () => unknown;

/**
 * Repairs the worker source code of TensorFlow.js's threaded build, so that the build starts in a page even if a bundler has minified it.
 *
 * TensorFlow.js starts workers with the source code of one of its functions. The function reads a variable that is declared outside of it
 * and checks with `typeof` that the variable exists. A minifier that sees the declaration removes the check, so workers, which do not have
 * the declaration, fail with a `ReferenceError`. The repaired source code runs in a scope in which such variables are undefined.
 *
 * This function imports the same module as TensorFlow.js itself, so a bundler does not include the module twice.
 */
export async function repairWorkerSource(): Promise<void> {
  const module: { readonly default?: unknown } = await import(
    '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js'
  );
  const factory = (module.default ?? module) as Factory;
  if (typeof factory !== 'function') return;
  const source = Function.prototype.toString.call(factory);
  factory.toString = () => `(() => {
  const scope = new Proxy(Object.create(null), { has: (_, name) => !(name in self) });
  with (scope) return ${source};
})()`;
}
