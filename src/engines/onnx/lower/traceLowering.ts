import type { Initializer, OnnxGraph, OnnxNode } from '../../../formats/onnxModel.js';
import type { KernelCall, Trace, TracedTensor } from '../../../tensor/trace/tracer.js';
import {
  convertLayout,
  type Layout,
  NCHW_TO_NHWC,
  NHWC_TO_NCHW,
  preservesLayout,
  preservesZeros,
} from '../ops/context/layout.js';
import type { LoweringContext } from '../ops/context/loweringContext.js';
import { opRegistry } from '../ops/opRegistry.js';
import { createUnsupportedOpError } from '../trace/callErrors.js';
import type { NamedTracedTensor } from '../trace/tracePair.js';
import { fuseSums } from './fuseSums.js';
import { mergeEqualNodes } from './mergeEqualNodes.js';
import { pruneGraph } from './pruneGraph.js';
import { removeOutputCopies } from './removeOutputCopies.js';
import { type SimplifiedTrace, simplifyTrace } from './simplifyTrace.js';
import { permuteShape, transposeValues } from './transposeValues.js';

/** Options for lowering a trace. These options depend on the machine that will run the ONNX graph. */
export interface LoweringOptions {
  /**
   * Channels per block in ONNX Runtime's blocked memory layout, as returned by `findChannelBlock`. If set, images are stored and convolved
   * in this layout, which is faster. Default: the graph uses only standard ONNX operations and runs on any machine.
   */
  readonly channelBlock?: number | undefined;
  /**
   * Batch size that the graph is written for. Some operations are much faster if the graph contains the batch size as a number. Default: the
   * batch size of the graph is variable.
   */
  readonly batch?: GraphBatch | undefined;
}

/** Batch size of a graph that is written for one batch size. */
export interface GraphBatch {
  /** Number of examples per batch. */
  readonly size: number;
  /** Batch sizes of the trace that is lowered and of the other trace. They show how tensor sizes depend on the batch size. */
  readonly tracedSizes: readonly [number, number];
}

/**
 * Compiles a trace to an ONNX graph. `otherTrace` is a trace of the same function with another batch size: sizes that differ between the
 * two traces remain variable in the graph, unless the graph is written for one batch size. Every tensor that the trace reads, but that is not in `inputs`, becomes a constant.
 *
 * @throws `engine` error for a TensorFlow.js kernel that has no lowering.
 */
export function lowerTrace(
  trace: Trace<unknown>,
  otherTrace: Trace<unknown>,
  inputs: readonly NamedTracedTensor[],
  outputs: readonly NamedTracedTensor[],
  options: LoweringOptions = {},
): OnnxGraph {
  return new TraceLowering(trace, otherTrace, inputs, outputs, options).lower();
}

/** Names of the ONNX values that contain the same tensor in different memory layouts, keyed by layout. */
type LayoutValues = Map<Layout, string>;

/** Compiler that lowers one trace to an ONNX graph. Create one object per trace, and call {@link TraceLowering.lower} once. */
export class TraceLowering {
  readonly #trace: Trace<unknown>;
  readonly #inputs: readonly NamedTracedTensor[];
  readonly #outputs: readonly NamedTracedTensor[];
  readonly #channelBlock: number | undefined;
  readonly #batch: GraphBatch | undefined;
  readonly #inputIds: ReadonlySet<object>;
  /** The shape that each tensor of this trace has in the trace with the other batch size. */
  readonly #otherShapes: Map<TracedTensor, readonly number[]>;

  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, Initializer>();
  /**
   * ONNX values, keyed by tensor id, then by shape, then by memory layout. A tensor id can have several shapes, because reshaping a tensor
   * in TensorFlow.js does not change its id.
   */
  readonly #values = new Map<object, Map<string, LayoutValues>>();
  /** Memory layouts of ONNX values that are images, except channels-last ones. */
  readonly #markedLayouts = new Map<string, Layout>();
  /**
   * For each ONNX value that was transposed from channels-first to channels-last, the channels-first value. Reusing it saves a second
   * transpose.
   */
  readonly #transposeSources = new Map<string, string>();
  readonly #endpointNames: ReadonlySet<string>;
  #nameCount = 0;

  constructor(
    trace: Trace<unknown>,
    otherTrace: Trace<unknown>,
    inputs: readonly NamedTracedTensor[],
    outputs: readonly NamedTracedTensor[],
    { channelBlock, batch }: LoweringOptions,
  ) {
    this.#trace = trace;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#channelBlock = channelBlock;
    this.#batch = batch;
    this.#endpointNames = new Set([...inputs, ...outputs].map(({ name }) => name));
    this.#inputIds = new Set(inputs.map(({ tensor }) => tensor.id));
    this.#otherShapes = pairShapes(trace.calls, otherTrace.calls);
  }

