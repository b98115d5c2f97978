import { createError } from '../../../core/errors/errors.js';
import type { Initializer, OnnxNode } from '../../../formats/onnxModel.js';
import type { KernelCall, Trace, TracedTensor } from '../../../tensor/trace/tracer.js';
import {
  convertLayout,
  type Layout,
  NCHW_TO_NHWC,
  NHWC_TO_NCHW,
  preservesLayout,
} from '../ops/context/layout.js';
import { opRegistry } from '../ops/opRegistry.js';
import { simplifyTrace } from '../trace/simplifyTrace.js';

/**
 * What an operation's mapping may use. Values are names; images are in TensorFlow.js's own layout unless another is asked
 * for. A mapping may turn its images and turn them back: what undoes another turn is not written.
 */
export interface LoweringContext {
  readonly call: KernelCall;
  /** Channels in a block of the layout `blocked`; undefined where the graph must not have it. */
  readonly channelBlock: number | undefined;
  /** An image in a layout. */
  getImage(name: string, layout: Layout): string;
  /** Says that `value` is an image in a layout; returns it. */
  markLayout(value: string, layout: Layout): string;
  /** The value of an input, in the shape the kernel saw. */
  getInput(name: string): string;
  /** The same, or undefined where the kernel was not given it. */
  getOptionalInput(name: string): string | undefined;
  /** The value of an input with its axes in another order; a constant is turned here and now. */
  transposeInput(name: string, order: readonly number[]): string;
  getAttribute<V>(name: string): V;
  addNode(operation: string, inputs: readonly string[], attributes?: OnnxNode['attributes']): string;
  /** The same for an operation with several outputs. */
  addMultiOutputNode(
    operation: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'],
    outputs: number,
  ): readonly string[];
  addFloats(values: readonly number[], shape?: readonly number[]): string;
  addIntegers(values: readonly number[]): string;
  /** The shape of the kernel's first output, for a Reshape: the size that depends on the batch is left to it. */
  addOutputShape(): string;
}

/** A recording as ONNX nodes. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
}

/** For whom a graph is made. */
export interface LoweringOptions {
  /**
   * Channels in a block, as {@link findChannelBlock} finds it for the ONNX Runtime that will run the graph: images are then
   * held in blocks and convolved there. Left out, the graph has ONNX's own layout.
   */
  readonly channelBlock?: number | undefined;
}

/**
 * The graph of a recorded pass. `twin` is the same pass on another number of images: sizes in which the two differ stay
 * free. `inputs` and `outputs` get the names given, every other leaf is a constant.
 *
 * @throws `engine` fault for a kernel without a mapping.
 */
