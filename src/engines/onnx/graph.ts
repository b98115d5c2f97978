import { fault } from '../../core/errors.js';
import type { KernelCall, Recording, Seen } from '../../tensor/recorder.js';
import type { Constant, Node } from './format.js';
import { operations } from './operations.js';

/** What an operation's mapping may use. Values are names; tensors are in TensorFlow.js's own layout. */
export interface Mapping {
  readonly call: KernelCall;
  /** The value of an input, in the shape the kernel saw. */
  input(name: string): string;
  /** The same, or undefined where the kernel was not given it. */
  optional(name: string): string | undefined;
  /** The value of an input with its axes in another order; a constant is turned here and now. */
  transposed(name: string, order: readonly number[]): string;
  attribute<V>(name: string): V;
  node(operation: string, inputs: readonly string[], attributes?: Node['attributes']): string;
  /** The same for an operation with several outputs. */
  nodes(
    operation: string,
    inputs: readonly string[],
    attributes: Node['attributes'],
    outputs: number,
  ): readonly string[];
  floats(values: readonly number[], shape?: readonly number[]): string;
  integers(values: readonly number[]): string;
  /** The shape of the kernel's first output, for a Reshape: the size that depends on the batch is left to it. */
  outputShape(): string;
}

/** A recording as ONNX nodes. */
export interface OnnxGraph {
  readonly nodes: readonly Node[];
  readonly constants: readonly Constant[];
}

/**
 * The graph of a recorded pass. `twin` is the same pass on another number of images: sizes in which the two differ stay
 * free. `inputs` and `outputs` get the names given, every other leaf is a constant.
 *
 * @throws `engine` fault for a kernel without a mapping.
 */
