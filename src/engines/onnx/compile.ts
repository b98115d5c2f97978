import { fault, isMultitaskError } from '../../core/errors.js';
import type { Store } from '../../core/outside.js';
import { numbersIn } from '../../tensor/recorder.js';
import { agree } from './agree.js';
import { checkedOnce } from './cache.js';
import { channelBlock } from './channelBlock.js';
import { onnxBytes, type Port } from './format.js';
import { type GraphOptions, graphOf } from './graph.js';
import { openSession, type Runtime, type RuntimeTensor, runSession, runtimeTensor } from './runtime.js';
import { FAST, onThreads, TRAINING } from './sessionOptions.js';
import { type NamedSeen, type Pass, type RecordedPass, recordTwins, type Twins } from './twins.js';

/** What a user may say about ONNX Runtime. */
export interface OnnxSettings {
  /** Threads of a session; undefined where nobody knows how many the machine runs, which leaves it to the runtime. */
  readonly threads: number | undefined;
  /** Graphs that were found right before. */
  readonly cache: Store | undefined;
  /** Told what could not be kept. */
  readonly log?: ((line: string) => void) | undefined;
}

/** How a pass is compiled. */
export interface CompileOptions extends OnnxSettings {
  /** For messages: `the training step`. */
  readonly what: string;
  /** Examples in a batch, for a pass whose constants depend on them; others serve every size. */
  readonly count: number;
  /**
   * Outputs that both passes must agree on from end to end, and in which no number may be NaN; each with the lengths of the
   * vectors that it holds end to end.
   */
  readonly steady: { readonly [output: string]: readonly number[] };
}

/** A pass as a graph that was found right. */
export interface CompiledGraph {
  readonly bytes: Uint8Array;
  /** Whether it serves batches of any size. */
  readonly free: boolean;
}

/** A graph ready to run: arrays in by name, arrays out. */
export interface Compiled {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** @param outputs - Those that are wanted. */
  run(
    feeds: { readonly [name: string]: RuntimeTensor },
    outputs: readonly string[],
  ): Promise<{ readonly [name: string]: RuntimeTensor }>;
  release(): Promise<void>;
}

/** Of two examples batch normalisation leaves a gradient of rounding alone. */
const COUNTS = [3, 4] as const;
/** The first size of everything that has one entry an example, as a graph calls it. */
const BATCH = 'batch';
/** Of its length as a vector: near-ties may send a few per cent of a gradient elsewhere; what is wired wrongly is all off. */
const STEADY = 0.1;

/**
 * Records a pass twice, writes it as one ONNX graph, and trusts that graph when ONNX Runtime computes what TensorFlow.js did
 * in both. Three and four examples are recorded, which costs a fraction of a step, and the size of the batch stays free; a pass
 * that reads it in JavaScript is recorded on `count` examples, for that size alone.
 *
 * @throws `engine` fault naming operation and place for one that has no counterpart, draws or counts in JavaScript, or
 *   comes out otherwise; `number` fault for a pass that makes NaN of its first batch; `memory` fault for a graph too large.
 */
export async function compile(runtime: Runtime, pass: Pass, options: CompileOptions): Promise<CompiledGraph> {
  const twins = record(pass, options.count);
  for (const own of twins) checkNumbers(own, options);
  const layout = { block: await channelBlock(runtime) };
  const bytes = bytesOf(twins, layout);
  const { cache: store, log = () => {} } = options;
  await checkedOnce(store && { store, log }, bytes, runtime.label, async () => {
    await agree(runtime, twins, layout);
    await agreeInAll(runtime, bytes, twins, options);
  });
  return { bytes, free: twins[0].count !== twins[1].count };
}

/** Makes a graph ready for batches of `count`. */
export async function open(
  runtime: Runtime,
  bytes: Uint8Array,
  { what, count, threads }: Pick<CompileOptions, 'what' | 'count' | 'threads'>,
): Promise<Compiled> {
  const session = await openSession(runtime, bytes, what, {
    ...TRAINING,
    freeDimensionOverrides: { [BATCH]: count },
    ...onThreads(threads),
  });
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs) => runSession(runtime, session, what, feeds, outputs),
    release: () => session.release(),
  };
}

