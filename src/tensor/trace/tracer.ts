import { tf } from '../tf.js';

/**
 * Tensor in a trace, as it was when a kernel read or returned it. Tensors with the same `id` share their data, for example after a reshape.
 */
export interface TracedTensor {
  readonly id: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** Call of a backend kernel in a trace. */
export interface KernelCall {
  readonly kernel: string;
  /**
   * Innermost scope around the call, set with {@link withScope}, such as `layer trunk_conv1`. The kernel calls of the gradient have the
   * same scope.
   */
  readonly scope: string | undefined;
  readonly inputs: { readonly [name: string]: TracedTensor };
  readonly attributes: { readonly [name: string]: unknown };
  readonly outputs: readonly TracedTensor[];
}

/** Recording of the kernel calls during one run of a function. */
export interface Trace<R> {
  /** Return value of the function. */
  readonly result: R;
  /** Kernel calls in the order of their execution. */
  readonly calls: readonly KernelCall[];
  /** Values of the tensors that the traced function read but did not compute, such as weights and inputs, keyed by tensor id. */
  readonly leaves: ReadonlyMap<object, ArrayLike<number>>;
  /**
   * Values of the tensors that the kernel calls computed, keyed by tensor id. Empty unless {@link TraceOptions.keepIntermediates} is set.
   */
  readonly intermediates: ReadonlyMap<object, ArrayLike<number>>;
}

/** Options for {@link trace}. */
export interface TraceOptions {
  /** Whether to copy the values of every tensor that a kernel call computes. Default: false. */
  readonly keepIntermediates?: boolean;
}

/** Returns the values of a tensor in a trace that was recorded with {@link TraceOptions.keepIntermediates}. */
export const getTracedValues = ({ intermediates, leaves }: Trace<unknown>, id: object): Float32Array =>
  Float32Array.from((intermediates.get(id) ?? leaves.get(id))!);

/** Names of the scopes around the running code, innermost last. Undefined if no trace is being recorded. */
let scopeStack: string[] | undefined;

/**
 * Runs `action` in a named scope. Traces record the scope for the kernel calls of the action and of its gradient, so that errors can name
 * the layer.
 */
export function withScope<R>(scope: string, action: () => R): R {
  return scopeStack ? runInScope(scopeStack, scope, action, true) : action();
}

function runInScope<R>(stack: string[], scope: string, action: () => R, isForward: boolean): R {
  const tape = isForward ? getActiveTape() : undefined;
  const start = tape?.length ?? 0;
  stack.push(scope);
  try {
    return action();
  } finally {
    stack.pop();
    for (const node of tape?.slice(start) ?? []) {
      const { gradient } = node;
      if (!gradient || scopedGradients.has(gradient)) continue;
      const scopedGradient: GradientFunction = (...args) =>
        scopeStack ? runInScope(scopeStack, scope, () => gradient(...args), false) : gradient(...args);
      scopedGradients.add(scopedGradient);
      node.gradient = scopedGradient;
    }
  }
}

type GradientFunction = (...args: unknown[]) => unknown;
/** Gradient functions that already have a scope. With nested scopes, the innermost scope is set first and must not be replaced. */
const scopedGradients = new WeakSet<GradientFunction>();

function getActiveTape(): { gradient?: GradientFunction }[] | undefined {
  return (tf.engine() as unknown as { state: { activeTape?: { gradient?: GradientFunction }[] } }).state
    .activeTape;
}

/**
 * Runs `action` and records every kernel call of the active backend. If a kernel calls another kernel, only the outer call is recorded. The
 * kernels are wrapped while the action runs, and restored afterwards. The backend must read tensors synchronously (wasm, cpu, native).
 */
export function trace<R>(action: () => R, { keepIntermediates = false }: TraceOptions = {}): Trace<R> {
  const backendName = tf.getBackend();
  const backend = tf.backend() as unknown as {
    readSync(id: object): ArrayLike<number> & { slice(): ArrayLike<number> };
  };
  const readValues = (id: object) => backend.readSync(id).slice();
  const calls: KernelCall[] = [];
  const leaves = new Map<object, ArrayLike<number>>();
  const intermediates = new Map<object, ArrayLike<number>>();
  const seenIds = new Set<object>();
  const stack: string[] = [];
  let depth = 0;
  const kernels = tf.getKernelsForBackend(backendName);
  const replaceKernels = (replacements: typeof kernels) => {
    for (const { kernelName } of kernels) tf.unregisterKernel(kernelName, backendName);
    for (const kernel of replacements) tf.registerKernel(kernel);
  };
  const tracingKernels = kernels.map((kernel) => ({
    ...kernel,
    kernelFunc: ((parameters) => {
      depth++;
      try {
        const inputTensors = parameters.inputs as unknown as { [name: string]: tf.TensorInfo | undefined };
        if (depth === 1) {
          for (const input of Object.values(inputTensors)) {
            if (!input || seenIds.has(input.dataId)) continue;
            seenIds.add(input.dataId);
            leaves.set(input.dataId, readValues(input.dataId));
          }
        }
        const output = kernel.kernelFunc(parameters);
        if (depth === 1) {
          const outputs = (Array.isArray(output) ? output : [output]).map(toTracedTensor);
          const inputs = Object.entries(inputTensors).flatMap(([name, input]) =>
            input ? [[name, toTracedTensor(input)] as const] : [],
          );
          for (const { id } of outputs) {
            if (seenIds.has(id)) continue;
            seenIds.add(id);
            if (keepIntermediates) intermediates.set(id, readValues(id));
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
  replaceKernels(tracingKernels);
  scopeStack = stack;
  try {
    return { result: action(), calls, leaves, intermediates };
  } finally {
    scopeStack = undefined;
    replaceKernels(kernels);
  }
}

/** Converts the description of a tensor to the form that traces use. */
export const toTracedTensor = ({ dataId, shape, dtype }: tf.TensorInfo): TracedTensor => ({
  id: dataId,
  shape: [...shape],
  dtype,
});
