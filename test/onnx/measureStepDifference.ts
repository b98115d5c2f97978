import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { lowerTrace } from '../../src/engines/onnx/lower/traceLowering.js';
import { findChannelBlock } from '../../src/engines/onnx/session/findChannelBlock.js';
import { encodeOnnxModel } from '../../src/formats/onnxModel.js';
import type { MultiTaskModel } from '../../src/model/multiTaskModel.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import type { Network } from '../../src/network/network.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import { toTensors } from '../../src/steps/stepArrays.js';
import { countTrainableParams, getTrainableWeights } from '../../src/steps/trainableWeights.js';
import { computeTrainingStep, type StepKind } from '../../src/steps/trainingStep.js';
import { trace } from '../../src/tensor/trace/tracer.js';
import { runGraph } from './runOnnx.js';

const BATCH = 3;

type NamedTensors = readonly (readonly [name: string, tensor: tf.Tensor])[];

/** Converts arbitrary numbers to targets of a task of type `kind`. */
function toTarget(kind: string, numbers: tf.Tensor, seed: number): tf.Tensor2D {
  if (kind === 'regression') return numbers as tf.Tensor2D;
  if (kind === 'binary') return tf.step(numbers) as tf.Tensor2D;
  const classes = Array.from({ length: BATCH }, (_, i) => (i + seed) % numbers.shape[1]!);
  return tf.oneHot(classes, numbers.shape[1]!, 1, 0, 'float32') as tf.Tensor2D;
}

function createMasks(network: Network, seed: number): tf.NamedTensorMap {
  const tensors = toTensors(drawDropoutMasks(network, BATCH, seed, 0, 0));
  return Object.fromEntries(
    Object.entries(tensors).map(([name, mask]) => [name.slice(0, -'/mask'.length), mask]),
  );
}

/** Creates all inputs of a step from `seed`, except the weights. */
function createStepInputs(network: Network, optimizer: Optimizer, kind: StepKind, seed: number) {
  const createWave = (shape: readonly number[], phase = 0) =>
    tf.tensor(
      Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.sin(i * 1.7 + seed + phase)),
      [...shape],
    );
  const targets = Object.values(network.tasks).map((task, i) => ({
    target: toTarget(task.kind, createWave([BATCH, task.targetWidth], i), seed),
    // The second example has no label for the first task.
    present: tf.tensor1d([1, i === 0 ? 0 : 1, 1]),
    weight: tf.tensor1d([1, 2, 0.5]),
  }));
  const slotCount = optimizer.rule.slots.length + (optimizer.gradientAccumulationSteps > 1 ? 1 : 0);
  return {
    inputs: [tf.tidy(() => tf.abs(createWave([BATCH, ...network.input.shape])))],
    targets,
    masks: createMasks(network, seed),
    coefficients: [...optimizer.rule.computeCoefficients(3 + seed, 0.01), 0.01].map((value) =>
      tf.scalar(value),
    ),
    // The gradient accumulator starts at zero, so that it contains the gradient after the step. Moments are positive.
    slots: Array.from({ length: slotCount }, (_, j) => {
      const size: [number] = [countTrainableParams(network)];
      return (
        kind === 'accumulate' ? tf.zeros(size) : tf.tidy(() => tf.abs(createWave(size, j)))
      ) as tf.Tensor1D;
    }),
  };
}

/**
 * Compares a training step of `model` in ONNX Runtime with the step on the active backend. Returns the output with the largest relative
 * difference: the sums, a new weight, a moving statistic or an optimizer slot. The images, targets, masks, rates, slots and weights in
 * the trace from which the graph is compiled are different from those in the comparison.
 */
