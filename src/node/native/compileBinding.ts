import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import type { NativePackage } from './findNativePackage.js';
import { LIBRARIES, type PipTensorFlow } from './findTensorFlow.js';
import { patchBackendSource } from './patchBackendSource.js';
import { runProgram } from './runProgram.js';

/** What a compilation made. */
export interface CompiledBinding {
  /** The binding, where the package looks for it. */
  readonly outputPath: string;
  /** The compiler's first line about itself. */
  readonly compilerVersion: string;
  /** Whether the binding can hand lists of text to TensorFlow, for fused convolutions. */
  readonly supportsAttributeLists: boolean;
}

const MAX_ERROR_LINES = 15;

/**
 * Compiles the package's binding against a TensorFlow that pip installed, and puts it where the package looks for it,
 * whole or not at all. The libraries stay where they are: their folder is written into the binding.
 *
 * @param compiler - A C++ compiler that takes GCC's options.
 * @throws `missing-package` fault without the compiler, `engine` fault with its last lines when it fails.
 */
export async function compileBinding(
  { folder, nodeApiVersion }: NativePackage,
  tensorflow: PipTensorFlow,
  compiler: string,
): Promise<CompiledBinding> {
  const about = await runProgram(compiler, ['--version']);
  if (about.code !== 0) {
    throw createError({
      kind: 'missing-package',
      path: compiler,
      expected: 'a C++ compiler',
      received: 'no such program',
      advice: 'Install one with apt-get install g++, or name your compiler in the environment: CXX=clang++.',
    });
  }
  const target = join(folder, 'lib', `napi-v${nodeApiVersion}`);
  await mkdir(target, { recursive: true });
  const work = await mkdtemp(join(target, '.build-')); // on the same disk, so that a rename is enough
  try {
    await cp(join(folder, 'binding'), work, { recursive: true });
    const backend = join(work, 'tfjs_backend.cc');
    const extended = patchBackendSource(await readFile(backend, 'utf8'));
    if (extended !== undefined) await writeFile(backend, extended);
    const built = join(work, 'tfjs_binding.node');
    const { code, stderr } = await runProgram(compiler, [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${nodeApiVersion}`, '-o', built],
      ...['-I', getNodeApiHeaders(), '-I', join(tensorflow.folder, 'include')],
      ...[backend, join(work, 'tfjs_binding.cc')],
      ...['-L', tensorflow.folder, ...LIBRARIES.map((library) => `-l:${library}`)],
      `-Wl,-rpath,${tensorflow.folder}`,
    ]);
    if (code !== 0) {
      throw createError({
        kind: 'engine',
        path: join(folder, 'binding'),
        expected: `sources that ${compiler} can compile`,
        received: `exit code ${code}:\n${stderr.trimEnd().split('\n').slice(-MAX_ERROR_LINES).join('\n')}\n`,
        advice: `Use TensorFlow 2.21, which is known to work: the version in ${tensorflow.folder} may be too new or too old.`,
      });
    }
    const outputPath = join(target, 'tfjs_binding.node');
    await rename(built, outputPath);
    return {
      outputPath,
      compilerVersion: about.stdout.split('\n')[0]!,
      supportsAttributeLists: extended !== undefined,
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Node's own include folder is not there in every installation of Node. */
function getNodeApiHeaders(): string {
  return join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
}
