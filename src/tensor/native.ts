import { fault, isMultitaskError, type MultitaskError } from '../core/errors.js';
import type { PackageLoader } from '../core/outside.js';
import { registerNativeKernels } from './kernels/native/index.js';
import { tf } from './tf.js';

/** The packages that bring TensorFlow itself, best first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** The command that installs the engine where its binary can be downloaded. */
export const NATIVE_INSTALL = `npm install ${PACKAGES[1]}`;
/** The command that makes an installed package load where its binary cannot be downloaded, or does not suit. */
export const NATIVE_BUILD = 'npx tfjs-multitask build-native';

/** The package that loads; else why the one that is installed does not; else nothing. */
export interface NativeSearch {
  readonly name?: string;
  readonly broken?: MultitaskError;
}

/** Looks for a native package by loading it, which registers its backend. */
export async function findNative(load: PackageLoader): Promise<NativeSearch> {
  let broken: MultitaskError | undefined;
  for (const name of PACKAGES) {
    try {
      await load(name, 'the native engine');
      return { name };
    } catch (error) {
      if (!isMultitaskError(error)) throw error;
      if (error.kind !== 'missing-package') broken ??= error;
    }
  }
  return broken ? { broken } : {};
}

/**
 * Makes TensorFlow's own kernels the backend in use, and registers its fused operations as the kernels of ours.
 *
 * @throws `missing-package` fault when neither package is installed, `broken-package` fault with the reason when one is
 *   and does not load.
 */
export async function loadNativeBackend(load: PackageLoader): Promise<void> {
  const { name, broken } = await findNative(load);
  if (broken) {
    const { path, received, advice, cause } = broken;
    throw fault({
      kind: 'broken-package',
      path: 'engine native',
      expected: `${path} to load`,
      received,
      advice: `${advice ?? ''}, or use engine: "wasm".`,
      cause,
    });
  }
  if (name === undefined) {
    throw fault({
      kind: 'missing-package',
      path: 'engine native',
      expected: PACKAGES.join(' or '),
      received: 'neither of them',
      advice:
        `Run ${NATIVE_INSTALL} (where that cannot download TensorFlow, add --ignore-scripts and run ${NATIVE_BUILD} ` +
        'after it), or use engine: "wasm".',
    });
  }
  if (!(await tf.setBackend('tensorflow'))) {
    throw fault({
      kind: 'engine',
      path: 'engine native',
      expected: `the backend of ${name} to start`,
      received: 'one that does not',
      advice: `Run ${NATIVE_BUILD}, or use engine: "wasm".`,
    });
  }
  registerNativeKernels();
}