export async function measureStepDifference(
  model: MultiTaskModel<any>,
  optimizer: Optimizer,
  kind: StepKind,
): Promise<readonly [output: string, difference: number]> {
  const network = createNetwork(model.layersModel, model.tasks, model.input);
  const weights = Object.fromEntries(Object.keys(network.tasks).map((name, i) => [name, 1 + i]));
  const trained = getTrainableWeights(network);
  const modelWeights = network.layersModel.weights;
  const run = (seed: number) => {
    const { slots, ...inputs } = createStepInputs(network, optimizer, kind, seed);
    const inputTensors: NamedTensors = [
      ['images', inputs.inputs[0]!],
      ...inputs.targets.flatMap((task, i) =>
        Object.entries(task).map(([name, t]) => [`${name}${i}`, t as tf.Tensor] as const),
      ),
      ...Object.entries(inputs.masks).map(([name, t]) => [`mask ${name}`, t] as const),
      ...inputs.coefficients.map((t, i) => [`coefficient${i}`, t] as const),
      ...modelWeights.map(
        (weight) =>
          [weight.originalName, tf.tensor(weight.read().dataSync(), weight.shape as number[])] as const,
      ),
      ...slots.map((t, j) => [`slot ${j}`, t] as const),
    ];
    // An assignment to a variable changes the id of its data.
    const variables = new Map(modelWeights.map((weight) => [weight.originalName, weight.read().dataId]));
    const traced = trace(() => computeTrainingStep(network, optimizer, weights, kind, inputs, slots));
    const { result } = traced;
    const outputTensors: NamedTensors = [
      ['sums', result.sums],
      ...result.nonTrainableUpdates.map(([weight, t]) => [`moved ${weight.originalName}`, t] as const),
      ...result.weights.map((t, i) => [`weight ${trained[i]!.originalName}`, t] as const),
      ...result.slots.map((t, j) => [`next slot ${j}`, t] as const),
    ];
    return { inputTensors, outputTensors, traced, variables };
  };
  const first = run(1);
  for (const weight of modelWeights) {
    weight.write(tf.tidy(() => tf.add(tf.mul(weight.read(), 0.8), 0.05)));
  }
  const second = run(2);
  // A weight has the id that its variable had before the step.
  const toNamedTracedTensors = (tensors: NamedTensors) =>
    tensors.map(([name, t]) => {
      const { shape, dtype } = t;
      return { name, tensor: { id: first.variables.get(name) ?? t.dataId, shape, dtype } };
    });
  const graph = lowerTrace(
    first.traced,
    first.traced,
    toNamedTracedTensors(first.inputTensors),
    toNamedTracedTensors(first.outputTensors),
    { channelBlock: await findChannelBlock(ort as never) },
  );
  const readNames = new Set(graph.nodes.flatMap((node) => node.inputs));
  const graphInputs = second.inputTensors.filter(([name]) => readNames.has(name));
  const toValueInfo = ([name, { shape }]: NamedTensors[number]) => ({ name, shape, description: '' });
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: graphInputs.map(toValueInfo),
    outputs: second.outputTensors.map(toValueInfo),
    description: '',
    metadata: {},
  });
  const results = await runGraph(bytes, graphInputs);
  return findLargestDifference(second.outputTensors, results);
}

function findLargestDifference(
  expected: NamedTensors,
  results: Awaited<ReturnType<typeof runGraph>>,
): readonly [output: string, difference: number] {
  const computeMaxAbs = (t: tf.Tensor) =>
    t.dataSync<'float32'>().reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  // Some gradients are only rounding errors, such as the gradient of a bias before batch normalization.
  const minScale =
    1e-3 * Math.max(...expected.filter(([name]) => name !== 'sums').map(([, t]) => computeMaxAbs(t)));
  const differences = expected.map(([name, t]) => {
    const { data } = results[name]!;
    const difference = t
      .dataSync<'float32'>()
      .reduce((max, value, i) => Math.max(max, Math.abs(value - data[i]!)), 0);
    const relative = difference / Math.max(computeMaxAbs(t), minScale);
    return [name, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : relative] as const;
  });
  return differences.reduce((largest, next) => (next[1] > largest[1] ? next : largest));
}
