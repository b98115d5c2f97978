import { createError, isMultitaskError, type MultitaskError } from '../core/errors/errors.js';
import type { PackageLoader } from '../core/platform/platform.js';
import { registerNativeKernels } from './native/registerNativeKernels.js';
import { tf } from './tf.js';

/** The packages that bring TensorFlow itself, best first. */
const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** The command that installs the engine where its binary can be downloaded. */
export const NATIVE_INSTALL_COMMAND = `npm install ${NATIVE_PACKAGES[1]}`;
/** The command that makes an installed package load where its binary cannot be downloaded, or does not suit. */
export const NATIVE_BUILD_COMMAND = 'npx tfjs-multitask build-native';

/** The package that loads; else why the one that is installed does not; else nothing. */
export interface NativeSearchResult {
  readonly name?: string;
  readonly loadError?: MultitaskError;
}

/** Looks for a native package by loading it, which registers its backend. */
export async function findNativePackage(load: PackageLoader): Promise<NativeSearchResult> {
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
 * Makes TensorFlow's own kernels the backend in use, and registers its fused operations as the kernels of ours.
 *
 * @throws `missing-package` fault when neither package is installed, `broken-package` fault with the reason when one is
 *   and does not load.
 */
export async function loadNativeBackend(load: PackageLoader): Promise<void> {
  const { name, loadError } = await findNativePackage(load);
  if (loadError) {
    const { path, received, advice, cause } = loadError;
    throw createError({
      kind: 'broken-package',
      path: 'engine native',
      expected: `${path} to load`,
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
      received: 'neither of them',
      advice:
        `Run ${NATIVE_INSTALL_COMMAND} (where that cannot download TensorFlow, add --ignore-scripts and run ${NATIVE_BUILD_COMMAND} ` +
        'after it), or use engine: "wasm".',
    });
  }
  if (!(await tf.setBackend('tensorflow'))) {
    throw createError({
      kind: 'engine',
      path: 'engine native',
      expected: `the backend of ${name} to start`,
      received: 'one that does not',
      advice: `Run ${NATIVE_BUILD_COMMAND}, or use engine: "wasm".`,
    });
  }
  registerNativeKernels();
}
