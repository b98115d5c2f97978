import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import type { HostArray, NamedArrays } from '../../../core/arrays.js';
import { createError } from '../../../core/errors/errors.js';
import type { PixelRange } from '../../../core/images.js';
import { createRng } from '../../../core/rng.js';
import type { Weight } from '../../../layers/own/forwardContext.js';
import type { Network } from '../../../network/network.js';
import { getGraphWeights } from '../../../network/weights.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import { drawDropoutMasks } from '../../../steps/dropoutMasks.js';
import { getSumsLength } from '../../../steps/lossesAndMetrics.js';
import { getSlotNames } from '../../../steps/optimizerSlots.js';
import { toInputName, toStepInputs, toTensors } from '../../../steps/stepArrays.js';
import {
  countTrainableParams,
  getTrainableWeights,
  getWeightSizes,
} from '../../../steps/trainableWeights.js';
import { computeTrainingStep, type StepKind, type StepOutputs } from '../../../steps/trainingStep.js';
import { tf } from '../../../tensor/tf.js';
import { checkSlots } from '../../eager/eagerExecutor.js';
import type { Executor } from '../../executor.js';
import { type OnnxRuntime, type OnnxTensor, toOnnxTensor } from '../session/onnxRuntime.js';
import type { OnnxEngineOptions } from '../session/sessionOptions.js';
import { type CompiledGraph, compileGraph, type GraphSession } from './compileGraph.js';

const SLOT_PREFIX = 'slot/';
const WEIGHT_PREFIX = 'weight/';
/** Not in a state: what a step tells beside it. */
const [SUMS_OUTPUT, GRADIENT_OUTPUT] = ['sums', 'gradient'];

/**
 * Steps that ONNX Runtime runs, each as one graph, compiled when the first batch of its size comes. Weights and slots go in
 * and come out; the model's variables follow on {@link Executor.syncWeights}, and what is written to them goes into the next step.
 */
