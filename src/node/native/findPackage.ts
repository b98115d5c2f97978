import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fault, show } from '../../core/errors.js';

/** An installed `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`. */
export interface NativePackage {
  readonly name: string;
  readonly version: string;
  /** The folder of its package.json. */
  readonly folder: string;
  /** Version of Node-API to build for: the newest that it names and this Node has. */
  readonly nodeApi: number;
}

const NAMES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
const INSTALL = `npm install --ignore-scripts ${NAMES[1]}@4.22.0`;

/**
 * The package in `folder`, else the one that a program in the current folder would load.
 *
 * @throws `missing-package` fault when there is none, `argument` fault when it is another package or has no sources.
 */
export function findPackage(folder = installed()): NativePackage {
  const path = resolve(folder);
  const manifest = join(path, 'package.json');
  const wrong = (received: string) =>
    fault({
      kind: 'argument',
      path: `--package ${folder}`,
      expected: `the folder of ${NAMES.join(' or ')} 4, with its sources in binding/`,
      received,
      advice: `Run ${INSTALL}, and give node_modules/${NAMES[1]} or leave --package out.`,
    });
  if (!existsSync(manifest)) throw wrong('a folder without a package.json');
  const { name, version, binary } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    readonly name?: string;
    readonly version?: string;
    readonly binary?: { readonly napi_versions?: readonly number[] };
  };
  if (!name || !NAMES.includes(name) || !version?.startsWith('4.')) throw wrong(show(`${name}@${version}`));
  if (!existsSync(join(path, 'binding/tfjs_backend.cc'))) throw wrong('one without binding/tfjs_backend.cc');
  const newest = Number(process.versions.napi);
  const nodeApi = Math.max(...(binary?.napi_versions ?? [8]).filter((one) => one <= newest));
  return { name, version, folder: path, nodeApi };
}

function installed(): string {
  const { resolve } = createRequire(join(process.cwd(), 'package.json'));
  for (const name of NAMES) {
    try {
      return dirname(resolve(`${name}/package.json`));
    } catch {
      // the next one
    }
  }
  throw fault({
    kind: 'missing-package',
    path: process.cwd(),
    expected: `${NAMES.join(' or ')} in its node_modules`,
    received: 'neither of them',
    advice: `Run: ${INSTALL}`,
  });
}
