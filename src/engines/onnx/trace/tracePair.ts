import { tf } from '../../../tensor/tf.js';
import {
  type KernelCall,
  type Trace,
  type TracedTensor,
  type TraceOptions,
  toTracedTensor,
  trace,
} from '../../../tensor/trace/tracer.js';
import { createTraceMismatchError } from './callErrors.js';

/** The input and output tensors of one call of a {@link TraceablePass}, keyed by name. */
export interface PassTensors {
  readonly inputs: { readonly [name: string]: tf.TensorInfo };
  /** Output tensors. The tracer disposes of these tensors after it has read their values. */
  readonly outputs: { readonly [name: string]: tf.Tensor };
}

/**
 * A pure function of tensors that can be traced and compiled, such as a training step. The function creates its own inputs for `batchSize`
 * examples. Everything that can change between two runs of the compiled graph must differ between `variant` 0 and 1: images, labels,
 * dropout masks, learning rates and weights. A value that is equal in both variants becomes a constant.
 */
export type TraceablePass = (batchSize: number, variant: 0 | 1) => PassTensors;

/** One trace of a {@link TraceablePass}, with its inputs and outputs. */
export interface TracedPass {
  readonly trace: Trace<unknown>;
  readonly batchSize: number;
  readonly variant: 0 | 1;
  /** Inputs that the function read. */
  readonly inputs: readonly NamedTracedTensor[];
  readonly outputs: readonly NamedTracedTensor[];
}

/** A traced tensor together with its input or output name. */
export interface NamedTracedTensor {
  readonly name: string;
  readonly tensor: TracedTensor;
}

/** Two traces of the same {@link TraceablePass}. Every value that differs between them must be a graph input or depend on graph inputs. */
export type TracePair = readonly [TracedPass, TracedPass];

/**
 * Traces a function twice, once per batch size. If the two batch sizes differ, comparing the traces shows which tensor sizes depend on the
 * batch size.
 *
 * @throws `engine` error that names the operation and its layer if the second trace contains different operations or constants.
 */
export function tracePair(
  pass: TraceablePass,
  batchSizes: readonly [number, number],
  options: TraceOptions,
): TracePair {
  const pair: TracePair = [
    tracePass(pass, batchSizes[0], 0, options),
    tracePass(pass, batchSizes[1], 1, options),
  ];
  checkSameTrace(...pair);
  return pair;
}

/** Options for {@link tracePass}. */
export interface TracePassOptions extends TraceOptions {
  /** Names of the outputs whose values the trace contains. Default: none. */
  readonly valuedOutputs?: readonly string[];
}

/** Traces a function once. */
export function tracePass(
  pass: TraceablePass,
  batchSize: number,
  variant: 0 | 1,
  { valuedOutputs = [], ...options }: TracePassOptions = {},
): TracedPass {
  let inputs: NamedTracedTensor[] = [];
  let outputs: NamedTracedTensor[] = [];
  const outputValues: (readonly [id: object, values: Float32Array])[] = [];
  const tracedKernels = trace(
    () =>
      tf.tidy(() => {
        const tensors = pass(batchSize, variant);
        inputs = toNamedTracedTensors(tensors.inputs);
        outputs = toNamedTracedTensors(tensors.outputs);
        for (const name of valuedOutputs) {
          const output = tensors.outputs[name];
          if (output) outputValues.push([output.dataId, output.dataSync<'float32'>()]);
        }
        tf.dispose({ ...tensors.outputs }); // tf.tidy() does not dispose of outputs that were protected with tf.keep().
      }),
    options,
  );
  for (const [id, values] of outputValues) tracedKernels.intermediates.set(id, values);
  return {
    trace: tracedKernels,
    batchSize,
    variant,
    inputs: inputs.filter(({ tensor }) => tracedKernels.leaves.has(tensor.id)),
    outputs,
  };
}

