import { createError, isMultitaskError, type MultitaskError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { registerNativeKernels } from '../native/registerNativeKernels.js';
import { setStartedBackend, startBackend } from '../startBackend.js';

/** Packages that contain TensorFlow, in the order in which they are tried. */
const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** The command that installs the native engine on platforms for which a binary can be downloaded. */
const NATIVE_INSTALL_COMMAND = `npm install ${NATIVE_PACKAGES[1]}`;
/** The command that builds the binary of an installed package whose binary cannot be downloaded or fails to load. */
const NATIVE_BUILD_COMMAND = 'npx tfjs-multitask build-native';

/** Result of the search for a native package. */
interface NativeSearchResult {
  /** Name of the package that was loaded. */
  readonly name?: string;
  /** Error of an installed package that failed to load. If no package is installed, neither `name` nor `loadError` is set. */
  readonly loadError?: MultitaskError;
}

/** Loads the first native package that is installed and works. The package registers its backend. */
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
 * Loads TensorFlow's backend, makes it the backend in use, and registers its fused operations for the kernels of this library.
 *
 * @throws `missing-package` error if no package is installed, and `broken-package` error with the reason if a package is installed but
 *   fails to load.
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
      advice: `${advice ?? ''}, or use engine: "wasm".`,
      cause,
    });
  }
  if (name === undefined) {
    throw createError({
      kind: 'missing-package',
      path: 'engine native',
      expected: NATIVE_PACKAGES.join(' or '),
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
      expected: `a working backend in ${name}`,
      received: 'a backend that failed to start',
      advice: `Run ${NATIVE_BUILD_COMMAND}, or use engine: "wasm".`,
    });
  }
  setStartedBackend('tensorflow');
  registerNativeKernels();
}
