import { createError } from '../core/errors/errors.js';
import type { PackageLoader } from '../core/platform/platform.js';

/**
 * Optional packages of a page, for the option `load`: a bundler must see each import where it stands, so the page writes
 * them down.
 *
 * @param imports - By the package's name, a function that imports it.
 * @returns A loader that throws a `missing-package` fault for every other name.
 * @example
 * ```ts
 * import { useEngine } from 'tfjs-multitask';
 * import { packages } from 'tfjs-multitask/browser';
 *
 * const load = packages({ 'onnxruntime-web': () => import('onnxruntime-web') });
 * console.log((await useEngine('onnx', { load })).name); // onnx
 * ```
 * @category Engines
 */
export function packageLoader(imports: { readonly [name: string]: () => Promise<unknown> }): PackageLoader {
  const find = async <M>(name: string, neededFor: string): Promise<M> => {
    const load = Object.hasOwn(imports, name) ? imports[name] : undefined;
    if (load) return (await load()) as M;
    throw createError({
      kind: 'missing-package',
      path: name,
      expected: `the package ${name}, for ${neededFor}`,
      received: 'no import of that package',
      advice: `Write packages({ '${name}': () => import('${name}') }).`,
    });
  };
  return Object.assign(find, { threads: navigator.hardwareConcurrency });
}
