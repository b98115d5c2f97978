import { tf } from '../../../tensor/tf.js';
import {
  type KernelCall,
  type Trace,
  type TracedTensor,
  toTracedTensor,
  trace,
} from '../../../tensor/trace/tracer.js';
import { createTraceMismatchError } from './callErrors.js';

/** The input and output tensors of a pass, by name. */
export interface PassTensors {
  readonly inputs: { readonly [name: string]: tf.TensorInfo };
  /** Output tensors. The tracer disposes them after reading their values. */
  readonly outputs: { readonly [name: string]: tf.Tensor };
}

/**
 * A pure function of tensors that can be compiled. It runs on a batch of `batchSize` examples. Every value that can change between two
 * calls of the compiled graph must differ between `variant` 0 and 1: images, labels, masks, rates and weights.
 */
export type TraceablePass = (batchSize: number, variant: 0 | 1) => PassTensors;

/** A pass that was traced once. */
export interface TracedPass {
  readonly trace: Trace<unknown>;
  readonly batchSize: number;
  readonly inputs: readonly NamedTracedTensor[];
  readonly outputs: readonly NamedTracedTensor[];
}

/** A traced tensor and its name in the pass. */
export interface NamedTracedTensor {
  readonly name: string;
  readonly tensor: TracedTensor;
}

/** Two traces of one pass. Every value that differs between them must be an input of the graph or depend on the inputs. */
export type TracePair = readonly [TracedPass, TracedPass];

/**
 * Traces a pass twice, with two batch sizes. If the sizes differ, the traces show which tensor sizes depend on the batch.
 *
 * @param keepIntermediates - Whether to copy the output of every operation, which `verifyOps` requires.
 * @throws `engine` error with the operation and its layer if the second run performs different operations or reads different constants.
 */
export function tracePair(
  pass: TraceablePass,
  batchSizes: readonly [number, number],
  keepIntermediates: boolean,
): TracePair {
  const pair: TracePair = [
    tracePass(pass, batchSizes[0], 0, keepIntermediates),
    tracePass(pass, batchSizes[1], 1, keepIntermediates),
  ];
  checkSameTrace(...pair);
  return pair;
}

function tracePass(
  pass: TraceablePass,
  batchSize: number,
  variant: 0 | 1,
  keepIntermediates: boolean,
): TracedPass {
  let inputs: NamedTracedTensor[] = [];
  let outputs: NamedTracedTensor[] = [];
  const tracedKernels = trace(
    () =>
      tf.tidy(() => {
        const tensors = pass(batchSize, variant);
        inputs = toNamedTracedTensors(tensors.inputs);
        outputs = toNamedTracedTensors(tensors.outputs);
        tf.dispose({ ...tensors.outputs }); // tidy would not dispose outputs that the pass protected with tf.keep
      }),
    { keepIntermediates },
  );
  return { trace: tracedKernels, batchSize, inputs, outputs };
}

const toNamedTracedTensors = (tensors: PassTensors['inputs']): NamedTracedTensor[] =>
  Object.entries(tensors).map(([name, tensor]) => ({ name, tensor: toTracedTensor(tensor) }));

/** Throws unless both traces have the same operations with the same attributes and constants. */
function checkSameTrace(first: TracedPass, second: TracedPass): void {
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
      if (!otherInput) throw createTraceMismatchError(call, 'different inputs');
      const [leaf, otherLeaf] = [findFirstLeaf(input), findSecondLeaf(otherInput)];
      if (!leaf !== !otherLeaf || (leaf && otherLeaf && !isSameLeaf(leaf, otherLeaf))) {
        throw createTraceMismatchError(call, 'a different constant');
      }
    }
  }
}

/** Creates a function that returns the values of a tensor if it would become a constant of the graph, and undefined otherwise. */
function createLeafFinder({ inputs, trace: { leaves } }: TracedPass) {
  const inputIds = new Set(inputs.map(({ tensor }) => tensor.id));
  return ({ id }: TracedTensor) => (inputIds.has(id) ? undefined : leaves.get(id));
}

/** Returns whether two leaves have the same values or, if their sizes differ, whether all elements of both are the same number. */
function isSameLeaf(leaf: ArrayLike<number>, otherLeaf: ArrayLike<number>): boolean {
  const values = Array.from(leaf);
  if (leaf.length === otherLeaf.length) return values.every((value, i) => Object.is(value, otherLeaf[i]));
  return (
    values.every((value) => value === otherLeaf[0]) &&
    Array.from(otherLeaf).every((value) => value === leaf[0])
  );
}

/** Returns the attributes that become constants of the graph. Sizes that the graph derives from its inputs are omitted. */
function getGraphAttributes({ kernel, attributes, inputs, outputs }: KernelCall): unknown {
  switch (kernel) {
    case 'Reshape':
      return {};
    case 'Conv2DBackpropInput':
    case 'DepthwiseConv2dNativeBackpropInput':
      return { ...attributes, inputShape: (attributes.inputShape as number[]).slice(1) };
    case 'Slice': {
      // The node omits axes that are not sliced.
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