export function graphOf(
  recording: Recording<unknown>,
  twin: Recording<unknown>,
  inputs: readonly { readonly name: string; readonly tensor: Seen }[],
  outputs: readonly { readonly name: string; readonly tensor: Seen }[],
): OnnxGraph {
  const nodes: Node[] = [];
  const constants: Constant[] = [];
  let made = 0;
  const fresh = () => `v${made++}`;
  /** By identity and shape: tensors that share their numbers may differ in shape. */
  const values = new Map<object, Map<string, string>>();
  const given = new Set<object>(inputs.map(({ tensor }) => tensor.id));
  const twins = twinsOf(recording, twin);
  const keep = ({ id, shape }: Seen, value: string) => {
    if (!values.has(id)) values.set(id, new Map());
    values.get(id)!.set(shape.join(), value);
  };
  const emitAll = (
    operation: string,
    from: readonly string[],
    attributes: Node['attributes'],
    size: number,
  ): readonly string[] => {
    const made = Array.from({ length: size }, fresh);
    nodes.push({ operation, inputs: from, outputs: made, attributes });
    return made;
  };
  const emit = (operation: string, from: readonly string[], attributes: Node['attributes'] = {}) =>
    emitAll(operation, from, attributes, 1)[0]!;
  const constant = (data: Constant['data'], shape: readonly number[]) => {
    const name = `c${made++}`;
    constants.push({ name, shape, data });
    return name;
  };
  const integers = (list: readonly number[]) => constant(BigInt64Array.from(list, BigInt), [list.length]);
  const shapeValue = ({ shape }: Seen, other: readonly number[] = shape) =>
    integers(shape.map((size, axis) => (size === other[axis] ? size : -1)));
  const leafValue = (tensor: Seen): string => {
    const leaf = Float32Array.from(recording.leaves.get(tensor.id)!);
    const other = twins.get(tensor) ?? tensor.shape;
    if (other.join() === tensor.shape.join()) return constant(leaf, tensor.shape);
    // One number throughout, as many times as the batch wants.
    const sizes = tensor.shape.map((size, axis) =>
      size === other[axis] ? integers([size]) : emit('Mul', [batchSize(), integers([size / batch()!.count])]),
    );
    return emit('Expand', [constant(leaf.slice(0, 1), []), emit('Concat', sizes, { axis: 0 })]);
  };
  /** An input whose first size is the number of examples, and that number here. */
  const batch = () => {
    for (const { inputs: own } of recording.calls) {
      const tensor = Object.values(own).find((t) => given.has(t.id) && twins.get(t)![0] !== t.shape[0]);
      const name = tensor && inputs.find((input) => input.tensor.id === tensor.id)!.name;
      if (name !== undefined) return { name, count: tensor!.shape[0]! };
    }
    return undefined;
  };
  /** How many examples there are, as a list of one. */
  const batchSize = () => emit('Slice', [emit('Shape', [batch()!.name]), integers([0]), integers([1])]);
  const valueFor = (tensor: Seen): string => {
    const known = values.get(tensor.id);
    const same = known?.get(tensor.shape.join());
    if (same !== undefined) return same;
    const value = known
      ? emit('Reshape', [[...known.values()][0]!, shapeValue(tensor, twins.get(tensor))])
      : leafValue(tensor);
    keep(tensor, value);
    return value;
  };
  for (const { name, tensor } of inputs) keep(tensor, name);
  for (const call of recording.calls) {
    const map = operations[call.kernel];
    if (!map) throw unmapped(call);
    const made = map({
      call,
      input: (name) => valueFor(call.inputs[name]!),
      optional: (name) => (call.inputs[name] ? valueFor(call.inputs[name]) : undefined),
      transposed: (name, order) => {
        const tensor = call.inputs[name]!;
        const leaf = given.has(tensor.id) ? undefined : recording.leaves.get(tensor.id);
        if (!leaf || twins.get(tensor)!.join() !== tensor.shape.join()) {
          return emit('Transpose', [valueFor(tensor)], { perm: order });
        }
        return constant(
          transpose(leaf, tensor.shape, order),
          order.map((axis) => tensor.shape[axis]!),
        );
      },
      attribute: <V>(name: string) => call.attributes[name] as V,
      node: emit,
      nodes: emitAll,
      floats: (list, shape = []) => constant(Float32Array.from(list), shape),
      integers,
      outputShape: () => shapeValue(call.outputs[0]!, twins.get(call.outputs[0]!)),
    });
    const results = Array.isArray(made) ? made : [made as string];
    call.outputs.forEach((output, i) => {
      if (results[i] !== undefined) keep(output, results[i]);
    });
  }
  for (const { name, tensor } of outputs) {
    nodes.push({ operation: 'Identity', inputs: [valueFor(tensor)], outputs: [name], attributes: {} });
  }
  return { nodes, constants };
}

/** For every tensor of a recording, its shape in the other. */
function twinsOf(one: Recording<unknown>, other: Recording<unknown>): Map<Seen, readonly number[]> {
  const twins = new Map<Seen, readonly number[]>();
  one.calls.forEach((call, i) => {
    const { inputs, outputs } = other.calls[i]!;
    for (const [name, input] of Object.entries(call.inputs)) twins.set(input, inputs[name]!.shape);
    call.outputs.forEach((output, j) => void twins.set(output, outputs[j]!.shape));
  });
  return twins;
}

/** Row-major numbers with their axes in another order. */
function transpose(
  data: ArrayLike<number>,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const place = new Array<number>(sizes.length).fill(0);
  const result = new Float32Array(data.length);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++place[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
  }
  return result;
}

/** What runs every operation of TensorFlow.js, for advice. */
export const ENGINES_FOR_ALL = 'engine wasm, native or cpu';

function unmapped({ kernel, place, outputs }: KernelCall): Error {
  return fault({
    kind: 'engine',
    path: `operation ${kernel}${place ? ` of ${place}` : ''}`,
    expected: 'an operation that can be written as ONNX',
    received: `one that cannot, whose output is [${outputs[0]?.shape.join(', ')}]`,
    advice: `Write it in other operations, or use ${ENGINES_FOR_ALL}, which run every one.`,
  });
}
