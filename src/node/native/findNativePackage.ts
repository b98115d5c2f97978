import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createArgumentError, createError } from '../../core/errors/errors.js';

/** Installed package `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`. */
export interface NativePackage {
  readonly name: string;
  readonly version: string;
  /** Folder that contains the package.json of the package. */
  readonly folder: string;
  /** Version of Node-API to build for: the newest version that both the package and this version of Node support. */
  readonly nodeApiVersion: number;
}

const PACKAGE_NAMES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
const INSTALL_COMMAND = `npm install --ignore-scripts ${PACKAGE_NAMES[1]}@4.22.0`;

/**
 * Finds the native package in `folder`. By default, finds the package that a program in the current folder would load.
 *
 * @throws A `missing-package` error if no package is installed. An `argument` error if `folder` contains a different package or no
 *   C++ sources.
 */
export function findNativePackage(folder = findInstalledFolder()): NativePackage {
  const path = resolve(folder);
  const manifest = join(path, 'package.json');
  const createPackageError = (received: string) =>
    createArgumentError(
      `--package ${folder}`,
      `the folder of ${PACKAGE_NAMES.join(' or ')} version 4, with C++ sources in binding/`,
      received,
      `Run ${INSTALL_COMMAND}, and pass node_modules/${PACKAGE_NAMES[1]}, or omit --package.`,
    );
  if (!isFile(manifest)) throw createPackageError('a folder without a package.json');
  const { name, version, binary } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    readonly name?: string;
    readonly version?: string;
    readonly binary?: { readonly napi_versions?: readonly number[] };
  };
  if (!name || !PACKAGE_NAMES.includes(name) || !version?.startsWith('4.'))
    throw createPackageError(`the package ${name}@${version}`);
  if (!isFile(join(path, 'binding/tfjs_backend.cc')))
    throw createPackageError('a package without binding/tfjs_backend.cc');
  const supportedVersion = Number(process.versions.napi);
  const nodeApiVersion = Math.max(
    ...(binary?.napi_versions ?? [8]).filter((version) => version <= supportedVersion),
  );
  return { name, version, folder: path, nodeApiVersion };
}

/** Tests whether a path refers to a regular file. Other files must not be read, because reading a named pipe would never end. */
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function findInstalledFolder(): string {
  const { resolve } = createRequire(join(process.cwd(), 'package.json'));
  for (const name of PACKAGE_NAMES) {
    try {
      return dirname(resolve(`${name}/package.json`));
    } catch {
      // This package is not installed: try the next one.
    }
  }
  throw createError({
    kind: 'missing-package',
    path: process.cwd(),
    expected: `${PACKAGE_NAMES.join(' or ')} in node_modules`,
    received: 'a node_modules folder without either package',
    advice: `Run: ${INSTALL_COMMAND}`,
  });
}
