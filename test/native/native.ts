/** Starts the native engine for tests. If it fails to load, the tests are skipped with the reason. */

import * as tf from '@tensorflow/tfjs';
import { isMultitaskError, useEngine } from '../../src/entries/node.js';
import type { TensorFlowBackend } from '../../src/tensor/native/tensorflowOps.js';

/** Reason to skip the tests, or undefined. With MULTITASK_NATIVE=required, a failure to load is an error. */
export const skipReason = await useEngine('native').then(
  () => undefined,
  (error) => {
    if (!isMultitaskError(error) || process.env.MULTITASK_NATIVE === 'required') throw error;
    console.log(`native is not tested: ${error.message}`);
    return error.message;
  },
);

/** Returns the names of the TensorFlow operations that `action` runs. */
export async function recordOperations(action: () => unknown): Promise<Set<string>> {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  const operations = new Set<string>();
  const { executeMultipleOutputs } = backend;
  backend.executeMultipleOutputs = (name, ...rest) => {
    operations.add(name);
    return executeMultipleOutputs.call(backend, name, ...rest);
  };
  try {
    await action();
  } finally {
    backend.executeMultipleOutputs = executeMultipleOutputs;
  }
  return operations;
}