export function lowerTrace(
  recording: Trace<unknown>,
  twin: Trace<unknown>,
  inputs: readonly { readonly name: string; readonly tensor: TracedTensor }[],
  outputs: readonly { readonly name: string; readonly tensor: TracedTensor }[],
  { channelBlock: block }: LoweringOptions = {},
): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, Initializer>();
  let count = 0;
  const fresh = () => `v${count++}`;
  /** By identity, shape and layout: tensors that share their numbers may differ in shape. */
  const values = new Map<object, Map<string, Map<Layout, string>>>();
  const laidOut = new Map<string, Layout>();
  /** What a value was turned from, when it is an image turned back. */
  const turned = new Map<string, string>();
  const given = new Set<object>(inputs.map(({ tensor }) => tensor.id));
  const twins = pairShapes(recording.calls, twin.calls);
  const { calls, resolveId } = simplifyTrace(recording.calls, twins);
  const keep = (
    { id, shape }: TracedTensor,
    value: string,
    layout: Layout = laidOut.get(value) ?? 'last',
  ) => {
    if (!values.has(id)) values.set(id, new Map());
    const shapes = values.get(id)!;
    const key = shape.join();
    if (!shapes.has(key)) shapes.set(key, new Map());
    shapes.get(key)!.set(layout, value);
    const source = turned.get(value);
    if (source !== undefined && shape.length === 4) shapes.get(key)!.set('first', source);
  };
  const emitAll = (
    opType: string,
    from: readonly string[],
    attributes: OnnxNode['attributes'],
    size: number,
  ): readonly string[] => {
    const made = Array.from({ length: size }, fresh);
    nodes.push({ opType, inputs: from, outputs: made, attributes });
    if (opType === 'Transpose' && String(attributes.perm) === NCHW_TO_NHWC.join()) {
      turned.set(made[0]!, from[0]!);
    }
    return made;
  };
  const emit = (operation: string, from: readonly string[], attributes: OnnxNode['attributes'] = {}) =>
    emitAll(operation, from, attributes, 1)[0]!;
  const constant = (data: Initializer['data'], shape: readonly number[]) => {
    // Short ones once: equal nodes on equal names are one to ONNX Runtime.
    const key = data.length > 8 ? fresh() : `${data.constructor.name}[${shape}]${data}`;
    const name = constants.get(key)?.name ?? `c${count++}`;
    constants.set(key, { name, shape, data });
    return name;
  };
  const addIntegers = (list: readonly number[]) => constant(BigInt64Array.from(list, BigInt), [list.length]);
  const shapeValue = ({ shape }: TracedTensor, other: readonly number[] = shape) =>
    addIntegers(shape.map((size, axis) => (size === other[axis] ? size : -1)));
  const leafValue = (tensor: TracedTensor): string => {
    const leaf = Float32Array.from(recording.leaves.get(tensor.id)!);
    const other = twins.get(tensor) ?? tensor.shape;
    if (other.join() === tensor.shape.join()) return constant(leaf, tensor.shape);
    // One number throughout, as many times as the batch wants.
    const sizes = tensor.shape.map((size, axis) =>
      size === other[axis]
        ? addIntegers([size])
        : emit('Mul', [batchSize(), addIntegers([size / batch()!.count])]),
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
  const batchSize = () => emit('Slice', [emit('Shape', [batch()!.name]), addIntegers([0]), addIntegers([1])]);
  /** The numbers of a constant that is the same for every batch. */
  const leafOf = (tensor: TracedTensor) => {
    const fixed = twins.get(tensor)?.join() === tensor.shape.join();
    return given.has(tensor.id) || !fixed ? undefined : recording.leaves.get(tensor.id);
  };
  const valueFor = (tensor: TracedTensor, layout: Layout = 'last'): string => {
    const known = values.get(tensor.id);
    const same = known?.get(tensor.shape.join());
    const ready = same?.get(layout);
    if (ready !== undefined) return ready;
    const value = make(tensor, layout, known, same);
    keep(tensor, value, layout);
    return value;
  };
  const make = (
    tensor: TracedTensor,
    layout: Layout,
    known: Map<string, Map<Layout, string>> | undefined,
    same: Map<Layout, string> | undefined,
  ): string => {
    if (same) {
      const from = (['blocked', 'first', 'last'] as const).find((one) => same.has(one))!;
      return convertLayout({ addNode: emit }, same.get(from)!, from, layout, tensor.shape[3]!);
    }
    if (layout !== 'last') {
      const leaf = leafOf(tensor);
      if (!leaf || layout === 'blocked') {
        return convertLayout({ addNode: emit }, valueFor(tensor), 'last', layout, tensor.shape[3]!);
      }
      return constant(
        transposeValues(leaf, tensor.shape, NHWC_TO_NCHW),
        permuteShape(tensor.shape, NHWC_TO_NCHW),
      );
    }
    if (!known) return leafValue(tensor);
    const [shape] = known.keys();
    const source = valueFor({ ...tensor, shape: shape === '' ? [] : shape!.split(',').map(Number) });
    return emit('Reshape', [source, shapeValue(tensor, twins.get(tensor))]);
  };
  for (const { name, tensor } of inputs) keep(tensor, name);
  for (const call of calls) {
    const map = opRegistry[call.kernel];
    if (!map) throw createUnsupportedOpError(call);
    const layout = chooseCallLayout(call, (tensor) => values.get(tensor.id)?.get(tensor.shape.join()));
    const getInput = (name: string) => {
      const tensor = call.inputs[name]!;
      return valueFor(tensor, tensor.shape.length === 4 ? layout : 'last');
    };
    const made = map({
      call,
      channelBlock: block,
      getImage: (name, as) => valueFor(call.inputs[name]!, as),
      markLayout: (value, as) => {
        laidOut.set(value, as);
        return value;
      },
      getInput,
      getOptionalInput: (name) => (call.inputs[name] ? getInput(name) : undefined),
      transposeInput: (name, order) => {
        const tensor = call.inputs[name]!;
        if (order.join() === NHWC_TO_NCHW.join()) return valueFor(tensor, 'first');
        const leaf = leafOf(tensor);
        if (!leaf) return emit('Transpose', [valueFor(tensor)], { perm: order });
        return constant(transposeValues(leaf, tensor.shape, order), permuteShape(tensor.shape, order));
      },
      getAttribute: <V>(name: string) => call.attributes[name] as V,
      addNode: emit,
      addMultiOutputNode: emitAll,
      addFloats: (list, shape = []) => constant(Float32Array.from(list), shape),
      addIntegers,
      addOutputShape: () => shapeValue(call.outputs[0]!, twins.get(call.outputs[0]!)),
    });
    const results = Array.isArray(made) ? made : [made as string];
    call.outputs.forEach((output, i) => {
      if (results[i] === undefined) return;
      if (layout === 'last') keep(output, results[i]);
      else keep(output, results[i], layout);
    });
  }
  for (const { name, tensor } of outputs) {
    const value = valueFor({ ...tensor, id: resolveId(tensor.id) });
    nodes.push({ opType: 'Identity', inputs: [value], outputs: [name], attributes: {} });
  }
  return pruneGraph(nodes, [...constants.values()], new Set(outputs.map(({ name }) => name)));
}

/** The layout in which most images of an element-wise kernel are there already; of every other kernel `last`. */
function chooseCallLayout(
  { kernel, inputs, outputs }: KernelCall,
  known: (tensor: TracedTensor) => ReadonlyMap<Layout, string> | undefined,
): Layout {
  const all = Object.values(inputs);
  if (!preservesLayout(kernel, all, outputs)) return 'last';
  const images = all.filter(({ shape }) => shape.length === 4);
  const having = (layout: Layout) => images.filter((image) => known(image)?.has(layout)).length;
  return (['first', 'blocked'] as const).reduce<Layout>(
    (best, next) => (having(next) > 0 && having(next) >= having(best) ? next : best),
    'last',
  );
}

/** What `results` depend on. */
function pruneGraph(
  nodes: readonly OnnxNode[],
  constants: readonly Initializer[],
  results: Set<string>,
): OnnxGraph {
  const used = new Set(results);
  const kept: OnnxNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    for (const input of node.inputs) used.add(input);
    kept.push(node);
  }
  return { nodes: kept.reverse(), initializers: constants.filter(({ name }) => used.has(name)) };
}