  /** Compiles the trace and returns the ONNX graph. Can be called only once. */
  lower(): OnnxGraph {
    const simplified = this.#simplify();
    this.#bindInputs();
    for (const call of simplified.calls) this.#lowerCall(call);
    this.#bindOutputs(simplified);
    return this.#rewrite(this.#prune());
  }

  /** Step 1: removes copies from the trace and fuses calls. */
  #simplify(): SimplifiedTrace {
    const findFillValue = (tensor: TracedTensor) => {
      const values = this.#inputIds.has(tensor.id) ? undefined : this.#trace.leaves.get(tensor.id);
      const first = values?.[0];
      return values && Array.prototype.every.call(values, (value) => value === first) ? first : undefined;
    };
    return simplifyTrace(this.#trace.calls, this.#otherShapes, this.#batch && findFillValue);
  }

  /** Step 2: registers the graph inputs as the values of the input tensors. */
  #bindInputs(): void {
    for (const { name, tensor } of this.#inputs) this.#storeValue(tensor, name);
  }

  /** Step 3, for each kernel call: appends the ONNX nodes of the call and registers its outputs. */
  #lowerCall(call: KernelCall): void {
    const lowerOp = opRegistry[call.kernel];
    if (!lowerOp) throw createUnsupportedOpError(call);
    const layout = this.#chooseCallLayout(call);
    const result = lowerOp(this.#createContext(call, layout));
    const values = Array.isArray(result) ? result : [result as string];
    call.outputs.forEach((output, i) => {
      if (values[i] === undefined) return;
      if (layout === 'channelsLast') this.#storeValue(output, values[i]);
      else this.#storeValue(output, values[i], layout);
    });
  }

  /** Step 4: appends an Identity node for each graph output, which gives the output its name. */
  #bindOutputs({ resolveId }: SimplifiedTrace): void {
    for (const { name, tensor } of this.#outputs) {
      const value = this.#getValue({ ...tensor, id: resolveId(tensor.id) });
      this.#nodes.push({ opType: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    }
  }

  /** Step 5: removes all nodes that no graph output depends on, such as unused transposes. */
  #prune(): OnnxGraph {
    const graph = { nodes: this.#nodes, initializers: [...this.#initializers.values()] };
    return pruneGraph(
      graph,
      this.#outputs.map(({ name }) => name),
    );
  }

