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
  /** Where it belongs, as {@link within} said: a layer's name, or another word. Its gradients belong there too. */
  readonly place: string | undefined;
  readonly inputs: { readonly [name: string]: Seen };
  readonly attributes: { readonly [name: string]: unknown };
  readonly outputs: readonly Seen[];
}

/** What ran, in order, and the numbers of everything that was read without having been made by it. */
export interface Recording<R> {
  readonly result: R;
  readonly calls: readonly KernelCall[];
  readonly leaves: ReadonlyMap<object, ArrayLike<number>>;
  /** The numbers of everything that was made, where they were asked for. */
  readonly made: ReadonlyMap<object, ArrayLike<number>>;
}

/** The numbers of a tensor of a recording that kept what was made. */
export const numbersIn = ({ made, leaves }: Recording<unknown>, id: object): Float32Array =>
  Float32Array.from((made.get(id) ?? leaves.get(id))!);

/** The places that contain what runs now, innermost last; undefined while nothing is recorded. */
let places: string[] | undefined;

/** Runs `action` as something that happens in `place`: recorded calls, and those of its gradient, say so. */
export function within<R>(place: string, action: () => R): R {
  return places ? inside(places, place, action, true) : action();
}

function inside<R>(stack: string[], place: string, action: () => R, forward: boolean): R {
  const tape = forward ? tapeOf() : undefined;
  const from = tape?.length ?? 0;
  stack.push(place);
  try {
    return action();
  } finally {
    stack.pop();
    for (const node of tape?.slice(from) ?? []) {
      const { gradient } = node;
      if (!gradient || placed.has(gradient)) continue;
      const own: Gradient = (...all) =>
        places ? inside(places, place, () => gradient(...all), false) : gradient(...all);
      placed.add(own);
      node.gradient = own;
    }
  }
}

type Gradient = (...all: unknown[]) => unknown;
/** Gradients that know their place already: of nested places the innermost counts. */
const placed = new WeakSet<Gradient>();

function tapeOf(): { gradient?: Gradient }[] | undefined {
  return (tf.engine() as unknown as { state: { activeTape?: { gradient?: Gradient }[] } }).state.activeTape;
}

/**
 * Runs `action` and writes down every kernel of the backend in use, outermost ones only: some call others. Kernels are
 * wrapped while it runs and stand as before afterwards. Needs a backend that reads synchronously (wasm, cpu, native).
 *
 * @param keep - Copies the numbers of everything that is made, too. Default false.
 */
export function record<R>(action: () => R, { keep = false }: { readonly keep?: boolean } = {}): Recording<R> {
  const backendName = tf.getBackend();
  const backend = tf.backend() as unknown as {
    readSync(id: object): ArrayLike<number> & { slice(): ArrayLike<number> };
  };
  const read = (id: object) => backend.readSync(id).slice();
  const calls: KernelCall[] = [];
  const leaves = new Map<object, ArrayLike<number>>();
  const made = new Map<object, ArrayLike<number>>();
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
          const outputs = (Array.isArray(output) ? output : [output]).map(seen);
          const inputs = Object.entries(given).flatMap(([name, input]) =>
            input ? [[name, seen(input)] as const] : [],
          );
          for (const { id } of outputs) {
            if (known.has(id)) continue;
            known.add(id);
            if (keep) made.set(id, read(id));
          }
          calls.push({
            kernel: kernel.kernelName,
            place: stack.at(-1),
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
  places = stack;
  try {
    return { result: action(), calls, leaves, made };
  } finally {
    places = undefined;
    swap(kernels);
  }
}

/** A tensor as a recording knows it. */
export const seen = ({ dataId, shape, dtype }: tf.TensorInfo): Seen => ({
  id: dataId,
  shape: [...shape],
  dtype,
});
