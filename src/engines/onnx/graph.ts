import { fault } from '../../core/errors.js';
import type { KernelCall, Recording, Seen } from '../../tensor/recorder.js';
import type { Constant, Node } from './format.js';
import { simplified } from './fusion.js';
import { FROM_ONNX, keepsLayout, type Layout, relaid, TO_ONNX } from './layout.js';
import { operations } from './operations.js';

/**
 * What an operation's mapping may use. Values are names; images are in TensorFlow.js's own layout unless another is asked
 * for. A mapping may turn its images and turn them back: what undoes another turn is not written.
 */
export interface Mapping {
  readonly call: KernelCall;
  /** Channels in a block of the layout `blocked`; undefined where the graph must not have it. */
  readonly block: number | undefined;
  /** An image in a layout. */
  image(name: string, layout: Layout): string;
  /** Says that `value` is an image in a layout; returns it. */
  laid(value: string, layout: Layout): string;
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

/** For whom a graph is made. */
export interface GraphOptions {
  /**
   * Channels in a block, as {@link channelBlock} finds it for the ONNX Runtime that will run the graph: images are then
   * held in blocks and convolved there. Left out, the graph has ONNX's own layout.
   */
  readonly block?: number | undefined;
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
  { block }: GraphOptions = {},
): OnnxGraph {
  const nodes: Node[] = [];
  const constants = new Map<string, Constant>();
  let count = 0;
  const fresh = () => `v${count++}`;
  /** By identity, shape and layout: tensors that share their numbers may differ in shape. */
  const values = new Map<object, Map<string, Map<Layout, string>>>();
  const laidOut = new Map<string, Layout>();
  /** What a value was turned from, when it is an image turned back. */
  const turned = new Map<string, string>();
  const given = new Set<object>(inputs.map(({ tensor }) => tensor.id));
  const twins = twinsOf(recording.calls, twin.calls);
  const { calls, root } = simplified(recording.calls, twins);
  const keep = ({ id, shape }: Seen, value: string, layout: Layout = laidOut.get(value) ?? 'last') => {
    if (!values.has(id)) values.set(id, new Map());
    const shapes = values.get(id)!;
    const key = shape.join();
    if (!shapes.has(key)) shapes.set(key, new Map());
    shapes.get(key)!.set(layout, value);
    const source = turned.get(value);
    if (source !== undefined && shape.length === 4) shapes.get(key)!.set('first', source);
  };
  const emitAll = (
    operation: string,
    from: readonly string[],
    attributes: Node['attributes'],
    size: number,
  ): readonly string[] => {
    const made = Array.from({ length: size }, fresh);
    nodes.push({ operation, inputs: from, outputs: made, attributes });
    if (operation === 'Transpose' && String(attributes.perm) === FROM_ONNX.join()) {
      turned.set(made[0]!, from[0]!);
    }
    return made;
  };
  const emit = (operation: string, from: readonly string[], attributes: Node['attributes'] = {}) =>
    emitAll(operation, from, attributes, 1)[0]!;
  const constant = (data: Constant['data'], shape: readonly number[]) => {
    // Short ones once: equal nodes on equal names are one to ONNX Runtime.
    const key = data.length > 8 ? fresh() : `${data.constructor.name}[${shape}]${data}`;
    const name = constants.get(key)?.name ?? `c${count++}`;
    constants.set(key, { name, shape, data });
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
  /** The numbers of a constant that is the same for every batch. */
  const leafOf = (tensor: Seen) => {
    const fixed = twins.get(tensor)?.join() === tensor.shape.join();
    return given.has(tensor.id) || !fixed ? undefined : recording.leaves.get(tensor.id);
  };
  const valueFor = (tensor: Seen, layout: Layout = 'last'): string => {
    const known = values.get(tensor.id);
    const same = known?.get(tensor.shape.join());
    const ready = same?.get(layout);
    if (ready !== undefined) return ready;
    const value = make(tensor, layout, known, same);
    keep(tensor, value, layout);
    return value;
  };
  const make = (
    tensor: Seen,
    layout: Layout,
    known: Map<string, Map<Layout, string>> | undefined,
    same: Map<Layout, string> | undefined,
  ): string => {
    if (same) {
      const from = (['blocked', 'first', 'last'] as const).find((one) => same.has(one))!;
      return relaid({ node: emit }, same.get(from)!, from, layout, tensor.shape[3]!);
    }
    if (layout !== 'last') {
      const leaf = leafOf(tensor);
      if (!leaf || layout === 'blocked') {
        return relaid({ node: emit }, valueFor(tensor), 'last', layout, tensor.shape[3]!);
      }
      return constant(transpose(leaf, tensor.shape, TO_ONNX), sized(tensor.shape, TO_ONNX));
    }
    if (!known) return leafValue(tensor);
    const [shape] = known.keys();
    const source = valueFor({ ...tensor, shape: shape === '' ? [] : shape!.split(',').map(Number) });
    return emit('Reshape', [source, shapeValue(tensor, twins.get(tensor))]);
  };
  for (const { name, tensor } of inputs) keep(tensor, name);
  for (const call of calls) {
    const map = operations[call.kernel];
    if (!map) throw unmapped(call);
    const layout = layoutFor(call, (tensor) => values.get(tensor.id)?.get(tensor.shape.join()));
    const input = (name: string) => {
      const tensor = call.inputs[name]!;
      return valueFor(tensor, tensor.shape.length === 4 ? layout : 'last');
    };
    const made = map({
      call,
      block,
      image: (name, as) => valueFor(call.inputs[name]!, as),
      laid: (value, as) => {
        laidOut.set(value, as);
        return value;
      },
      input,
      optional: (name) => (call.inputs[name] ? input(name) : undefined),
      transposed: (name, order) => {
        const tensor = call.inputs[name]!;
        if (order.join() === TO_ONNX.join()) return valueFor(tensor, 'first');
        const leaf = leafOf(tensor);
        if (!leaf) return emit('Transpose', [valueFor(tensor)], { perm: order });
        return constant(transpose(leaf, tensor.shape, order), sized(tensor.shape, order));
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
      if (results[i] === undefined) return;
      if (layout === 'last') keep(output, results[i]);
      else keep(output, results[i], layout);
    });
  }
  for (const { name, tensor } of outputs) {
    const value = valueFor({ ...tensor, id: root(tensor.id) });
    nodes.push({ operation: 'Identity', inputs: [value], outputs: [name], attributes: {} });
  }
  return needed(nodes, [...constants.values()], new Set(outputs.map(({ name }) => name)));
}

/** The layout in which most images of an element-wise kernel are there already; of every other kernel `last`. */
function layoutFor(
  { kernel, inputs, outputs }: KernelCall,
  known: (tensor: Seen) => ReadonlyMap<Layout, string> | undefined,
): Layout {
  const all = Object.values(inputs);
  if (!keepsLayout(kernel, all, outputs)) return 'last';
  const images = all.filter(({ shape }) => shape.length === 4);
  const having = (layout: Layout) => images.filter((image) => known(image)?.has(layout)).length;
  return (['first', 'blocked'] as const).reduce<Layout>(
    (best, next) => (having(next) > 0 && having(next) >= having(best) ? next : best),
    'last',
  );
}

/** What `results` depend on. */
function needed(nodes: readonly Node[], constants: readonly Constant[], results: Set<string>): OnnxGraph {
  const used = new Set(results);
  const kept: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    for (const input of node.inputs) used.add(input);
    kept.push(node);
  }
  return { nodes: kept.reverse(), constants: constants.filter(({ name }) => used.has(name)) };
}

/** For every tensor of a recording, its shape in the other. */
function twinsOf(one: readonly KernelCall[], other: readonly KernelCall[]): Map<Seen, readonly number[]> {
  const twins = new Map<Seen, readonly number[]>();
  one.forEach((call, i) => {
    const { inputs, outputs } = other[i]!;
    for (const [name, input] of Object.entries(call.inputs)) twins.set(input, inputs[name]!.shape);
    call.outputs.forEach((output, j) => void twins.set(output, outputs[j]!.shape));
  });
  return twins;
}

const sized = (shape: readonly number[], order: readonly number[]) => order.map((axis) => shape[axis]!);

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