  /** Step 6: merges and fuses nodes, and removes copies of outputs. The copies are removed last, because merged nodes lose their names. */
  #rewrite(graph: OnnxGraph): OnnxGraph {
    const isBlocked = (value: string) => this.#markedLayouts.get(value) === 'blocked';
    return removeOutputCopies(
      fuseSums(mergeEqualNodes(graph), isBlocked),
      this.#outputs.map(({ name }) => name),
    );
  }

  /**
   * Chooses the memory layout in which a kernel call runs. An element-wise call runs in the layout in which most of its input images are
   * already available. Every other call runs in the channels-last layout.
   */
  #chooseCallLayout({ kernel, inputs, outputs }: KernelCall): Layout {
    const tensors = Object.values(inputs);
    if (!preservesLayout(kernel, tensors, outputs)) return 'channelsLast';
    const images = tensors.filter(({ shape }) => shape.length === 4);
    const block = this.#channelBlock;
    const isPadded = block !== undefined && outputs[0]!.shape[3]! % block !== 0;
    const countAvailable = (layout: Layout) =>
      layout === 'blocked' && isPadded && !preservesZeros(kernel, tensors)
        ? 0
        : images.filter((image) => this.#findValues(image)?.has(layout)).length;
    return (['channelsFirst', 'blocked'] as const).reduce<Layout>(
      (best, next) =>
        countAvailable(next) > 0 && countAvailable(next) >= countAvailable(best) ? next : best,
      'channelsLast',
    );
  }

  /**
   * Creates the context that the lowering of a kernel call receives. The context is a separate object of functions rather than `this`,
   * because lowerings destructure it.
   */
  #createContext(call: KernelCall, layout: Layout): LoweringContext {
    const getInput = (name: string) => {
      const tensor = call.inputs[name]!;
      return this.#getValue(tensor, tensor.shape.length === 4 ? layout : 'channelsLast');
    };
    return {
      call,
      channelBlock: this.#channelBlock,
      countExamples: (name) => this.#findShape(call.inputs[name]!)[0],
      getImage: (name, imageLayout) => this.#getValue(call.inputs[name]!, imageLayout),
      findImage: (name, imageLayout) => this.#findValues(call.inputs[name]!)?.get(imageLayout),
      markLayout: (value, imageLayout) => {
        this.#markedLayouts.set(value, imageLayout);
        return value;
      },
      getInput,
      getOptionalInput: (name) => (call.inputs[name] ? getInput(name) : undefined),
      transposeInput: (name, order) => this.#transpose(call.inputs[name]!, order),
      getAttribute: <V>(name: string) => call.attributes[name] as V,
      addNode: this.#addNode,
      addMultiOutputNode: this.#addMultiOutputNode,
      addFloats: (values, shape = []) => this.#addInitializer(Float32Array.from(values), shape),
      addIntegers: this.#addIntegers,
      addOutputShape: () => this.#addShape(call.outputs[0]!),
    };
  }

  readonly #addMultiOutputNode: LoweringContext['addMultiOutputNode'] = (
    opType,
    inputs,
    attributes,
    outputCount,
  ) => {
    const outputs = Array.from({ length: outputCount }, () => this.#createName('v'));
    this.#nodes.push({ opType, inputs, outputs, attributes });
    if (opType === 'Transpose' && String(attributes.perm) === NCHW_TO_NHWC.join()) {
      this.#transposeSources.set(outputs[0]!, inputs[0]!);
    }
    return outputs;
  };

  readonly #addNode: LoweringContext['addNode'] = (opType, inputs, attributes = {}) =>
    this.#addMultiOutputNode(opType, inputs, attributes, 1)[0]!;

  readonly #addIntegers = (values: readonly number[]): string =>
    this.#addInitializer(BigInt64Array.from(values, BigInt), [values.length]);

  /** Creates a name that no input or output of the graph has. A name such as `v0` or `c1` may already be the name of a layer or task. */
  #createName(prefix: 'v' | 'c'): string {
    const name = `${prefix}${this.#nameCount++}`;
    return this.#endpointNames.has(name) ? this.#createName(prefix) : name;
  }

  #addInitializer(data: Initializer['data'], shape: readonly number[]): string {
    // Equal short constants share one name, because ONNX Runtime merges equal nodes only if their inputs have the same names.
    const key = data.length > 8 ? this.#createName('v') : `${data.constructor.name}[${shape}]${data}`;
    const name = this.#initializers.get(key)?.name ?? this.#createName('c');
    this.#initializers.set(key, { name, shape, data });
    return name;
  }

  /** Returns the shape that a tensor has in the graph. A size that depends on the batch size of a variable graph is undefined. */
  #findShape(tensor: TracedTensor): readonly (number | undefined)[] {
    const otherShape = this.#otherShapes.get(tensor) ?? tensor.shape;
    return tensor.shape.map((size, axis) => resolveSize(size, otherShape[axis]!, this.#batch));
  }

  /**
   * Adds the shape of a tensor as a constant for Reshape. For a size that depends on a variable batch size, the constant contains -1, which
   * makes Reshape infer the size.
   */
  #addShape(tensor: TracedTensor): string {
    return this.#addIntegers(this.#findShape(tensor).map((size) => size ?? -1));
  }

  /** Adds a tensor that the trace reads but does not compute, as a constant. */
  #addLeaf(tensor: TracedTensor): string {
    const data = Float32Array.from(this.#trace.leaves.get(tensor.id)!);
    const otherShape = this.#otherShapes.get(tensor) ?? tensor.shape;
    if (otherShape.join() === tensor.shape.join()) return this.#addInitializer(data, tensor.shape);
    // If the size of a constant depends on the batch size, all of its elements are equal (see checkSameTrace), so a single element is
    // expanded to the size.
    if (this.#batch) {
      return this.#addNode('Expand', [this.#addInitializer(data.slice(0, 1), []), this.#addShape(tensor)]);
    }
    const sizes = tensor.shape.map((size, axis) =>
      size === otherShape[axis]
        ? this.#addIntegers([size])
        : this.#addNode('Mul', [
            this.#addBatchSize(),
            this.#addIntegers([size / this.#findBatchInput()!.batchSize]),
          ]),
    );
    return this.#addNode('Expand', [
      this.#addInitializer(data.slice(0, 1), []),
      this.#addNode('Concat', sizes, { axis: 0 }),
    ]);
  }

  /** Adds nodes that compute the batch size, as a one-dimensional value with one element. */
  #addBatchSize(): string {
    return this.#addNode('Slice', [
      this.#addNode('Shape', [this.#findBatchInput()!.name]),
      this.#addIntegers([0]),
      this.#addIntegers([1]),
    ]);
  }

  /** Finds a graph input whose first dimension is the batch size. Returns its name and the batch size of this trace. */
  #findBatchInput(): { readonly name: string; readonly batchSize: number } | undefined {
    for (const call of this.#trace.calls) {
      const tensor = Object.values(call.inputs).find(
        (input) => this.#inputIds.has(input.id) && this.#otherShapes.get(input)![0] !== input.shape[0],
      );
      const name = tensor && this.#inputs.find((input) => input.tensor.id === tensor.id)!.name;
      if (name !== undefined) return { name, batchSize: tensor!.shape[0]! };
    }
    return undefined;
  }

  /** Returns the data of a tensor if the tensor is a constant whose shape does not depend on the batch size, otherwise undefined. */
  #findConstant(tensor: TracedTensor): ArrayLike<number> | undefined {
    const isFixed = this.#otherShapes.get(tensor)?.join() === tensor.shape.join();
    return this.#inputIds.has(tensor.id) || !isFixed ? undefined : this.#trace.leaves.get(tensor.id);
  }

  #findValues(tensor: TracedTensor): LayoutValues | undefined {
    return this.#values.get(tensor.id)?.get(tensor.shape.join());
  }

  #storeValue(
    tensor: TracedTensor,
    value: string,
    layout: Layout = this.#markedLayouts.get(value) ?? 'channelsLast',
  ): void {
    const { id, shape } = tensor;
    if (layout !== 'channelsLast') this.#markedLayouts.set(value, layout);
    if (!this.#values.has(id)) this.#values.set(id, new Map());
    const shapes = this.#values.get(id)!;
    const key = shape.join();
    if (!shapes.has(key)) shapes.set(key, new Map());
    shapes.get(key)!.set(layout, value);
    const source = this.#transposeSources.get(value);
    if (source !== undefined && shape.length === 4) shapes.get(key)!.set('channelsFirst', source);
  }

  /**
   * Returns the name of the ONNX value that contains a tensor in a memory layout. Appends conversion nodes if the tensor is available only
   * in other layouts.
   */
  #getValue(tensor: TracedTensor, layout: Layout = 'channelsLast'): string {
    const available = this.#findValues(tensor)?.get(layout);
    if (available !== undefined) return available;
    const value = this.#createValue(tensor, layout);
    this.#storeValue(tensor, value, layout);
    return value;
  }

  #createValue(tensor: TracedTensor, layout: Layout): string {
    const layouts = this.#findValues(tensor);
    if (layouts) {
      const from = (['blocked', 'channelsFirst', 'channelsLast'] as const).find((other) =>
        layouts.has(other),
      )!;
      return this.#convertLayout(layouts.get(from)!, from, layout, tensor);
    }
    if (layout !== 'channelsLast') {
      const constant = this.#findConstant(tensor);
      if (!constant || layout === 'blocked') {
        return this.#convertLayout(this.#getValue(tensor), 'channelsLast', layout, tensor);
      }
      return this.#addTransposed(constant, tensor.shape, NHWC_TO_NCHW);
    }
    const shapes = this.#values.get(tensor.id);
    if (!shapes) return this.#addLeaf(tensor);
    const [shape] = shapes.keys();
    const source = this.#getValue({
      ...tensor,
      shape: shape === '' ? [] : shape!.split(',').map(Number),
    });
    return this.#addNode('Reshape', [source, this.#addShape(tensor)]);
  }

  #convertLayout(value: string, from: Layout, to: Layout, { shape }: TracedTensor): string {
    return convertLayout({ addNode: this.#addNode }, value, from, to, shape[3]!);
  }

  #transpose(tensor: TracedTensor, order: readonly number[]): string {
    if (order.join() === NHWC_TO_NCHW.join()) return this.#getValue(tensor, 'channelsFirst');
    const constant = this.#findConstant(tensor);
    if (!constant) return this.#addNode('Transpose', [this.#getValue(tensor)], { perm: order });
    return this.#addTransposed(constant, tensor.shape, order);
  }

  #addTransposed(data: ArrayLike<number>, shape: readonly number[], order: readonly number[]): string {
    return this.#addInitializer(transposeValues(data, shape, order), permuteShape(shape, order));
  }
}

/**
 * Returns the size of a tensor axis in a graph. `size` and `otherSize` are its sizes in the two traces. A size that depends on the batch
 * size grows linearly with it. The result is undefined if the size is variable.
 */
export function resolveSize(
  size: number,
  otherSize: number,
  batch: GraphBatch | undefined,
): number | undefined {
  if (size === otherSize) return size;
  if (!batch) return undefined;
  const [tracedSize, otherTracedSize] = batch.tracedSizes;
  return size + ((otherSize - size) / (otherTracedSize - tracedSize)) * (batch.size - tracedSize);
}

/** Returns the shape that each tensor of a trace has in another trace of the same function. */
function pairShapes(
  calls: readonly KernelCall[],
  otherCalls: readonly KernelCall[],
): Map<TracedTensor, readonly number[]> {
  const otherShapes = new Map<TracedTensor, readonly number[]>();
  calls.forEach((call, i) => {
    const other = otherCalls[i]!;
    for (const [name, input] of Object.entries(call.inputs)) {
      otherShapes.set(input, other.inputs[name]!.shape);
    }
    call.outputs.forEach((output, j) => void otherShapes.set(output, other.outputs[j]!.shape));
  });
  return otherShapes;
}
