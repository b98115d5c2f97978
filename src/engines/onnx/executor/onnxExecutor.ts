import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import type { HostArray, NamedArrays } from '../../../core/arrays.js';
import { createError } from '../../../core/errors/errors.js';
import type { Weight } from '../../../layers/patched/forwardContext.js';
import type { Network } from '../../../network/network.js';
import { getGraphWeights } from '../../../network/weights.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import type { Executor } from '../../../steps/executor.js';
import { getSumsLength } from '../../../steps/lossesAndMetrics.js';
import { getSlotNames } from '../../../steps/optimizerSlots.js';
import { toStepInputs, toTensors } from '../../../steps/stepArrays.js';
import {
  countTrainableParams,
  getTrainableWeights,
  getWeightSizes,
} from '../../../steps/trainableWeights.js';
import { computeTrainingStep, type StepKind, type StepOutputs } from '../../../steps/trainingStep.js';
import { tf } from '../../../tensor/tf.js';
import { checkSlots } from '../../eager/eagerExecutor.js';
import { type OnnxRuntime, type OnnxTensor, toOnnxTensor } from '../session/onnxRuntime.js';
import type { OnnxEngineOptions } from '../session/sessionOptions.js';
import type { TraceablePass } from '../trace/tracePair.js';
import { type CompiledGraph, compileGraph, type GraphSession } from './compileGraph.js';
import { createTraceBatch, getImageNames } from './traceBatches.js';

/** Name prefixes of the ONNX graph inputs for optimizer slots and for weights. */
const SLOT_PREFIX = 'slot/';
const WEIGHT_PREFIX = 'weight/';
/**
 * Name prefix of the graph outputs that contain new weights and slots. The prefix is followed by the name of the graph input whose value
 * the output replaces.
 */
const NEW_PREFIX = 'new ';
/** Names of the two graph outputs that are not weights or slots. */
const [SUMS_OUTPUT, GRADIENT_OUTPUT] = ['sums', 'gradient'];

/**
 * Creates an executor that runs each training step as one graph in ONNX Runtime. The graph for a kind of step is compiled when the first
 * step of that kind runs.
 *
 * Weights and optimizer slots are inputs and outputs of the graph, so the variables of the model are out of date after a step. {@link
 * Executor.syncWeights} copies the weights into the variables. If a callback writes a variable between two steps, the next step uses the
 * new value.
 */
