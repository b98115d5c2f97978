import { createError } from '../errors/errors.js';
import type { PackageLoader, Platform } from './platform.js';

/**
 * Throws a `missing-package` error for every package. A bundler can only include imports that the program contains, so outside Node the
 * program must import optional packages itself.
 */
const rejectPackage: PackageLoader = async (name, neededFor) => {
  throw createError({
    kind: 'missing-package',
    path: name,
    expected: `a registered package (needed for ${neededFor})`,
    received: 'a package that is not registered',
    advice: `Register it: useEngine('onnx', { packages: { '${name}': () => import('${name}') } }).`,
  });
};

/** The platform of every JavaScript runtime: no files, no decoder, no packages, no threads. */
export const defaultPlatform: Platform = { name: 'default', loadPackage: rejectPackage };