/** Removes the values of inputs and of intermediate results from a trace, to free their memory. The values of constants remain. */
export function dropValues(pass: TracedPass): void {
  const { leaves, intermediates } = pass.trace;
  intermediates.clear();
  for (const id of getInputIds(pass)) leaves.delete(id);
}

/** Returns the ids of the tensors that the function receives. All other leaves of the trace become constants of the ONNX graph. */
export const getInputIds = ({ inputs }: TracedPass): ReadonlySet<object> =>
  new Set(inputs.map(({ tensor }) => tensor.id));

const toNamedTracedTensors = (tensors: PassTensors['inputs']): NamedTracedTensor[] =>
  Object.entries(tensors).map(([name, tensor]) => ({ name, tensor: toTracedTensor(tensor) }));

/** Throws an `engine` error unless both traces contain the same operations with the same attributes and constants. */
export function checkSameTrace(first: TracedPass, second: TracedPass): void {
  const findFirstLeaf = createLeafFinder(first);
  const findSecondLeaf = createLeafFinder(second);
  const [calls, otherCalls] = [first.trace.calls, second.trace.calls];
  const length = Math.max(calls.length, otherCalls.length);
  for (let i = 0; i < length; i++) {
    const [call, other] = [calls[i], otherCalls[i]];
    if (!call || !other || call.kernel !== other.kernel)
      throw createTraceMismatchError((call ?? other)!, 'a different operation');
    if (!isDeepEqual(getGraphAttributes(call), getGraphAttributes(other)))
      throw createTraceMismatchError(call, 'different attributes');
    for (const [name, input] of Object.entries(call.inputs)) {
      const otherInput = other.inputs[name];
      if (!otherInput) throw createTraceMismatchError(call, 'an operation on different tensors');
      const [leaf, otherLeaf] = [findFirstLeaf(input), findSecondLeaf(otherInput)];
      if (!leaf !== !otherLeaf || (leaf && otherLeaf && !isSameLeaf(leaf, otherLeaf))) {
        throw createTraceMismatchError(call, 'a different constant');
      }
    }
  }
}

/** Creates a function that returns the values of a tensor if the tensor becomes a constant of the ONNX graph, otherwise undefined. */
function createLeafFinder(pass: TracedPass) {
  const inputIds = getInputIds(pass);
  return ({ id }: TracedTensor) => (inputIds.has(id) ? undefined : pass.trace.leaves.get(id));
}

/**
 * Returns whether two constants are equal. Constants whose size depends on the batch size are equal if all of their elements are the same
 * number.
 */
function isSameLeaf(leaf: ArrayLike<number>, otherLeaf: ArrayLike<number>): boolean {
  const values = Array.from(leaf);
  if (leaf.length === otherLeaf.length) return values.every((value, i) => Object.is(value, otherLeaf[i]));
  return (
    values.every((value) => value === otherLeaf[0]) &&
    Array.from(otherLeaf).every((value) => value === leaf[0])
  );
}

/**
 * Returns the attributes of a kernel call that become constants of the ONNX graph. Sizes that the graph computes from its inputs are
 * omitted, because they may depend on the batch size.
 */
function getGraphAttributes({ kernel, attributes, inputs, outputs }: KernelCall): unknown {
  switch (kernel) {
    case 'Reshape':
      return {};
    case 'Conv2DBackpropInput':
    case 'DepthwiseConv2dNativeBackpropInput':
      return { ...attributes, inputShape: (attributes.inputShape as number[]).slice(1) };
    case 'Slice': {
      // Axes that are not sliced may have any size, because the ONNX node omits them.
      const begin = [attributes.begin].flat();
      return outputs[0]!.shape.map((size, axis) =>
        size === inputs.x!.shape[axis] ? 'whole' : [begin[axis], size],
      );
    }
    default:
      return attributes;
  }
}

function isDeepEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
    return Object.is(one, other);
  }
  const [entries, otherEntries] = [Object.entries(one), Object.entries(other)];
  return (
    entries.length === otherEntries.length &&
    entries.every(([key, value]) => isDeepEqual(value, (other as { [key: string]: unknown })[key]))
  );
}