export function createOnnxExecutor(
  runtime: OnnxRuntime,
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  engineOptions: OnnxEngineOptions,
): Executor {
  const slotNames = getSlotNames(optimizer);
  const trainableWeights = getTrainableWeights(network);
  const weights = new Map(
    getGraphWeights(network.graph).map((weight) => [WEIGHT_PREFIX + weight.originalName, weight]),
  );
  const imageName = getImageNames(network)[0]!;
  const getBatchSize = (arrays: NamedArrays) => arrays[imageName]!.shape[0]!;
  /** Current weights and optimizer slots, keyed by the name of the graph input that receives them. */
  const state = new Map<string, OnnxTensor>();
  /** For each variable, the id of the value that `state` was last synchronized with. Writing a variable changes its id. */
  const syncedIds = new Map<Weight, object>();
  /** True if a step has changed the weights in `state` since they were last copied to the variables. */
  let areVariablesStale = false;
  /** Compiled graphs that accept any batch size, keyed by kind of step. */
  const graphs = new Map<StepKind, CompiledGraph>();
  /** ONNX Runtime sessions, keyed by kind of step and batch size. */
  const sessions = new Map<string, GraphSession>();

  const readVariables = () => {
    for (const [name, weight] of weights) {
      const value = weight.read();
      if (syncedIds.get(weight) === value.dataId) continue;
      const data = (value.dataSync() as Float32Array).slice();
      state.set(name, toOnnxTensor(runtime, { shape: value.shape, data }));
      syncedIds.set(weight, value.dataId);
    }
  };
  const writeVariables = (transform: (data: Float32Array) => Float32Array = (data) => data) => {
    for (const [name, weight] of weights) {
      const { data, dims } = state.get(name)!;
      const value = tf.tensor(transform(data), [...dims]);
      weight.write(value);
      value.dispose();
      syncedIds.set(weight, weight.read().dataId);
    }
  };
  const syncWeights = () => {
    if (!areVariablesStale) return;
    readVariables(); // Weights that a callback has written since the last step take precedence over the results of that step.
    writeVariables();
    areVariablesStale = false;
  };
  const setSlot = (name: string, data: Float32Array) =>
    state.set(SLOT_PREFIX + name, toOnnxTensor(runtime, { shape: [data.length], data }));
  for (const name of slotNames) setSlot(name, new Float32Array(countTrainableParams(network)));

  const toNamedOutputs = (step: StepOutputs): { readonly [name: string]: Tensor } => ({
    [SUMS_OUTPUT]: step.sums,
    [GRADIENT_OUTPUT]: step.gradient,
    ...Object.fromEntries(
      step.weights.map((value, i) => [
        `${NEW_PREFIX}${WEIGHT_PREFIX}${trainableWeights[i]!.originalName}`,
        value,
      ]),
    ),
    ...Object.fromEntries(
      step.nonTrainableUpdates.map(([weight, value]) => [
        `${NEW_PREFIX}${WEIGHT_PREFIX}${weight.originalName}`,
        value,
      ]),
    ),
    ...Object.fromEntries(
      step.slots.map((value, i) => [`${NEW_PREFIX}${SLOT_PREFIX}${slotNames[i]}`, value]),
    ),
  });

  /**
   * Creates the function to trace for a training step. Variant 1 uses a different batch, different slots and, until it returns, different
   * weights, so that the compiler does not mistake any of these values for a constant.
   */
  const createStepPass =
    (kind: StepKind, arrays: NamedArrays): TraceablePass =>
    (batchSize, variant) => {
      const batch = toTensors(createTraceBatch(network, arrays, batchSize, variant));
      const currentSlots = Object.fromEntries(
        slotNames.map((name) => [SLOT_PREFIX + name, toHostArray(state.get(SLOT_PREFIX + name)!)]),
      );
      const slots = toTensors(
        variant === 0 ? currentSlots : mapArrays(currentSlots, (x) => Math.abs(x) / 2 + 1e-4),
      );
      try {
        if (variant === 1) writeVariables((data) => data.map((x) => x * 1.01 + 1e-3));
        const variables = Object.fromEntries(
          [...weights].map(([name, weight]) => [name, toTensorInfo(weight.read())] as const),
        );
        const step = computeTrainingStep(
          network,
          optimizer,
          lossWeights,
          kind,
          toStepInputs(network, batch),
          slotNames.map((name) => slots[SLOT_PREFIX + name] as Tensor1D),
        );
        for (const [name, weight] of weights) {
          if (weight.read().dataId === variables[name]!.dataId) continue;
          // A compiled step cannot write weights, so the weight would never change.
          throw createError({
            kind: 'engine',
            path: `weight ${weight.originalName}`,
            expected: 'a layer that only reads its weights during a training step',
            received: 'a layer that writes this weight during the step',
            advice: 'Store the changing value outside the weights of the layer, or use engine: "wasm".',
          });
        }
        return { inputs: { ...batch, ...slots, ...variables }, outputs: toNamedOutputs(step) };
      } finally {
        writeVariables(); // Restores the weights that variant 1 changed, even after an error.
      }
    };

  const createStepSession = async (kind: StepKind, arrays: NamedArrays): Promise<GraphSession> => {
    const batchSize = getBatchSize(arrays);
    const options = {
      ...engineOptions,
      description: `the training step on ${batchSize} images`,
      batchSize,
      comparedOutputs: {
        [SUMS_OUTPUT]: [getSumsLength(network)],
        [GRADIENT_OUTPUT]: getWeightSizes(trainableWeights),
      },
    };
    let graph = graphs.get(kind);
    if (!graph) {
      syncWeights();
      graph = await compileGraph(runtime, createStepPass(kind, arrays), options);
      if (graph.acceptsAnyBatchSize) graphs.set(kind, graph);
    }
    return graph.createSession(options);
  };

  return {
    runStep: async (kind, arrays) => {
      readVariables();
      const key = `${kind} ${getBatchSize(arrays)}`;
      if (!sessions.has(key)) sessions.set(key, await createStepSession(kind, arrays));
      const { run, inputNames, outputNames } = sessions.get(key)!;
      const feeds = inputNames.map((name) => [
        name,
        name in arrays ? toOnnxTensor(runtime, arrays[name]!) : state.get(name)!,
      ]);
      // Fetch all outputs but the gradient, which only the verification reads.
      const fetches = outputNames.filter((name) => name !== GRADIENT_OUTPUT);
      const results = await run(Object.fromEntries(feeds), fetches);
      for (const [name, value] of Object.entries(results)) {
        if (name.startsWith(NEW_PREFIX)) state.set(name.slice(NEW_PREFIX.length), value);
      }
      areVariablesStale = true;
      return results[SUMS_OUTPUT]!.data;
    },
    syncWeights,
    getSlots: async () =>
      Object.fromEntries(
        slotNames.map((name) => {
          const { data, dims } = state.get(SLOT_PREFIX + name)!;
          return [name, { shape: dims, data: data.slice() }];
        }),
      ),
    setSlots: (saved) => {
      checkSlots(saved, slotNames, countTrainableParams(network));
      for (const name of slotNames) setSlot(name, saved[name]!.data.slice());
    },
    dispose: () => {
      try {
        syncWeights();
      } finally {
        // Errors of release() are ignored, because the session is not used again.
        for (const session of sessions.values()) session.release().catch(() => {});
        sessions.clear();
      }
    },
  };
}

const toHostArray = ({ dims, data }: OnnxTensor): HostArray => ({ shape: dims, data });

const mapArrays = (arrays: NamedArrays, transform: (x: number) => number): NamedArrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.map(transform) }]),
  );

/** Returns the id, shape and type of the tensor in a variable. Writing the variable later does not change this record. */
const toTensorInfo = ({ dataId, shape, dtype }: Tensor): tf.TensorInfo => ({ dataId, shape, dtype });
