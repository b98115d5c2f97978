import { createError } from '../core/errors/errors.js';
import { tf } from './tf.js';

/**
 * Throws an `engine` error when this library and the program import different copies of `@tensorflow/tfjs-core`. The copies share the
 * registry of backends and kernels but have separate classes, so tensors of one copy cause various errors in the other.
 */
export function checkSingleTensorFlow(): void {
  // All copies share the environment, an instance of a class in the copy that was loaded first. A copy that was loaded later is noticed by
  // the classes of the backends that it started.
  const isFirst = tf.env() instanceof tf.Environment;
  const backends: readonly unknown[] = Object.values(tf.engine().registry);
  if (isFirst && backends.every((backend) => backend instanceof tf.KernelBackend)) return;
  throw createError({
    kind: 'engine',
    path: '@tensorflow/tfjs-core',
    expected: 'one copy of the package in the process',
    received: `a second copy${isFirst ? '' : `, version ${tf.version_core}`}`,
    advice:
      'Run npm dedupe. If two copies remain, install the same version of every @tensorflow package (npm ls @tensorflow/tfjs-core lists them).',
  });
}
