import { createError } from '../../core/errors/errors.js';
import type { NativePackage } from './findNativePackage.js';
import { runProgram } from './runProgram.js';

/** Information about a binding that was loaded successfully. */
export interface BindingInfo {
  /** Version of the TensorFlow libraries that the binding uses. */
  readonly tensorflow: string;
  /** Whether TensorFlow computes on a GPU. */
  readonly gpu: boolean;
}

/** Script that tests the binding. It runs in a separate process, because a broken binding can crash its process. */
const TEST_SCRIPT = `
const util = require('util');
util.isNullOrUndefined ??= (value) => value == null;
util.isArray ??= Array.isArray;
const tf = require(process.argv[1]);
const { binding, isUsingGpuDevice } = tf.backend();
const [product] = tf.matMul([[1, 2]], [[3], [4]]).dataSync();
if (tf.getBackend() !== 'tensorflow' || product !== 11) throw new Error('[1 2] x [3 4] gave ' + product);
console.log('\\n' + JSON.stringify({ tensorflow: binding.TF_Version, gpu: isUsingGpuDevice }));
`;

/**
 * Tests a native package: loads it in a new process and multiplies two matrices.
 *
 * @throws A `broken-package` error with the last lines of the error output if the test fails.
 */
export async function testBinding({ name, folder }: NativePackage): Promise<BindingInfo> {
  const { code, stdout, stderr } = await runProgram(process.execPath, ['-e', TEST_SCRIPT, folder]);
  if (code === 0) return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as BindingInfo;
  const lines = stderr.trimEnd().split('\n');
  throw createError({
    kind: 'broken-package',
    path: name,
    expected: 'a binding that loads and multiplies two matrices',
    received: `a binding that fails (${lines.find((line) => line.startsWith('Error:')) ?? lines.slice(-5).join('\n')})`,
    advice: 'Check that the TensorFlow installation still exists, and build the binding again.',
  });
}
