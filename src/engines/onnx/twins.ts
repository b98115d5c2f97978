import { fault } from '../../core/errors.js';
import { type KernelCall, type Recording, record, type Seen, seen } from '../../tensor/recorder.js';
import { tf } from '../../tensor/tf.js';
import { ENGINES_FOR_ALL } from './graph.js';

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
export type Pass = (count: number, turn: 0 | 1) => PassTensors;

/** One pass written down. */
export interface RecordedPass {
  readonly recording: Recording<unknown>;
  readonly count: number;
  readonly inputs: readonly NamedSeen[];
  readonly outputs: readonly NamedSeen[];
}

/** A tensor and its name. */
export interface NamedSeen {
  readonly name: string;
  readonly tensor: Seen;
}

/** The same pass, twice: what differs between them is not part of the graph. */
export type Twins = readonly [RecordedPass, RecordedPass];

/**
 * Records a pass twice, on `counts` examples. Two different counts tell sizes that belong to the batch from others.
 *
 * @param keep - Copies what every operation made, for {@link agree}.
 * @throws `engine` fault naming operation and place when the second did something else, or read other constants.
 */
export function recordTwins(pass: Pass, counts: readonly [number, number], keep: boolean): Twins {
  const twins = counts.map((count, turn) => recordPass(pass, count, turn as 0 | 1, keep)) as [
    RecordedPass,
    RecordedPass,
  ];
  checkSame(...twins);
  return twins;
}

function recordPass(pass: Pass, count: number, turn: 0 | 1, keep: boolean): RecordedPass {
  let inputs: NamedSeen[] = [];
  let outputs: NamedSeen[] = [];
  const recording = record(
    () =>
      tf.tidy(() => {
        const tensors = pass(count, turn);
        inputs = named(tensors.inputs);
        outputs = named(tensors.outputs);
        tf.dispose({ ...tensors.outputs }); // some are kept beyond this scope
      }),
    { keep },
  );
  return { recording, count, inputs, outputs };
}

const named = (tensors: PassTensors['inputs']): NamedSeen[] =>
  Object.entries(tensors).map(([name, tensor]) => ({ name, tensor: seen(tensor) }));

/** Throws unless both passes ran the same operations with the same attributes on the same constants. */
function checkSame(one: RecordedPass, other: RecordedPass): void {
  const declared = [one, other].map(({ inputs }) => new Set(inputs.map(({ tensor }) => tensor.id)));
  const leafOf = (pass: RecordedPass, i: number, { id }: Seen) =>
    declared[i]!.has(id) ? undefined : pass.recording.leaves.get(id);
  const [calls, others] = [one.recording.calls, other.recording.calls];
  const longest = Math.max(calls.length, others.length);
  for (let i = 0; i < longest; i++) {
    const [call, twin] = [calls[i], others[i]];
    if (!call || !twin || call.kernel !== twin.kernel) throw differs((call ?? twin)!, 'another operation');
    if (!same(attributesOf(call), attributesOf(twin))) throw differs(call, 'other attributes');
    for (const [name, input] of Object.entries(call.inputs)) {
      const twinInput = twin.inputs[name];
      if (!twinInput) throw differs(call, 'other inputs');
      const [leaf, twinLeaf] = [leafOf(one, 0, input), leafOf(other, 1, twinInput)];
      if (!leaf !== !twinLeaf || (leaf && twinLeaf && !sameLeaf(leaf, twinLeaf))) {
        throw differs(call, 'another constant');
      }
    }
  }
}

/** Equal numbers; or one number throughout, however often. */
function sameLeaf(leaf: ArrayLike<number>, twin: ArrayLike<number>): boolean {
  const own = Array.from(leaf);
  if (leaf.length === twin.length) return own.every((value, i) => Object.is(value, twin[i]));
  return own.every((value) => value === twin[0]) && Array.from(twin).every((value) => value === leaf[0]);
}

/** The attributes that a graph would hold as they were the first time: sizes come from values elsewhere. */
function attributesOf({ kernel, attributes, inputs, outputs }: KernelCall): unknown {
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

function same(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
    return Object.is(one, other);
  }
  const [a, b] = [Object.entries(one), Object.entries(other)];
  return (
    a.length === b.length &&
    a.every(([key, value]) => same(value, (other as { [key: string]: unknown })[key]))
  );
}

function differs({ kernel, place }: KernelCall, received: string) {
  return fault({
    kind: 'engine',
    path: `operation ${kernel}${place ? ` of ${place}` : ''}`,
    expected: 'the same operations and constants for every batch, mask and rate',
    received: `${received} the second time`,
    advice: `Something there draws or counts in JavaScript, or reads numbers back: take it out, or use ${ENGINES_FOR_ALL}.`,
  });
}
