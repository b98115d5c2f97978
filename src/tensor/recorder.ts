import { tf } from './tf.js';

/** A tensor as a kernel saw it. Tensors that share `id` share their numbers, in the same order. */
export interface Seen {
  readonly id: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** One kernel that ran. */
export interface KernelCall {
  readonly kernel: string;
  readonly inputs: { readonly [name: string]: Seen };
  readonly attributes: { readonly [name: string]: unknown };
  readonly outputs: readonly Seen[];
}

/** What ran, in order, and the numbers of everything that was read without having been made by it. */
export interface Recording<R> {
  readonly result: R;
  readonly calls: readonly KernelCall[];
  readonly leaves: ReadonlyMap<object, ArrayLike<number>>;
}

/**
 * Runs `action` and writes down every kernel of the backend in use, outermost ones only: some call others. Kernels are
 * wrapped while it runs and stand as before afterwards. Needs a backend that reads synchronously (wasm, cpu, native).
 */
export function record<R>(action: () => R): Recording<R> {
  const backendName = tf.getBackend();
  const backend = tf.backend() as unknown as { readSync(id: object): ArrayLike<number> };
  const calls: KernelCall[] = [];
  const leaves = new Map<object, ArrayLike<number>>();
  const made = new Set<object>();
  let depth = 0;
  const kernels = tf.getKernelsForBackend(backendName);
  const swap = (changed: typeof kernels) => {
    for (const { kernelName } of kernels) tf.unregisterKernel(kernelName, backendName);
    for (const kernel of changed) tf.registerKernel(kernel);
  };
  const wrapped = kernels.map((kernel) => ({
    ...kernel,
    kernelFunc: ((parameters) => {
      depth++;
      try {
        const given = parameters.inputs as unknown as { [name: string]: tf.TensorInfo | undefined };
        if (depth === 1) {
          for (const input of Object.values(given)) {
            if (input && !made.has(input.dataId) && !leaves.has(input.dataId)) {
              leaves.set(input.dataId, Array.from(backend.readSync(input.dataId)));
            }
          }
        }
        const output = kernel.kernelFunc(parameters);
        if (depth === 1) {
          const outputs = (Array.isArray(output) ? output : [output]).map(seen);
          const inputs = Object.entries(given).flatMap(([name, input]) =>
            input ? [[name, seen(input)] as const] : [],
          );
          for (const { id } of outputs) if (!leaves.has(id)) made.add(id);
          const attributes = { ...(parameters.attrs as object | undefined) };
          calls.push({ kernel: kernel.kernelName, inputs: Object.fromEntries(inputs), attributes, outputs });
        }
        return output;
      } finally {
        depth--;
      }
    }) as typeof kernel.kernelFunc,
  }));
  swap(wrapped);
  try {
    return { result: action(), calls, leaves };
  } finally {
    swap(kernels);
  }
}

const seen = ({ dataId, shape, dtype }: tf.TensorInfo): Seen => ({ id: dataId, shape: [...shape], dtype });
