import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** The members of tfjs-node's backend that the kernels of this library use. */
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

/** An attribute of a TensorFlow operation. Lists of strings or types require the binding built by `build-native`. */
type OpAttribute = readonly [kind: 'INT' | 'FLOAT' | 'BOOL' | 'STRING' | 'TYPE', value: unknown];

/** Creates an integer attribute, or a list of integers. */
export const intAttribute = (value: number | readonly number[]): OpAttribute => ['INT', value];
/** Creates a float attribute. */
export const floatAttribute = (value: number): OpAttribute => ['FLOAT', value];
/** Creates a boolean attribute. */
export const boolAttribute = (value: boolean): OpAttribute => ['BOOL', value];
/** Creates a string attribute, or a list of strings. */
export const stringAttribute = (value: string | readonly string[]): OpAttribute => ['STRING', value];
/** Creates a type attribute of float32, or a list of `count` such types. */
export const float32TypeAttribute = (count?: number): OpAttribute => ['TYPE', count];

/** Attributes that TensorFlow requires for running a oneDNN operation by name. The names of such operations begin with `_MklNative`. */
export const ONEDNN_ATTRIBUTES: { readonly [name: string]: OpAttribute } = {
  _kernel: stringAttribute('MklNameChangeOp'),
};

/** Returns the backend in use, which must be TensorFlow's. */
export const getTensorFlowBackend = () => tf.backend() as unknown as TensorFlowBackend;

/** Runs a TensorFlow operation by name. The caller owns the outputs. */
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
      // Rounding changes only the last digits, but a wrong result already differs in the first.
      return (
        values.length === expected.length && expected.every((value, i) => Math.abs(value - values[i]!) < 1e-3)
      );
    } catch {
      return false;
    }
  });
}

type RunKernel = (inputs: { readonly [name: string]: tf.TensorInfo }, attributes: any) => Tensor | Tensor[];

/** Registers a kernel of TensorFlow's backend. Tensors that `run` creates but does not return are disposed. */
export function registerNativeKernel(kernelName: string, run: RunKernel): void {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => run(inputs as never, attrs)) as never,
  });
}

/** Overrides a kernel of the package with `run`. If `run` returns undefined, the package's kernel is used. */
export function overrideNativeKernel(
  kernelName: string,
  run: (...args: Parameters<RunKernel>) => Tensor | undefined,
): void {
  const stock = tf.getKernel(kernelName, 'tensorflow');
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    ...stock,
    kernelFunc: (parameters) =>
      tf.tidy(() => run(parameters.inputs as never, parameters.attrs)) ?? stock.kernelFunc(parameters),
  });
}