function record(pass: Pass, count: number): Twins {
  try {
    return recordTwins(pass, COUNTS, true);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return recordTwins(pass, [count, count], true);
  }
}

/** Throws a `number` fault when something steady is NaN, naming the first operation that made one. */
function checkNumbers({ recording, outputs }: RecordedPass, { steady, what }: CompileOptions): void {
  const broken = (id: object) => numbersIn(recording, id).some(Number.isNaN);
  if (!outputs.some(({ name, tensor }) => name in steady && broken(tensor.id))) return;
  const first = recording.calls.find((call) => call.outputs.some(({ id }) => broken(id)));
  throw fault({
    kind: 'number',
    path: what,
    expected: 'finite numbers from the first batch',
    received: first
      ? `NaN, first from operation ${first.kernel}${first.place ? ` of ${first.place}` : ''}`
      : 'NaN among its inputs',
    advice: 'Look at the labels and weights, lower the learning rate, or clip the gradients.',
  });
}

function bytesOf([one, other]: Twins, layout: GraphOptions): Uint8Array {
  const inputs = one.inputs.filter(({ tensor }) => one.recording.leaves.has(tensor.id));
  const graph = graphOf(one.recording, other.recording, inputs, one.outputs, layout);
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  return onnxBytes({
    ...graph,
    inputs: inputs.filter(({ name }) => used.has(name)).map((input) => portOf(input, other.inputs)),
    outputs: one.outputs.map((output) => portOf(output, other.outputs)),
    description: '',
    metadata: {},
  });
}

function portOf({ name, tensor }: NamedSeen, others: readonly NamedSeen[]): Port {
  const other = others.find((twin) => twin.name === name)!.tensor.shape;
  const shape = tensor.shape.map((size, axis) => (size === other[axis] ? size : BATCH));
  return { name, shape, description: '' };
}

/** Operations that agree one by one could still be put together wrongly. */
async function agreeInAll(
  runtime: Runtime,
  bytes: Uint8Array,
  twins: Twins,
  { what, steady }: CompileOptions,
) {
  const session = await openSession(runtime, bytes, what, FAST);
  try {
    for (const { recording, inputs, outputs } of twins) {
      const numbersOf = (id: object) => numbersIn(recording, id);
      const feeds = inputs
        .filter(({ name }) => session.inputNames.includes(name))
        .map(({ name, tensor: { id, shape } }) => [
          name,
          runtimeTensor(runtime, { shape, data: numbersOf(id) }),
        ]);
      const results = await runSession(runtime, session, what, Object.fromEntries(feeds));
      for (const { name, tensor } of outputs.filter((output) => output.name in steady)) {
        const off = distance(numbersOf(tensor.id), results[name]!.data, steady[name]!);
        if (!(off <= STEADY)) throw putTogetherWrongly(what, name, off);
      }
    }
  } finally {
    await session.release();
  }
}

/** A vector much shorter than the whole is rounding, where batch normalisation takes a bias away: this is its scale. */
const LEAST = 0.01;

/** The largest distance between vectors that lie end to end, each of its own length. */
function distance(wanted: Float32Array, received: Float32Array, lengths: readonly number[]): number {
  const norm = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
  const whole = norm(wanted);
  let at = 0;
  return lengths.reduce((most, length) => {
    const [own, other] = [wanted.subarray(at, at + length), received.subarray(at, at + length)];
    at += length;
    const off = norm(own.map((x, i) => x - other[i]!)) / Math.max(norm(own), LEAST * whole, 1e-30);
    return Number.isNaN(off) ? off : Math.max(most, off);
  }, 0);
}

function putTogetherWrongly(what: string, name: string, off: number) {
  return fault({
    kind: 'engine',
    path: `engine onnx: ${what}`,
    expected: 'the numbers of TensorFlow.js',
    received: `others in "${name}", by ${off.toPrecision(2)} of their length, though each operation agrees`,
    advice: 'Use engine "wasm" or "native", and tell the maintainers.',
  });
}
