import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { concatFloats, countElements, type HostArray, type NamedArrays } from '../../../core/arrays.js';
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
  getGroupShape,
  getTrainableWeights,
  getWeightSizes,
  groupBySize,
} from '../../../steps/trainableWeights.js';
import { computeGroupedStep, type GroupedStepOutputs, type StepKind } from '../../../steps/trainingStep.js';
import { createHostTensor, runOnHost } from '../../../tensor/hostBackend.js';
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
/** Name of the graph output from which losses and metrics are computed. */
const SUMS_OUTPUT = 'sums';
/** Name prefix of the graph outputs that contain gradients. Only the verification reads them. */
const GRADIENT_PREFIX = 'gradient/';

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
  const groups = groupBySize(trainableWeights);
  const weights = new Map(
    getGraphWeights(network.graph).map((weight) => [WEIGHT_PREFIX + weight.originalName, weight]),
  );
  const imageName = getImageNames(network)[0]!;
  const getBatchSize = (arrays: NamedArrays) => arrays[imageName]!.shape[0]!;
  /** Current weights and optimizer slots, keyed by the name of the graph input that receives them. */
  const state = new Map<string, OnnxTensor>();
  /** Tensors to which the next step can write new weights and optimizer slots, keyed like `state`. */
  const spares = new Map<string, OnnxTensor>();
  /** Tensors whose arrays variables use as well, so that no step may write to them. */
  const sharedTensors = new WeakSet<OnnxTensor>();
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
      // Tensors are immutable, so the array of a tensor can be used without a copy.
      const tensor = toOnnxTensor(runtime, { shape: value.shape, data: value.dataSync<'float32'>() });
      sharedTensors.add(tensor);
      state.set(name, tensor);
      syncedIds.set(weight, value.dataId);
    }
  };
  const writeVariables = (transform: (data: Float32Array) => Float32Array = (data) => data) => {
    for (const [name, weight] of weights) {
      const tensor = state.get(name)!;
      const { data, dims } = tensor;
      sharedTensors.add(tensor);
      const value = createHostTensor(transform(data), dims);
      if (hasConstraint(weight)) weight.write(value);
      else runOnHost(() => weight.write(value));
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
  /** Sets an optimizer slot from a vector with a number for each trainable parameter, and copies the vector. */
  const setSlot = (slotName: string, vector: Float32Array) => {
    const parts = splitVector(vector, trainableWeights);
    groups.forEach((group, i) => {
      const data = concatFloats(group.map((weight) => parts.get(weight)!));
      state.set(toSlotName(slotName, i), toOnnxTensor(runtime, { shape: getGroupShape(group), data }));
    });
  };
  const getSlot = (slotName: string): HostArray => {
    const parts = new Map<Weight, Float32Array>();
    groups.forEach((group, i) => {
      const { data } = state.get(toSlotName(slotName, i))!;
      for (const [weight, part] of splitVector(data, group)) parts.set(weight, part);
    });
    const vector = concatFloats(trainableWeights.map((weight) => parts.get(weight)!));
    return { shape: [vector.length], data: vector };
  };
  for (const name of slotNames) setSlot(name, new Float32Array(countTrainableParams(network)));

  const toNamedOutputs = (step: GroupedStepOutputs): { readonly [name: string]: Tensor } => {
    const updates = [
      ...step.weights.map((value, i) => [trainableWeights[i]!, value] as const),
      ...step.nonTrainableUpdates,
    ];
    return {
      [SUMS_OUTPUT]: step.sums,
      ...Object.fromEntries(step.gradients.map((value, i) => [GRADIENT_PREFIX + i, value])),
      ...Object.fromEntries(
        updates.map(([weight, value]) => [NEW_PREFIX + WEIGHT_PREFIX + weight.originalName, value]),
      ),
      ...Object.fromEntries(
        step.groupSlots.flatMap((slots, i) =>
          slots.flatMap((value, j) => {
            // A step that only accumulates gradients changes only the last slot.
            const isUnchanged = step.weights.length === 0 && j < slots.length - 1;
            return isUnchanged ? [] : [[NEW_PREFIX + toSlotName(slotNames[j]!, i), value]];
          }),
        ),
      ),
    };
  };

  /**
   * Creates the function to trace for a training step. Variant 1 uses a different batch, different slots and, until it returns, different
   * weights, so that the compiler does not mistake any of these values for a constant.
   */
  const createStepPass =
    (kind: StepKind, arrays: NamedArrays): TraceablePass =>
    (batchSize, variant) => {
      readVariables(); // The program may have written variables since the previous trace.
      const batch = toTensors(createTraceBatch(network, arrays, batchSize, variant), createHostTensor);
      const currentSlots = Object.fromEntries(
        groups
          .flatMap((_, i) => slotNames.map((name) => toSlotName(name, i)))
          .map((name) => [name, toHostArray(state.get(name)!)]),
      );
      const slots = toTensors(
        variant === 0 ? currentSlots : mapArrays(currentSlots, (x) => Math.abs(x) / 2 + 1e-4),
        createHostTensor,
      );
      try {
        if (variant === 1) writeVariables((data) => data.map((x) => x * 1.01 + 1e-3));
        const variables = Object.fromEntries(
          [...weights].map(([name, weight]) => [name, toTensorInfo(weight.read())] as const),
        );
        const step = computeGroupedStep(
          network,
          optimizer,
          lossWeights,
          kind,
          toStepInputs(network, batch),
          groups,
          groups.map((_, i) => slotNames.map((name) => slots[toSlotName(name, i)]!)),
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
      comparedOutputs: [
        { [SUMS_OUTPUT]: [getSumsLength(network)] },
        Object.fromEntries(groups.map((group, i) => [GRADIENT_PREFIX + i, getWeightSizes(group)])),
      ],
      verificationOutputs: groups.map((_, i) => GRADIENT_PREFIX + i),
      getReplacedInput,
    };
    let graph = graphs.get(kind);
    if (!graph) {
      syncWeights();
      graph = await compileGraph(runtime, createStepPass(kind, arrays), options);
      if (graph.acceptsAnyBatchSize) graphs.set(kind, graph);
    }
    return graph.createSession(options);
  };

  /** Returns the tensors to which a step writes its outputs, keyed by the name of the output. */
  const prepareBuffers = (session: GraphSession): { readonly [name: string]: OnnxTensor } => {
    if (!session.acceptsBuffers) return {};
    const buffers: { [name: string]: OnnxTensor } = {};
    for (const [output, shape] of session.outputShapes) {
      const input = getReplacedInput(output);
      const current = input === undefined ? undefined : state.get(input);
      const isInPlace = session.inPlaceOutputs.has(output) && current && !sharedTensors.has(current);
      const buffer = isInPlace ? current : input === undefined ? undefined : spares.get(input);
      buffers[output] =
        buffer ?? toOnnxTensor(runtime, { shape, data: new Float32Array(countElements(shape)) });
    }
    return buffers;
  };
  return {
    runStep: async (kind, arrays) => {
      readVariables();
      const key = `${kind} ${getBatchSize(arrays)}`;
      if (!sessions.has(key)) sessions.set(key, await createStepSession(kind, arrays));
      const session = sessions.get(key)!;
      const feeds = session.inputNames.map((name) => [
        name,
        name in arrays ? toOnnxTensor(runtime, arrays[name]!) : state.get(name)!,
      ]);
      const results = await session.run(Object.fromEntries(feeds), prepareBuffers(session));
      for (const [name, value] of Object.entries(results)) {
        const input = getReplacedInput(name);
        if (input === undefined) continue;
        const previous = state.get(input)!;
        state.set(input, value);
        spares.delete(input);
        if (session.acceptsBuffers && previous !== value && !sharedTensors.has(previous))
          spares.set(input, previous);
      }
      areVariablesStale = true;
      return results[SUMS_OUTPUT]!.data;
    },
    syncWeights,
    getSlots: async () => Object.fromEntries(slotNames.map((name) => [name, getSlot(name)])),
    setSlots: (saved) => {
      checkSlots(saved, slotNames, countTrainableParams(network));
      for (const name of slotNames) setSlot(name, saved[name]!.data);
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

/** Returns whether writing the variable calls kernels. */
const hasConstraint = (weight: Weight) =>
  (weight as unknown as { constraint?: object | null }).constraint != null;

/** Returns the name of the graph input whose value a graph output replaces, or undefined if the output is not a weight or slot. */
const getReplacedInput = (output: string): string | undefined =>
  output.startsWith(NEW_PREFIX) ? output.slice(NEW_PREFIX.length) : undefined;

/** Returns the name of the graph input for an optimizer slot of a group of weights. */
const toSlotName = (slotName: string, groupIndex: number) => `${SLOT_PREFIX}${slotName}/${groupIndex}`;

/** Returns the part of a vector that belongs to each weight, as a view. */
function splitVector(vector: Float32Array, weights: readonly Weight[]): ReadonlyMap<Weight, Float32Array> {
  let start = 0;
  return new Map(
    getWeightSizes(weights).map((size, i) => {
      const part = vector.subarray(start, start + size);
      start += size;
      return [weights[i]!, part];
    }),
  );
}

const toHostArray = ({ dims, data }: OnnxTensor): HostArray => ({ shape: dims, data });

const mapArrays = (arrays: NamedArrays, transform: (x: number) => number): NamedArrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.map(transform) }]),
  );

/** Returns the id, shape and type of the tensor in a variable. Writing the variable later does not change this record. */
const toTensorInfo = ({ dataId, shape, dtype }: Tensor): TensorInfo => ({ dataId, shape, dtype });