export function createOnnxExecutor(
  runtime: OnnxRuntime,
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  settings: OnnxEngineOptions,
): Executor {
  const slots = getSlotNames(optimizer);
  const trained = getTrainableWeights(network);
  const weights = new Map(
    getGraphWeights(network.graph).map((weight) => [WEIGHT_PREFIX + weight.originalName, weight]),
  );
  /** What the steps work on, by name. */
  const state = new Map<string, OnnxTensor>();
  /** The variables' numbers when they were last read or written here: others since then count. */
  const seen = new Map<Weight, object>();
  let stale = false;
  /** By kind, where the size of the batch is free. */
  const graphs = new Map<StepKind, CompiledGraph>();
  /** By kind and size of the batch. */
  const sessions = new Map<string, GraphSession>();

  const readVariables = () => {
    for (const [name, weight] of weights) {
      const value = weight.read();
      if (seen.get(weight) === value.dataId) continue;
      const data = (value.dataSync() as Float32Array).slice();
      state.set(name, toOnnxTensor(runtime, { shape: value.shape, data }));
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
    state.set(SLOT_PREFIX + name, toOnnxTensor(runtime, { shape: [data.length], data }));
  for (const name of slots) putSlot(name, new Float32Array(countTrainableParams(network)));

  const doors = network.graph.inputs.map(({ name }) => toInputName(name));
  const countOf = (arrays: NamedArrays) => arrays[doors[0]!]!.shape[0]!;

  /** The step on the first examples of `arrays`; the second time on others, with everything else changed too. */
  const passOn = (kind: StepKind, arrays: NamedArrays) => (count: number, turn: 0 | 1) => {
    const own = addInputNoise(takeExamples(arrays, countOf(arrays), count), doors, network.input.range);
    const held = Object.fromEntries(
      slots.map((name) => [SLOT_PREFIX + name, toNamedArray(state.get(SLOT_PREFIX + name)!)]),
    );
    const batch = toTensors(turn === 0 ? own : createVariedBatch(network, doors, own, count));
    const before = toTensors(turn === 0 ? held : mapArrays(held, (x) => Math.abs(x) / 2 + 1e-4));
    try {
      if (turn === 1) writeVariables((numbers) => numbers.map((x) => x * 1.01 + 1e-3));
      const variables = Object.fromEntries(
        [...weights].map(([name, weight]) => [name, toTensorInfo(weight.read())] as const),
      );
      const vectors = slots.map((name) => before[SLOT_PREFIX + name] as Tensor1D);
      const step = computeTrainingStep(
        network,
        optimizer,
        lossWeights,
        kind,
        toStepInputs(network, batch),
        vectors,
      );
      for (const [name, weight] of weights) {
        if (weight.read().dataId !== variables[name]!.dataId)
          throw createWeightWriteError(weight.originalName);
      }
      return { inputs: { ...batch, ...before, ...variables }, outputs: outputsOf(step) };
    } finally {
      writeVariables(); // as they were, whatever came between
    }
  };
  const outputsOf = (step: StepOutputs): { readonly [name: string]: Tensor } => ({
    [SUMS_OUTPUT]: step.sums,
    [GRADIENT_OUTPUT]: step.gradient,
    ...Object.fromEntries(
      step.weights.map((value, i) => [`new ${WEIGHT_PREFIX}${trained[i]!.originalName}`, value]),
    ),
    ...Object.fromEntries(
      step.nonTrainableUpdates.map(([weight, value]) => [
        `new ${WEIGHT_PREFIX}${weight.originalName}`,
        value,
      ]),
    ),
    ...Object.fromEntries(step.slots.map((value, i) => [`new ${SLOT_PREFIX}${slots[i]}`, value])),
  });

  const openFor = async (kind: StepKind, arrays: NamedArrays): Promise<GraphSession> => {
    const count = countOf(arrays);
    const options = {
      ...settings,
      description: `the training step on ${count} images`,
      batchSize: count,
      comparedOutputs: {
        [SUMS_OUTPUT]: [getSumsLength(network)],
        [GRADIENT_OUTPUT]: getWeightSizes(trained),
      },
    };
    let graph = graphs.get(kind);
    if (!graph) {
      syncWeights();
      graph = await compileGraph(runtime, passOn(kind, arrays), options);
      if (graph.acceptsAnyBatchSize) graphs.set(kind, graph);
    }
    return graph.createSession(options);
  };

  const syncWeights = () => {
    if (!stale) return;
    readVariables(); // what somebody wrote since the step counts
    writeVariables();
    stale = false;
  };

  return {
    runStep: async (kind, arrays) => {
      readVariables();
      const key = `${kind} ${countOf(arrays)}`;
      if (!sessions.has(key)) sessions.set(key, await openFor(kind, arrays));
      const { run, inputNames, outputNames } = sessions.get(key)!;
      const feeds = inputNames.map((name) => [
        name,
        name in arrays ? toOnnxTensor(runtime, arrays[name]!) : state.get(name)!,
      ]);
      const wanted = outputNames.filter((name) => name !== GRADIENT_OUTPUT);
      const results = await run(Object.fromEntries(feeds), wanted);
      for (const [name, value] of Object.entries(results)) {
        if (name.startsWith('new ')) state.set(name.slice(4), value);
      }
      stale = true;
      return results[SUMS_OUTPUT]!.data;
    },
    syncWeights,
    getSlots: async () =>
      Object.fromEntries(
        slots.map((name) => {
          const { data, dims } = state.get(SLOT_PREFIX + name)!;
          return [name, { shape: dims, data: data.slice() }];
        }),
      ),
    setSlots: (saved) => {
      checkSlots(saved, slots, countTrainableParams(network));
      for (const name of slots) putSlot(name, saved[name]!.data.slice());
    },
    dispose: () => {
      syncWeights();
      for (const session of sessions.values()) session.release().catch(() => {}); // nobody runs it any more
      sessions.clear();
    },
  };
}

const toNamedArray = ({ dims, data }: OnnxTensor): HostArray => ({ shape: dims, data });

/** `count` examples of a batch, from its beginning and round again: what has a first size of the batch is cut. */
function takeExamples(arrays: NamedArrays, batch: number, count: number): NamedArrays {
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
function addInputNoise(
  arrays: NamedArrays,
  doors: readonly string[],
  [black, white]: PixelRange,
): NamedArrays {
  const random = createRng(0, 'recorded images');
  const noisy = doors.map((name) => {
    const { shape, data } = arrays[name]!;
    const [least, most] = data.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    const spread = most > least ? most - least : white - black;
    return [name, { shape, data: data.map((x) => x + 0.05 * spread * (random.next() - 0.5)) }] as const;
  });
  return { ...arrays, ...Object.fromEntries(noisy) };
}

/** A graph would leave such a weight as it was. */
const createWeightWriteError = (weight: string) =>
  createError({
    kind: 'engine',
    path: `weight ${weight}`,
    expected: 'a step that only reads the weights',
    received: 'a layer that writes one while it runs',
    advice: 'Keep what the layer counts outside of it, or use engine "wasm".',
  });

/** Other images under other labels, masks and rates. */
function createVariedBatch(
  network: Network,
  doors: readonly string[],
  arrays: NamedArrays,
  count: number,
): NamedArrays {
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
  return { ...Object.fromEntries(others), ...drawDropoutMasks(network, count, 1, 1, 1) };
}

const mapArrays = (arrays: NamedArrays, change: (x: number) => number): NamedArrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.map(change) }]),
  );

/** The tensor as it is now: a variable becomes another when it is written. */
const toTensorInfo = ({ dataId, shape, dtype }: Tensor): tf.TensorInfo => ({ dataId, shape, dtype });
