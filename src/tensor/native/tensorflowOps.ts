import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** Internal members of tfjs-node's backend that the kernels of this library use. */
export interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly [constant: `TF_${string}`]: number };
  executeMultipleOutputs(
    operation: string,
    attributes: readonly { readonly name: string; readonly type: number; readonly value: unknown }[],
    inputs: readonly tf.TensorInfo[],
    outputCount: number,
  ): Tensor[];
}

/** Attribute of a TensorFlow operation. Lists of strings or types require the native binding built by `build-native`. */
type OpAttribute = readonly [kind: 'INT' | 'FLOAT' | 'BOOL' | 'STRING' | 'TYPE', value: unknown];

/** Creates an attribute for a TensorFlow operation: an integer or a list of integers. */
export const intAttribute = (value: number | readonly number[]): OpAttribute => ['INT', value];
/** Creates an attribute for a TensorFlow operation: a float. */
export const floatAttribute = (value: number): OpAttribute => ['FLOAT', value];
/** Creates an attribute for a TensorFlow operation: a boolean. */
export const boolAttribute = (value: boolean): OpAttribute => ['BOOL', value];
/** Creates an attribute for a TensorFlow operation: a string or a list of strings. */
export const stringAttribute = (value: string | readonly string[]): OpAttribute => ['STRING', value];
/** Creates an attribute for a TensorFlow operation: the type float32, or a list that contains it `count` times. */
export const float32TypeAttribute = (count?: number): OpAttribute => ['TYPE', count];

/** Attributes that every oneDNN operation requires when it is run by name. The names of oneDNN operations begin with `_MklNative`. */
export const ONEDNN_ATTRIBUTES: { readonly [name: string]: OpAttribute } = {
  _kernel: stringAttribute('MklNameChangeOp'),
};

/** Returns the active backend, which must be that of tfjs-node. */
export const getTensorFlowBackend = () => tf.backend() as unknown as TensorFlowBackend;

/** Runs a TensorFlow operation by name. The caller must dispose of the outputs. */
export function runOp(
  name: string,
  inputs: readonly tf.TensorInfo[],
  attributes: { readonly [name: string]: OpAttribute },
  outputCount = 1,
): Tensor[] {
  const backend = getTensorFlowBackend();
  const attributeList = Object.entries(attributes).map(([name, [kind, value]]) => ({
    name,
    type: backend.binding[`TF_ATTR_${kind}`]!,
    value: kind === 'TYPE' ? toFloatType(backend, value as number | undefined) : value,
  }));
  return backend.executeMultipleOutputs(name, attributeList, inputs, outputCount);
}

function toFloatType({ binding }: TensorFlowBackend, count: number | undefined): number | number[] {
  return count === undefined ? binding.TF_FLOAT! : new Array<number>(count).fill(binding.TF_FLOAT!);
}

/**
 * Returns whether `run` succeeds and computes the expected values. TensorFlow builds differ in their operations, and operations whose names
 * begin with `_` can change in any version, so each operation is tested once before it is used.
 */
export function returnsExpectedValues(expected: readonly number[], run: () => Tensor): boolean {
  return tf.tidy(() => {
    try {
      const values = run().dataSync();
      // The tolerance allows for rounding, which affects only the last digits. A wrong result differs in the first digit.
      return (
        values.length === expected.length && expected.every((value, i) => Math.abs(value - values[i]!) < 1e-3)
      );
    } catch {
      return false;
    }
  });
}

type RunKernel = (inputs: { readonly [name: string]: tf.TensorInfo }, attributes: any) => Tensor | Tensor[];

/** Registers a kernel for the backend of tfjs-node. Tensors that `run` creates but does not return are disposed of. */
export function registerNativeKernel(kernelName: string, run: RunKernel): void {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => run(inputs as never, attrs)) as never,
  });
}
