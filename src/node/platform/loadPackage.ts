import { availableParallelism } from 'node:os';
import { createError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { restoreNodeUtil } from './restoreNodeUtil.js';

/**
 * Imports an optional package. Throws a `missing-package` error with the install command when the package is not installed, and
 * a `broken-package` error when it does not load.
 */
export const loadPackage: PackageLoader = /* @__PURE__ */ Object.assign(importPackage, {
  threads: availableParallelism(),
});

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
