import { availableParallelism } from 'node:os';
import { createError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { restoreNodeUtil } from './restoreNodeUtil.js';

/**
 * Messages of Node, Bun, Deno and Vite about a package that is not installed. If a package is installed but one of its own imports is missing,
 * the name in the message differs from the name of the package.
 */
const MISSING_PACKAGE = /(?:(?:Cannot|Could not) (?:find (?:package|module)|resolve)|Import) ['"]([^'"]+)/;

/**
 * Imports an optional package.
 *
 * @throws A `missing-package` error with the install command if the package is not installed. A `broken-package` error if it
 *   fails to load.
 */
export const loadPackage: PackageLoader = /* @__PURE__ */ Object.assign(importPackage, {
  threads: availableParallelism(),
});

async function importPackage<M>(name: string, neededFor: string): Promise<M> {
  const isNativePackage = name.startsWith('@tensorflow/tfjs-node');
  if (isNativePackage) restoreNodeUtil();
  try {
    return (await import(name)) as M;
  } catch (cause) {
    const [firstLine] = (cause as Error).message.split('\n');
    const isMissing = firstLine!.match(MISSING_PACKAGE)?.[1] === name;
    throw createError({
      kind: isMissing ? 'missing-package' : 'broken-package',
      path: name,
      expected: `the package ${name} (needed for ${neededFor})`,
      received: isMissing
        ? 'a package that is not installed'
        : `a package that fails to load (${firstLine!.trim()})`,
      advice:
        isMissing || !isNativePackage ? `Run: npm install ${name}` : 'Run: npx tfjs-multitask build-native',
      cause,
    });
  }
}
