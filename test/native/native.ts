/** The native engine for tests: where it does not load they are skipped, and say why. */
import { isMultitaskError, useEngine } from '../../src/entries/node.js';
import type { TensorFlowBackend } from '../../src/tensor/native/tensorflowOps.js';
import { tf } from '../../src/tensor/tf.js';

/** Why these tests cannot run, or undefined. With MULTITASK_NATIVE=required there is no such reason. */
export const reason = await useEngine('native').then(
  () => undefined,
  (error) => {
    if (!isMultitaskError(error) || process.env.MULTITASK_NATIVE === 'required') throw error;
    console.log(`native is not tested: ${error.message}`);
    return error.message;
  },
);

/** The operations of TensorFlow that `work` runs. */
export async function operationsOf(work: () => unknown): Promise<Set<string>> {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  const ran = new Set<string>();
  const own = backend.executeMultipleOutputs;
  backend.executeMultipleOutputs = (name, ...rest) => {
    ran.add(name);
    return own.call(backend, name, ...rest);
  };
  try {
    await work();
  } finally {
    backend.executeMultipleOutputs = own;
  }
  return ran;
}
