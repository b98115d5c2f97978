import { createError } from '../../../core/errors/errors.js';
import { tf } from '../../../tensor/tf.js';
import {
  type KernelCall,
  type Trace,
  type TracedTensor,
  toTracedTensor,
  trace,
} from '../../../tensor/trace/tracer.js';
import { FALLBACK_ENGINES } from '../lower/traceLowering.js';

/** What a pass read and made, by name. */
export interface PassTensors {
  readonly inputs: { readonly [name: string]: tf.TensorInfo };
  /** Freed when their numbers are noted. */
  readonly outputs: { readonly [name: string]: tf.Tensor };
}

/**
 * A pure function of tensors as it is to be compiled: runs on `count` examples. Between `turn` 0 and 1 every number must
 * change that may ever change, labels, masks, rates and weights among them.
 */
export type TraceablePass = (count: number, turn: 0 | 1) => PassTensors;

/** One pass written down. */
export interface TracedPass {
  readonly trace: Trace<unknown>;
  readonly batchSize: number;
  readonly inputs: readonly NamedTracedTensor[];
  readonly outputs: readonly NamedTracedTensor[];
}

/** A tensor and its name. */
export interface NamedTracedTensor {
  readonly name: string;
  readonly tensor: TracedTensor;
}

/** The same pass, twice: what differs between them is not part of the graph. */
export type TracePair = readonly [TracedPass, TracedPass];

/**
 * Records a pass twice, on `counts` examples. Two different counts tell sizes that belong to the batch from others.
 *
 * @param keep - Copies what every operation made, for {@link verifyOps}.
 * @throws `engine` fault naming operation and place when the second did something else, or read other constants.
 */
export function tracePair(pass: TraceablePass, counts: readonly [number, number], keep: boolean): TracePair {
  const twins = counts.map((count, turn) => tracePass(pass, count, turn as 0 | 1, keep)) as [
    TracedPass,
    TracedPass,
  ];
  checkSameTrace(...twins);
  return twins;
}

function tracePass(pass: TraceablePass, batchSize: number, turn: 0 | 1, keep: boolean): TracedPass {
  let inputs: NamedTracedTensor[] = [];
  let outputs: NamedTracedTensor[] = [];
  const tracedKernels = trace(
    () =>
      tf.tidy(() => {
        const tensors = pass(batchSize, turn);
        inputs = toNamedTracedTensors(tensors.inputs);
        outputs = toNamedTracedTensors(tensors.outputs);
        tf.dispose({ ...tensors.outputs }); // some are kept beyond this scope
      }),
    { keep },
  );
  return { trace: tracedKernels, batchSize, inputs, outputs };
}

const toNamedTracedTensors = (tensors: PassTensors['inputs']): NamedTracedTensor[] =>
  Object.entries(tensors).map(([name, tensor]) => ({ name, tensor: toTracedTensor(tensor) }));

/** Throws unless both passes ran the same operations with the same attributes on the same constants. */
function checkSameTrace(one: TracedPass, other: TracedPass): void {
  const declared = [one, other].map(({ inputs }) => new Set(inputs.map(({ tensor }) => tensor.id)));
  const leafOf = (pass: TracedPass, i: number, { id }: TracedTensor) =>
    declared[i]!.has(id) ? undefined : pass.trace.leaves.get(id);
  const [calls, others] = [one.trace.calls, other.trace.calls];
  const longest = Math.max(calls.length, others.length);
  for (let i = 0; i < longest; i++) {
    const [call, twin] = [calls[i], others[i]];
    if (!call || !twin || call.kernel !== twin.kernel)
      throw createTraceMismatchError((call ?? twin)!, 'another operation');
    if (!isDeepEqual(getGraphAttributes(call), getGraphAttributes(twin)))
      throw createTraceMismatchError(call, 'other attributes');
    for (const [name, input] of Object.entries(call.inputs)) {
      const twinInput = twin.inputs[name];
      if (!twinInput) throw createTraceMismatchError(call, 'other inputs');
      const [leaf, twinLeaf] = [leafOf(one, 0, input), leafOf(other, 1, twinInput)];
      if (!leaf !== !twinLeaf || (leaf && twinLeaf && !isSameLeaf(leaf, twinLeaf))) {
        throw createTraceMismatchError(call, 'another constant');
      }
    }
  }
}

/** Equal numbers; or one number throughout, however often. */
function isSameLeaf(leaf: ArrayLike<number>, twin: ArrayLike<number>): boolean {
  const own = Array.from(leaf);
  if (leaf.length === twin.length) return own.every((value, i) => Object.is(value, twin[i]));
  return own.every((value) => value === twin[0]) && Array.from(twin).every((value) => value === leaf[0]);
}

/** The attributes that a graph would hold as they were the first time: sizes come from values elsewhere. */
function getGraphAttributes({ kernel, attributes, inputs, outputs }: KernelCall): unknown {
  switch (kernel) {
    case 'Reshape':
      return {};
    case 'Conv2DBackpropInput':
    case 'DepthwiseConv2dNativeBackpropInput':
      return { ...attributes, inputShape: (attributes.inputShape as number[]).slice(1) };
    case 'Slice': {
      // Of an axis taken whole nothing is written down.
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
  const [a, b] = [Object.entries(one), Object.entries(other)];
  return (
    a.length === b.length &&
    a.every(([key, value]) => isDeepEqual(value, (other as { [key: string]: unknown })[key]))
  );
}

function createTraceMismatchError({ kernel, scope: place }: KernelCall, received: string) {
  return createError({
    kind: 'engine',
    path: `operation ${kernel}${place ? ` of ${place}` : ''}`,
    expected: 'the same operations and constants for every batch, mask and rate',
    received: `${received} the second time`,
    advice: `Something there draws or counts in JavaScript, or reads numbers back: take it out, or use ${FALLBACK_ENGINES}.`,
  });
}
