import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fault } from '../../core/errors.js';
import { withAttributeLists } from './attributeLists.js';
import type { NativePackage } from './findPackage.js';
import { LIBRARIES, type PipTensorFlow } from './findTensorFlow.js';
import { run } from './run.js';

/** What a compilation made. */
export interface Compiled {
  /** The binding, where the package looks for it. */
  readonly output: string;
  /** The compiler's first line about itself. */
  readonly compiler: string;
  /** Whether the binding can hand lists of text to TensorFlow, for fused convolutions. */
  readonly lists: boolean;
}

const LINES = 15;

/**
 * Compiles the package's binding against a TensorFlow that pip installed, and puts it where the package looks for it,
 * whole or not at all. The libraries stay where they are: their folder is written into the binding.
 *
 * @param compiler - A C++ compiler that takes GCC's options.
 * @throws `missing-package` fault without the compiler, `engine` fault with its last lines when it fails.
 */
export async function compile(
  { folder, nodeApi }: NativePackage,
  tensorflow: PipTensorFlow,
  compiler: string,
): Promise<Compiled> {
  const about = await run(compiler, ['--version']);
  if (about.code !== 0) {
    throw fault({
      kind: 'missing-package',
      path: compiler,
      expected: 'a C++ compiler',
      received: 'none',
      advice: 'Install one (apt-get install g++), or name yours in the environment: CXX=clang++.',
    });
  }
  const target = join(folder, 'lib', `napi-v${nodeApi}`);
  await mkdir(target, { recursive: true });
  const work = await mkdtemp(join(target, '.build-')); // on the same disk, so that a rename is enough
  try {
    await cp(join(folder, 'binding'), work, { recursive: true });
    const backend = join(work, 'tfjs_backend.cc');
    const extended = withAttributeLists(await readFile(backend, 'utf8'));
    if (extended !== undefined) await writeFile(backend, extended);
    const built = join(work, 'tfjs_binding.node');
    const { code, stderr } = await run(compiler, [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${nodeApi}`, '-o', built],
      ...['-I', nodeApiHeaders(), '-I', join(tensorflow.folder, 'include')],
      ...[backend, join(work, 'tfjs_binding.cc')],
      ...['-L', tensorflow.folder, ...LIBRARIES.map((library) => `-l:${library}`)],
      `-Wl,-rpath,${tensorflow.folder}`,
    ]);
    if (code !== 0) {
      throw fault({
        kind: 'engine',
        path: join(folder, 'binding'),
        expected: `${compiler} to compile it`,
        received: `code ${code}:\n${stderr.trimEnd().split('\n').slice(-LINES).join('\n')}\n`,
        advice: `TensorFlow ${tensorflow.folder} may be too new or too old for it; 2.21 is known to work.`,
      });
    }
    const output = join(target, 'tfjs_binding.node');
    await rename(built, output);
    return { output, compiler: about.stdout.split('\n')[0]!, lists: extended !== undefined };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Node's own include folder is not there in every installation of Node. */
function nodeApiHeaders(): string {
  return join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
}
