import { createError, isMultitaskError, type MultitaskError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { registerNativeKernels } from '../native/registerNativeKernels.js';
import { setStartedBackend, startBackend } from '../startBackend.js';

/** npm packages that provide the native engine, in the order in which they are tried. */
const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** Command that installs the native engine on platforms for which a binary can be downloaded. */
const NATIVE_INSTALL_COMMAND = `npm install ${NATIVE_PACKAGES[1]}`;
/** Command that builds the binary of the native engine, for platforms on which the binary cannot be downloaded or fails to load. */
const NATIVE_BUILD_COMMAND = 'npx tfjs-multitask build-native';

/** Result of the search for a package that provides the native engine. */
interface NativeSearchResult {
  /** Name of the package that was loaded. */
  readonly name?: string;
  /** Error of a package that is installed but failed to load. If no package is installed, neither `name` nor `loadError` is set. */
  readonly loadError?: MultitaskError;
}

/** Loads the first package of the native engine that is installed and works. Loading the package registers its backend. */
async function findNativePackage(load: PackageLoader): Promise<NativeSearchResult> {
  let loadError: MultitaskError | undefined;
  for (const name of NATIVE_PACKAGES) {
    try {
      await load(name, 'the native engine');
      return { name };
    } catch (error) {
      if (!isMultitaskError(error)) throw error;
      if (error.kind !== 'missing-package') loadError ??= error;
    }
  }
  return loadError ? { loadError } : {};
}

/**
 * Loads the backend of tfjs-node, activates it, and registers this library's kernels, which run fused TensorFlow operations.
 *
 * @throws A `missing-package` error if no package is installed, a `broken-package` error with the reason if a package is installed but
 *   fails to load, or an `engine` error if the backend fails to start.
 */
export async function loadNativeBackend(load: PackageLoader): Promise<void> {
  const { name, loadError } = await findNativePackage(load);
  if (loadError) {
    const { path, received, advice, cause } = loadError;
    throw createError({
      kind: 'broken-package',
      path: 'engine native',
      expected: `a working installation of ${path}`,
      received,
      advice: advice ? `${advice}, or use engine: "wasm".` : 'Use engine: "wasm".',
      cause,
    });
  }
  if (name === undefined) {
    throw createError({
      kind: 'missing-package',
      path: 'engine native',
      expected: `an installed package: ${NATIVE_PACKAGES.join(' or ')}`,
      received: 'no installed package',
      advice:
        `Run ${NATIVE_INSTALL_COMMAND}, or use engine: "wasm". If the download of TensorFlow fails, add --ignore-scripts and ` +
        `then run ${NATIVE_BUILD_COMMAND}.`,
    });
  }
  if (!(await startBackend('tensorflow'))) {
    throw createError({
      kind: 'engine',
      path: 'engine native',
      expected: `a working ${name} backend`,
      received: 'a backend that failed to start',
      advice: `Run ${NATIVE_BUILD_COMMAND}, or use engine: "wasm".`,
    });
  }
  setStartedBackend('tensorflow');
  registerNativeKernels();
}
