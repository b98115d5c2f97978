import { createError } from '../errors/errors.js';
import type { PackageLoader, Platform } from './platform.js';

/**
 * Throws a `missing-package` error for every package. A bundler must see each import where it is written, so outside of Node
 * the program imports optional packages itself.
 */
const rejectPackage: PackageLoader = async (name, neededFor) => {
  throw createError({
    kind: 'missing-package',
    path: name,
    expected: `the package, for ${neededFor}`,
    received: 'no registered package',
    advice: `Register it: useEngine('onnx', { packages: { '${name}': () => import('${name}') } }).`,
  });
};

/** The platform of every JavaScript runtime: no files, no decoder, no packages, no threads. */
export const defaultPlatform: Platform = { name: 'default', loadPackage: rejectPackage };
