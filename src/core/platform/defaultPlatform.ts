import { createError } from '../errors/errors.js';
import type { PackageLoader, Platform } from './platform.js';

/**
 * Throws a `missing-package` error for every package. Bundlers include only packages that the program imports itself, so outside Node, the
 * program must register optional packages.
 */
const rejectPackage: PackageLoader = async (name, neededFor) => {
  throw createError({
    kind: 'missing-package',
    path: name,
    expected: `a registered package (needed for ${neededFor})`,
    received: 'a package that is not registered',
    advice: `Register the package: useEngine('onnx', { packages: { '${name}': () => import('${name}') } }).`,
  });
};

/** Platform for runtimes other than Node and browsers. It has no files, no image decoder, no optional packages and no threads. */
export const defaultPlatform: Platform = { name: 'default', loadPackage: rejectPackage };