/** For every tensor of a recording, its shape in the other. */
function pairShapes(
  one: readonly KernelCall[],
  other: readonly KernelCall[],
): Map<TracedTensor, readonly number[]> {
  const twins = new Map<TracedTensor, readonly number[]>();
  one.forEach((call, i) => {
    const { inputs, outputs } = other[i]!;
    for (const [name, input] of Object.entries(call.inputs)) twins.set(input, inputs[name]!.shape);
    call.outputs.forEach((output, j) => void twins.set(output, outputs[j]!.shape));
  });
  return twins;
}

const permuteShape = (shape: readonly number[], order: readonly number[]) =>
  order.map((axis) => shape[axis]!);

/** Row-major numbers with their axes in another order. */
function transposeValues(
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
export const FALLBACK_ENGINES = 'engine wasm, native or cpu';

function createUnsupportedOpError({ kernel, scope, outputs }: KernelCall): Error {
  return createError({
    kind: 'engine',
    path: `operation ${kernel}${scope ? ` of ${scope}` : ''}`,
    expected: 'an operation that can be written as ONNX',
    received: `one that cannot, whose output is [${outputs[0]?.shape.join(', ')}]`,
    advice: `Write it in other operations, or use ${FALLBACK_ENGINES}, which run every one.`,
  });
}
