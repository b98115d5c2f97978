import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import { isProcessAlive } from '../platform/files/isProcessAlive.js';
import type { NativePackage } from './findNativePackage.js';
import { LIBRARIES, type PipTensorFlow } from './findTensorFlow.js';
import { patchBackendSource } from './patchBackendSource.js';
import { runProgram } from './runProgram.js';

/** Result of {@link compileBinding}. */
export interface CompiledBinding {
  /** Path from which the package loads the compiled binding. */
  readonly outputPath: string;
  /** First line that the compiler prints for `--version`. */
  readonly compilerVersion: string;
  /** Whether the binding can pass lists of strings and lists of types to TensorFlow. Fused convolutions require such lists. */
  readonly supportsAttributeLists: boolean;
}

const MAX_ERROR_LINES = 15;

/**
 * Compiles the C++ binding of a native package against a TensorFlow installation that was created with pip, and writes the result
 * atomically to the path from which the package loads it. The TensorFlow libraries are not copied: the binding contains the path of their
 * folder.
 *
 * @param compiler - C++ compiler that accepts the options of GCC.
 * @throws A `missing-package` error if the compiler does not exist. An `engine` error with the last lines of the compiler output if the
 *   compilation fails.
 */
export async function compileBinding(
  { folder, nodeApiVersion }: NativePackage,
  tensorflow: PipTensorFlow,
  compiler: string,
): Promise<CompiledBinding> {
  const versionResult = await runProgram(compiler, ['--version']);
  if (versionResult.code !== 0) {
    throw createError({
      kind: 'missing-package',
      path: compiler,
      expected: 'a C++ compiler',
      received: 'a program that is not installed',
      advice:
        'Install a compiler, for example with apt-get install g++, or set the environment variable CXX to your compiler, for example CXX=clang++.',
    });
  }
  const targetFolder = join(folder, 'lib', `napi-v${nodeApiVersion}`);
  await mkdir(targetFolder, { recursive: true });
  // The build folder is on the same file system as the target path, so that the result can be moved there by renaming it.
  await removeAbandonedBuilds(targetFolder);
  const buildFolder = await mkdtemp(join(targetFolder, `.build-${process.pid}-`));
  try {
    await cp(join(folder, 'binding'), buildFolder, { recursive: true });
    const backendPath = join(buildFolder, 'tfjs_backend.cc');
    const patchedSource = patchBackendSource(await readFile(backendPath, 'utf8'));
    if (patchedSource !== undefined) await writeFile(backendPath, patchedSource);
    const builtPath = join(buildFolder, 'tfjs_binding.node');
    const { code, stderr } = await runProgram(compiler, [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${nodeApiVersion}`, '-o', builtPath],
      ...['-I', getNodeApiHeaders(), '-I', join(tensorflow.folder, 'include')],
      ...[backendPath, join(buildFolder, 'tfjs_binding.cc')],
      ...['-L', tensorflow.folder, ...LIBRARIES.map((library) => `-l:${library}`)],
      `-Wl,-rpath,${tensorflow.folder}`,
    ]);
    if (code !== 0) {
      throw createError({
        kind: 'engine',
        path: join(folder, 'binding'),
        expected: `sources that ${compiler} can compile`,
        received: `compiler errors and exit code ${code}:\n${stderr.trimEnd().split('\n').slice(-MAX_ERROR_LINES).join('\n')}\n`,
        advice: `Use TensorFlow 2.21, which is known to work: the version in ${tensorflow.folder} may be too new or too old.`,
      });
    }
    const outputPath = join(targetFolder, 'tfjs_binding.node');
    await rename(builtPath, outputPath);
    return {
      outputPath,
      compilerVersion: versionResult.stdout.split('\n')[0]!,
      supportsAttributeLists: patchedSource !== undefined,
    };
  } finally {
    await rm(buildFolder, { recursive: true, force: true });
  }
}

/**
 * Returns the folder of the Node-API headers. The headers come from an npm package, because not every installation of Node
 * contains them.
 */
function getNodeApiHeaders(): string {
  return join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
}

/** Removes the build folders of processes that were killed. */
async function removeAbandonedBuilds(targetFolder: string): Promise<void> {
  for (const name of await readdir(targetFolder)) {
    const pid = Number(name.match(/^\.build-(\d+)-/)?.[1] ?? process.pid);
    if (isProcessAlive(pid)) continue;
    await rm(join(targetFolder, name), { recursive: true, force: true });
  }
}
