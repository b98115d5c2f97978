import { tf } from '../tf.js';

/** A tensor as a kernel saw it. Tensors that share `id` share their numbers, in the same order. */
export interface TracedTensor {
  readonly id: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** One kernel that ran. */
export interface KernelCall {
  readonly kernel: string;
  /** Where it belongs, as {@link within} said: a layer's name, or another word. Its gradients belong there too. */
  readonly scope: string | undefined;
  readonly inputs: { readonly [name: string]: TracedTensor };
  readonly attributes: { readonly [name: string]: unknown };
  readonly outputs: readonly TracedTensor[];
}

/** What ran, in order, and the numbers of everything that was read without having been made by it. */
export interface Trace<R> {
  readonly result: R;
  readonly calls: readonly KernelCall[];
  readonly leaves: ReadonlyMap<object, ArrayLike<number>>;
  /** The numbers of everything that was made, where they were asked for. */
  readonly intermediates: ReadonlyMap<object, ArrayLike<number>>;
}

/** The numbers of a tensor of a recording that kept what was made. */
export const getTracedValues = ({ intermediates, leaves }: Trace<unknown>, id: object): Float32Array =>
  Float32Array.from((intermediates.get(id) ?? leaves.get(id))!);

/** The places that contain what runs now, innermost last; undefined while nothing is recorded. */
let scopeStack: string[] | undefined;

/** Runs `action` as something that happens in `place`: recorded calls, and those of its gradient, say so. */
export function withScope<R>(place: string, action: () => R): R {
  return scopeStack ? runInScope(scopeStack, place, action, true) : action();
}

function runInScope<R>(stack: string[], place: string, action: () => R, forward: boolean): R {
  const tape = forward ? getActiveTape() : undefined;
  const from = tape?.length ?? 0;
  stack.push(place);
  try {
    return action();
  } finally {
    stack.pop();
    for (const node of tape?.slice(from) ?? []) {
      const { gradient } = node;
      if (!gradient || scopedGradients.has(gradient)) continue;
      const own: GradientFunction = (...all) =>
        scopeStack ? runInScope(scopeStack, place, () => gradient(...all), false) : gradient(...all);
      scopedGradients.add(own);
      node.gradient = own;
    }
  }
}

type GradientFunction = (...all: unknown[]) => unknown;
/** Gradients that know their place already: of nested places the innermost counts. */
const scopedGradients = new WeakSet<GradientFunction>();

function getActiveTape(): { gradient?: GradientFunction }[] | undefined {
  return (tf.engine() as unknown as { state: { activeTape?: { gradient?: GradientFunction }[] } }).state
    .activeTape;
}

/**
 * Runs `action` and writes down every kernel of the backend in use, outermost ones only: some call others. Kernels are
 * wrapped while it runs and stand as before afterwards. Needs a backend that reads synchronously (wasm, cpu, native).
 *
 * @param keep - Copies the numbers of everything that is made, too. Default false.
 */
export function trace<R>(action: () => R, { keep = false }: { readonly keep?: boolean } = {}): Trace<R> {
  const backendName = tf.getBackend();
  const backend = tf.backend() as unknown as {
    readSync(id: object): ArrayLike<number> & { slice(): ArrayLike<number> };
  };
  const read = (id: object) => backend.readSync(id).slice();
  const calls: KernelCall[] = [];
  const leaves = new Map<object, ArrayLike<number>>();
  const intermediates = new Map<object, ArrayLike<number>>();
  const known = new Set<object>();
  const stack: string[] = [];
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
            if (!input || known.has(input.dataId)) continue;
            known.add(input.dataId);
            leaves.set(input.dataId, read(input.dataId));
          }
        }
        const output = kernel.kernelFunc(parameters);
        if (depth === 1) {
          const outputs = (Array.isArray(output) ? output : [output]).map(toTracedTensor);
          const inputs = Object.entries(given).flatMap(([name, input]) =>
            input ? [[name, toTracedTensor(input)] as const] : [],
          );
          for (const { id } of outputs) {
            if (known.has(id)) continue;
            known.add(id);
            if (keep) intermediates.set(id, read(id));
          }
          calls.push({
            kernel: kernel.kernelName,
            scope: stack.at(-1),
            inputs: Object.fromEntries(inputs),
            attributes: { ...(parameters.attrs as object | undefined) },
            outputs,
          });
        }
        return output;
      } finally {
        depth--;
      }
    }) as typeof kernel.kernelFunc,
  }));
  swap(wrapped);
  scopeStack = stack;
  try {
    return { result: action(), calls, leaves, intermediates };
  } finally {
    scopeStack = undefined;
    swap(kernels);
  }
}

/** A tensor as a recording knows it. */
export const toTracedTensor = ({ dataId, shape, dtype }: tf.TensorInfo): TracedTensor => ({
  id: dataId,
  shape: [...shape],
  dtype,
});
