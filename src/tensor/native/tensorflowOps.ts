import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** What our kernels use of the backend of tfjs-node. */
export interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly [constant: `TF_${string}`]: number };
  executeMultipleOutputs(
    operation: string,
    attributes: readonly { readonly name: string; readonly type: number; readonly value: unknown }[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): Tensor[];
}

/** An attribute of an operation; lists of text or of types need the binding that `build-native` makes. */
type OpAttribute = readonly [kind: 'INT' | 'FLOAT' | 'BOOL' | 'STRING' | 'TYPE', value: unknown];

export const intAttribute = (value: number | readonly number[]): OpAttribute => ['INT', value];
export const floatAttribute = (value: number): OpAttribute => ['FLOAT', value];
export const boolAttribute = (value: boolean): OpAttribute => ['BOOL', value];
export const stringAttribute = (value: string | readonly string[]): OpAttribute => ['STRING', value];
/** The type float32, or a list of as many of them. */
export const float32TypeAttribute = (count?: number): OpAttribute => ['TYPE', count];

/** What makes TensorFlow take one of its oneDNN kernels, whose operations begin with `_MklNative`, by name. */
export const ONEDNN_ATTRIBUTES: { readonly [name: string]: OpAttribute } = {
  _kernel: stringAttribute('MklNameChangeOp'),
};

/** The backend in use, which must be TensorFlow's. */
export const getTensorFlowBackend = () => tf.backend() as unknown as TensorFlowBackend;

/** Runs one of TensorFlow's operations by name. The caller owns the outputs. */
export function runOp(
  name: string,
  inputs: readonly tf.TensorInfo[],
  attributes: { readonly [name: string]: OpAttribute },
  outputs = 1,
): Tensor[] {
  const backend = getTensorFlowBackend();
  const listed = Object.entries(attributes).map(([name, [kind, value]]) => ({
    name,
    type: backend.binding[`TF_ATTR_${kind}`]!,
    value: kind === 'TYPE' ? toFloatType(backend, value as number | undefined) : value,
  }));
  return backend.executeMultipleOutputs(name, listed, inputs, outputs);
}

function toFloatType({ binding }: TensorFlowBackend, count: number | undefined): number | number[] {
  return count === undefined ? binding.TF_FLOAT! : new Array<number>(count).fill(binding.TF_FLOAT!);
}

/**
 * Whether this TensorFlow has an operation and it gives the numbers that it should. Builds differ in the operations
 * they bring, and those that begin with `_` are promised to nobody: each is tried once before it is used.
 */
export function returnsExpectedValues(expected: readonly number[], run: () => Tensor): boolean {
  return tf.tidy(() => {
    try {
      const numbers = run().dataSync();
      // A digit that differs is rounding; a wrong answer differs in the first.
      return numbers.length === expected.length && expected.every((n, i) => Math.abs(n - numbers[i]!) < 1e-3);
    } catch {
      return false;
    }
  });
}

type RunKernel = (inputs: { readonly [name: string]: tf.TensorInfo }, attributes: any) => Tensor | Tensor[];

/** Registers a kernel for TensorFlow's backend; whatever tensors it makes and does not return are disposed of. */
export function registerNativeKernel(kernelName: string, run: RunKernel): void {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => run(inputs as never, attrs)) as never,
  });
}

/** Registers `run` in front of the package's own kernel, which serves where `run` returns undefined. */
export function overrideNativeKernel(
  kernelName: string,
  run: (...given: Parameters<RunKernel>) => Tensor | undefined,
): void {
  const stock = tf.getKernel(kernelName, 'tensorflow');
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    ...stock,
    kernelFunc: (given) => tf.tidy(() => run(given.inputs as never, given.attrs)) ?? stock.kernelFunc(given),
  });
}
