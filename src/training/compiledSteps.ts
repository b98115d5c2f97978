import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { PixelRange } from '../core/images.js';
import { rng } from '../core/rng.js';
import {
  type Compiled,
  type CompiledGraph,
  compile,
  type OnnxSettings,
  open,
} from '../engines/onnx/compile.js';
import { type Runtime, type RuntimeTensor, runtimeTensor } from '../engines/onnx/runtime.js';
import type { NamedArray } from '../io/tensorFile.js';
import type { Weight } from '../layers/own/forward.js';
import type { Network } from '../models/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { type Arrays, inputName, maskArrays, stepInputsOf, tensorsOf } from './batch.js';
import { checkSlots } from './eagerSteps.js';
import {
  type StepKind,
  type StepOutputs,
  sizesOf,
  slotNames,
  trainedSize,
  trainedWeights,
  trainingStep,
} from './step.js';
import type { Steps } from './steps.js';
import { sumsLength } from './tally.js';
import { weightsOf } from './weights.js';

const SLOT = 'slot/';
const WEIGHT = 'weight/';
/** Not in a state: what a step tells beside it. */
const [SUMS, GRADIENT] = ['sums', 'gradient'];

/**
 * Steps that ONNX Runtime runs, each as one graph, compiled when the first batch of its size comes. Weights and slots go in
 * and come out; the model's variables follow on {@link Steps.settle}, and what is written to them goes into the next step.
 */
export function compiledSteps(
  runtime: Runtime,
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  settings: OnnxSettings,
): Steps {
  const slots = slotNames(optimizer);
  const trained = trainedWeights(network);
  const weights = new Map(weightsOf(network.graph).map((weight) => [WEIGHT + weight.originalName, weight]));
  /** What the steps work on, by name. */
  const state = new Map<string, RuntimeTensor>();
  /** The variables' numbers when they were last read or written here: others since then count. */
  const seen = new Map<Weight, object>();
  let stale = false;
  /** By kind, where the size of the batch is free. */
  const graphs = new Map<StepKind, CompiledGraph>();
  /** By kind and size of the batch. */
  const sessions = new Map<string, Compiled>();

  const readVariables = () => {
    for (const [name, weight] of weights) {
      const value = weight.read();
      if (seen.get(weight) === value.dataId) continue;
      const data = (value.dataSync() as Float32Array).slice();
      state.set(name, runtimeTensor(runtime, { shape: value.shape, data }));
      seen.set(weight, value.dataId);
    }
  };
  const writeVariables = (numbers: (own: Float32Array) => Float32Array = (own) => own) => {
    for (const [name, weight] of weights) {
      const { data, dims } = state.get(name)!;
      const value = tf.tensor(numbers(data), [...dims]);
      weight.write(value);
      value.dispose();
      seen.set(weight, weight.read().dataId);
    }
  };
  const putSlot = (name: string, data: Float32Array) =>
    state.set(SLOT + name, runtimeTensor(runtime, { shape: [data.length], data }));
  for (const name of slots) putSlot(name, new Float32Array(trainedSize(network)));

  const doors = network.graph.inputs.map(({ name }) => inputName(name));
  const countOf = (arrays: Arrays) => arrays[doors[0]!]!.shape[0]!;

  /** The step on the first examples of `arrays`; the second time on others, with everything else changed too. */
  const passOn = (kind: StepKind, arrays: Arrays) => (count: number, turn: 0 | 1) => {
    const own = jittered(rows(arrays, countOf(arrays), count), doors, network.input.range);
    const held = Object.fromEntries(slots.map((name) => [SLOT + name, arrayOf(state.get(SLOT + name)!)]));
    const batch = tensorsOf(turn === 0 ? own : otherBatch(network, doors, own, count));
    const before = tensorsOf(turn === 0 ? held : mapped(held, (x) => Math.abs(x) / 2 + 1e-4));
    try {
      if (turn === 1) writeVariables((numbers) => numbers.map((x) => x * 1.01 + 1e-3));
      const variables = Object.fromEntries(
        [...weights].map(([name, weight]) => [name, infoOf(weight.read())] as const),
      );
      const vectors = slots.map((name) => before[SLOT + name] as Tensor1D);
      const step = trainingStep(network, optimizer, lossWeights, kind, stepInputsOf(network, batch), vectors);
      for (const [name, weight] of weights) {
        if (weight.read().dataId !== variables[name]!.dataId) throw written(weight.originalName);
      }
      return { inputs: { ...batch, ...before, ...variables }, outputs: outputsOf(step) };
    } finally {
      writeVariables(); // as they were, whatever came between
    }
  };
  const outputsOf = (step: StepOutputs): { readonly [name: string]: Tensor } => ({
    [SUMS]: step.sums,
    [GRADIENT]: step.gradient,
    ...Object.fromEntries(
      step.weights.map((value, i) => [`new ${WEIGHT}${trained[i]!.originalName}`, value]),
    ),
    ...Object.fromEntries(
      step.moved.map(([weight, value]) => [`new ${WEIGHT}${weight.originalName}`, value]),
    ),
    ...Object.fromEntries(step.slots.map((value, i) => [`new ${SLOT}${slots[i]}`, value])),
  });

  const openFor = async (kind: StepKind, arrays: Arrays): Promise<Compiled> => {
    const count = countOf(arrays);
    const options = {
      ...settings,
      what: `the training step on ${count} images`,
      count,
      steady: { [SUMS]: [sumsLength(network)], [GRADIENT]: sizesOf(trained) },
    };
    let graph = graphs.get(kind);
    if (!graph) {
      settle();
      graph = await compile(runtime, passOn(kind, arrays), options);
      if (graph.free) graphs.set(kind, graph);
    }
    return open(runtime, graph.bytes, options);
  };

  const settle = () => {
    if (!stale) return;
    readVariables(); // what somebody wrote since the step counts
    writeVariables();
    stale = false;
  };

  return {
    step: async (kind, arrays) => {
      readVariables();
      const key = `${kind} ${countOf(arrays)}`;
      if (!sessions.has(key)) sessions.set(key, await openFor(kind, arrays));
      const { run, inputNames, outputNames } = sessions.get(key)!;
      const feeds = inputNames.map((name) => [
        name,
        name in arrays ? runtimeTensor(runtime, arrays[name]!) : state.get(name)!,
      ]);
      const wanted = outputNames.filter((name) => name !== GRADIENT);
      const results = await run(Object.fromEntries(feeds), wanted);
      for (const [name, value] of Object.entries(results)) {
        if (name.startsWith('new ')) state.set(name.slice(4), value);
      }
      stale = true;
      return results[SUMS]!.data;
    },
    settle,
    slots: async () =>
      Object.fromEntries(
        slots.map((name) => {
          const { data, dims } = state.get(SLOT + name)!;
          return [name, { shape: dims, data: data.slice() }];
        }),
      ),
    restore: (saved) => {
      checkSlots(saved, slots, trainedSize(network));
      for (const name of slots) putSlot(name, saved[name]!.data.slice());
    },
    dispose: () => {
      settle();
      for (const session of sessions.values()) session.release().catch(() => {}); // nobody runs it any more
      sessions.clear();
    },
  };
}

