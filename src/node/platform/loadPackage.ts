import { availableParallelism } from 'node:os';
import { createError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { restoreNodeUtil } from './restoreNodeUtil.js';

/**
 * Imports an optional package; the error when it is missing names the command that installs it. What `fit` and
 * `useEngine` take as `load`.
 *
 * @throws `missing-package` fault when the package is not installed, `broken-package` fault when it does not load.
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
export const loadPackage: PackageLoader = Object.assign(importPackage, { threads: availableParallelism() });

async function importPackage<M>(name: string, neededFor: string): Promise<M> {
  const native = name.startsWith('@tensorflow/tfjs-node');
  if (native) restoreNodeUtil();
  try {
    return (await import(name)) as M;
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n');
    // In Node's words, or in Vite's. A package of its own that it does not find is another matter.
    const missing =
      line!.match(/(?:Cannot find (?:package|module)|Could not resolve) ['"]([^'"]+)/)?.[1] === name;
    throw createError({
      kind: missing ? 'missing-package' : 'broken-package',
      path: name,
      expected: `the package ${name}, for ${neededFor}`,
      received: missing ? 'no such package' : `a package that does not load (${line!.trim()})`,
      advice: missing || !native ? `Run: npm install ${name}` : 'Run: npx tfjs-multitask build-native',
      cause,
    });
  }
}
