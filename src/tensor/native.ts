import { fault } from '../core/errors.js';
import type { PackageLoader } from '../core/outside.js';
import { registerNativeKernels } from './kernels/native/index.js';
import { tf } from './tf.js';

/** The packages that bring TensorFlow itself, best first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** The native package that is installed and loads, or undefined. Loading one registers its backend. */
export async function nativePackage(load: PackageLoader): Promise<string | undefined> {
  for (const name of PACKAGES) {
    try {
      await load(name, 'the native engine');
      return name;
    } catch {
      // Not installed, or built for another Node: the next one, or another engine.
    }
  }
  return undefined;
}

/**
 * Makes TensorFlow's own kernels the backend in use.
 *
 * @throws `missing-package` fault when neither package is installed, with the reason when one is but does not load.
 */
export async function loadNativeBackend(load: PackageLoader): Promise<void> {
  if ((await nativePackage(load)) === undefined) {
    throw fault({
      kind: 'missing-package',
      path: 'engine native',
      expected: PACKAGES.join(' or '),
      received: 'neither of them, or one that does not load on this Node',
      advice: `Run npm install ${PACKAGES[1]}, or use engine: "wasm".`,
    });
  }
  await tf.setBackend('tensorflow');
  registerNativeKernels();
}