const arrayOf = ({ dims, data }: RuntimeTensor): NamedArray => ({ shape: dims, data });

/** `count` examples of a batch, from its beginning and round again: what has a first size of the batch is cut. */
function rows(arrays: Arrays, batch: number, count: number): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => {
      if (shape[0] !== batch || shape.length === 0) return [name, { shape, data }];
      const size = data.length / batch;
      const cut = new Float32Array(count * size);
      for (let i = 0; i < count; i++)
        cut.set(data.subarray((i % batch) * size, ((i % batch) + 1) * size), i * size);
      return [name, { shape: [count, ...shape.slice(1)], data: cut }];
    }),
  );
}

/**
 * What goes into the graph with some noise on it, a twentieth of its own spread. Of images of one colour batch normalisation
 * makes numbers that are zero but for rounding, and rounding then decides which relu is open.
 */
function jittered(arrays: Arrays, doors: readonly string[], [black, white]: PixelRange): Arrays {
  const random = rng(0, 'recorded images');
  const noisy = doors.map((name) => {
    const { shape, data } = arrays[name]!;
    const [least, most] = data.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    const spread = most > least ? most - least : white - black;
    return [name, { shape, data: data.map((x) => x + 0.05 * spread * (random.next() - 0.5)) }] as const;
  });
  return { ...arrays, ...Object.fromEntries(noisy) };
}

/** A graph would leave such a weight as it was. */
const written = (weight: string) =>
  fault({
    kind: 'engine',
    path: `weight ${weight}`,
    expected: 'a step that only reads the weights',
    received: 'a layer that writes one while it runs',
    advice: 'Keep what the layer counts outside of it, or use engine "wasm".',
  });

/** Other images under other labels, masks and rates. */
function otherBatch(network: Network, doors: readonly string[], arrays: Arrays, count: number): Arrays {
  const others = Object.entries(arrays).map(([name, array]) => {
    const { shape, data } = array;
    if (doors.includes(name)) return [name, { shape, data: data.slice().reverse() }] as const;
    if (shape.length === 0) return [name, { shape, data: data.map((x) => x * 0.75) }] as const;
    const first = data.length / count;
    const rolled = new Float32Array(data.length);
    rolled.set(data.subarray(first));
    rolled.set(data.subarray(0, first), data.length - first);
    return [name, { shape, data: rolled }] as const;
  });
  return { ...Object.fromEntries(others), ...maskArrays(network, count, 1, 1, 1) };
}

const mapped = (arrays: Arrays, change: (x: number) => number): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.map(change) }]),
  );

/** The tensor as it is now: a variable becomes another when it is written. */
const infoOf = ({ dataId, shape, dtype }: Tensor): tf.TensorInfo => ({ dataId, shape, dtype });
