import { fault } from '../core/errors.js';
import type { PackageLoader } from '../core/outside.js';

/**
 * Imports an optional package; the error when it is missing names the command that installs it. What `fit` and
 * `useEngine` take as `load`.
 *
 * @throws `missing-package` fault when the package is not installed, or does not load.
 * @example
 * ```ts
 * import { useEngine } from 'tfjs-multitask';
 * import { loadPackage } from 'tfjs-multitask/node';
 *
 * const engine = await useEngine('auto', { load: loadPackage });
 * console.log(engine.reason); // …
 * ```
 * @category Engines
 */
export const loadPackage: PackageLoader = async <M>(name: string, neededFor: string): Promise<M> => {
  try {
    return (await import(name)) as M;
  } catch (cause) {
    const missing = /Cannot find (package|module)/.test((cause as Error).message);
    throw fault({
      kind: 'missing-package',
      path: name,
      expected: `the package, for ${neededFor}`,
      received: missing ? 'none' : `one that does not load (${(cause as Error).message})`,
      advice: `Run: npm install ${name}`,
      cause,
    });
  }
};
