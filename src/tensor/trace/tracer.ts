import { tf } from '../tf.js';
import { HeapLimiter } from './heapLimiter.js';

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
  readonly leaves: Map<object, ArrayLike<number>>;
  /**
   * Values of the tensors that the calls selected by {@link TraceOptions.selectCall} read or computed, keyed by tensor id. Empty if no call
   * was selected.
   */
  readonly intermediates: Map<object, ArrayLike<number>>;
}

/** Options for {@link trace}. */
export interface TraceOptions {
  /**
   * Called after each kernel call with the call and the number of earlier calls. If the function returns true, the trace contains the
   * values of the tensors that the call read and computed. Default: the trace contains no such values.
   */
  readonly selectCall?: (call: KernelCall, index: number) => boolean;
  /**
   * Whether to store tensors on the host while no kernel reads them, so that the heap of the backend stays small. The tensors that still
   * exist after the trace remain on the host until a kernel reads them. Default: false.
   */
  readonly limitsHeap?: boolean;
}

/** Returns the values of a tensor in a trace. The trace contains them if the tensor is a leaf, or belongs to a selected call. */
export function getTracedValues({ intermediates, leaves }: Trace<unknown>, id: object): Float32Array {
  const values = (intermediates.get(id) ?? leaves.get(id))!;
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

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
export function trace<R>(
  action: () => R,
  { selectCall = () => false, limitsHeap = false }: TraceOptions = {},
): Trace<R> {
  const backendName = tf.getBackend();
  const limiter = limitsHeap ? new HeapLimiter() : undefined;
  const backend = tf.backend() as unknown as {
    readSync(id: object): ArrayLike<number> & { slice(): ArrayLike<number> };
  };
  const readValues = (id: object) => limiter?.readValues(id) ?? backend.readSync(id).slice();
  const calls: KernelCall[] = [];
  const leaves = new Map<object, ArrayLike<number>>();
  const intermediates = new Map<object, ArrayLike<number>>();
  const seenIds = new WeakSet<object>();
  const stack: string[] = [];
  let depth = 0;
  const kernels = tf.getKernelsForBackend(backendName);
  const replaceKernels = (replacements: typeof kernels) => {
    for (const { kernelName } of kernels) tf.unregisterKernel(kernelName, backendName);
    for (const kernel of replacements) tf.registerKernel(kernel);
  };
  const runCall = (
    kernel: (typeof kernels)[number],
    parameters: Parameters<typeof kernel.kernelFunc>[0],
  ): ReturnType<typeof kernel.kernelFunc> => {
    const inputTensors = Object.entries(
      parameters.inputs as unknown as { [name: string]: tf.TensorInfo | undefined },
    ).flatMap(([name, input]) => (input ? [[name, input] as const] : []));
    for (const [, { dataId }] of inputTensors) {
      if (seenIds.has(dataId)) continue;
      seenIds.add(dataId);
      leaves.set(dataId, readValues(dataId));
    }
    limiter?.prepareCall(new Set(inputTensors.map(([, { dataId }]) => dataId)));
    const output = kernel.kernelFunc(parameters);
    const outputTensors = Array.isArray(output) ? output : [output];
    limiter?.recordUse([...inputTensors.map(([, input]) => input), ...outputTensors]);
    const call = {
      kernel: kernel.kernelName,
      scope: stack.at(-1),
      inputs: Object.fromEntries(inputTensors.map(([name, input]) => [name, toTracedTensor(input)])),
      attributes: { ...(parameters.attrs as object | undefined) },
      outputs: outputTensors.map(toTracedTensor),
    };
    for (const { id } of call.outputs) seenIds.add(id);
    if (selectCall(call, calls.length)) {
      for (const { id } of [...Object.values(call.inputs), ...call.outputs]) {
        if (!leaves.has(id) && !intermediates.has(id)) intermediates.set(id, readValues(id));
      }
    }
    calls.push(call);
    return output;
  };
  const tracingKernels = kernels.map((kernel) => ({
    ...kernel,
    kernelFunc: ((parameters) => {
      depth++;
      try {
        // If a kernel calls another kernel, only the outer call is recorded.
        return depth === 1 ? runCall(kernel, parameters) : kernel.kernelFunc(parameters);
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
    limiter?.stop();
  }
}

/** Converts the description of a tensor to the form that traces use. */
export const toTracedTensor = ({ dataId, shape, dtype }: tf.TensorInfo): TracedTensor => ({
  id: dataId,
  shape: [...shape],
  dtype,
});
