import { tf } from './tf.js';

/** Inputs of a kernel, keyed by name. */
export type KernelInputs = { readonly [name: string]: tf.TensorInfo };

/** What a replacement kernel can use in addition to its inputs and attributes. */
interface KernelContext {
  readonly backend: tf.KernelBackend;
  /** Runs the kernel that was replaced. */
  runStock(inputs: KernelInputs, attributes: object): tf.TensorInfo;
}

/**
 * Replaces a kernel of a backend with `run`. If `run` returns undefined, the stock kernel runs instead. Tensors that `run` creates but does
 * not return are disposed of.
 */
export function overrideKernel<A = object>(
  backendName: 'wasm' | 'tensorflow',
  kernelName: string,
  run: (inputs: KernelInputs, attributes: A, context: KernelContext) => tf.TensorInfo | undefined,
): void {
  const stock = tf.getKernel(kernelName, backendName)!;
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...stock,
    kernelFunc: (parameters) => {
      const backend = parameters.backend as tf.KernelBackend;
      const runStock = (inputs: KernelInputs, attributes: object) =>
        stock.kernelFunc({ inputs, attrs: attributes, backend } as never) as tf.TensorInfo;
      const result = tf.tidy(
        () => run(parameters.inputs as never, parameters.attrs as never, { backend, runStock }) as never,
      ) as tf.TensorInfo | undefined;
      return result ?? stock.kernelFunc(parameters);
    },
  });
}
