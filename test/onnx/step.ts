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
import { runGraphs } from './run.js';

const BATCH = 3;

type Named = readonly (readonly [name: string, tensor: tf.Tensor])[];

/** Any numbers as what a task of `kind` is asked for. */
function targetOf(kind: string, numbers: tf.Tensor, seed: number): tf.Tensor2D {
  if (kind === 'regression') return numbers as tf.Tensor2D;
  if (kind === 'binary') return tf.step(numbers) as tf.Tensor2D;
  const classes = Array.from({ length: BATCH }, (_, i) => (i + seed) % numbers.shape[1]!);
  return tf.oneHot(classes, numbers.shape[1]!, 1, 0, 'float32') as tf.Tensor2D;
}

function masksOf(network: Network, seed: number): tf.NamedTensorMap {
  const tensors = toTensors(drawDropoutMasks(network, BATCH, seed, 0, 0));
  return Object.fromEntries(
    Object.entries(tensors).map(([name, mask]) => [name.slice(0, -'/mask'.length), mask]),
  );
}

/** Everything that a step reads, as numbers that depend on `seed`. */
function inputsOf(network: Network, optimizer: Optimizer, kind: StepKind, seed: number) {
  const wave = (shape: readonly number[], by = 0) =>
    tf.tensor(
      Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.sin(i * 1.7 + seed + by)),
      [...shape],
    );
  const targets = Object.values(network.tasks).map((task, i) => ({
    target: targetOf(task.kind, wave([BATCH, task.targetWidth], i), seed),
    // The second example has no label of the first task.
    present: tf.tensor1d([1, i === 0 ? 0 : 1, 1]),
    weight: tf.tensor1d([1, 2, 0.5]),
  }));
  const slotCount = optimizer.rule.slots.length + (optimizer.gradientAccumulationSteps > 1 ? 1 : 0);
  return {
    inputs: [tf.tidy(() => tf.abs(wave([BATCH, ...network.input.shape])))],
    targets,
    masks: masksOf(network, seed),
    coefficients: [...optimizer.rule.computeCoefficients(3 + seed, 0.01), 0.01].map((value) =>
      tf.scalar(value),
    ),
    // A sum of gradients begins at zero, so that what it holds afterwards is the gradient. Moments are positive.
    slots: Array.from({ length: slotCount }, (_, j) => {
      const size: [number] = [countTrainableParams(network)];
      return (kind === 'accumulate' ? tf.zeros(size) : tf.tidy(() => tf.abs(wave(size, j)))) as tf.Tensor1D;
    }),
  };
}

/**
 * How far a training step of `model`, run as a graph, is from the step on the backend in use: the result (the sums,
 * a new weight or gradient, a moving statistic, a slot) whose largest difference is largest, relative to its largest number.
 * The graph is recorded on other images, targets, masks, rates, slots and weights than it is judged on.
 */
export async function stepDisagreement(
  model: MultiTaskModel<any>,
  optimizer: Optimizer,
  kind: StepKind,
): Promise<readonly [name: string, off: number]> {
  const network = createNetwork(model.layersModel, model.tasks, model.input);
  const weights = Object.fromEntries(Object.keys(network.tasks).map((name, i) => [name, 1 + i]));
  const trained = getTrainableWeights(network);
  const own = network.layersModel.weights;
  const run = (seed: number) => {
    const { slots, ...inputs } = inputsOf(network, optimizer, kind, seed);
    const read: Named = [
      ['images', inputs.inputs[0]!],
      ...inputs.targets.flatMap((task, i) =>
        Object.entries(task).map(([name, t]) => [`${name}${i}`, t as tf.Tensor] as const),
      ),
      ...Object.entries(inputs.masks).map(([name, t]) => [`mask ${name}`, t] as const),
      ...inputs.coefficients.map((t, i) => [`coefficient${i}`, t] as const),
      ...own.map(
        (weight) =>
          [weight.originalName, tf.tensor(weight.read().dataSync(), weight.shape as number[])] as const,
      ),
      ...slots.map((t, j) => [`slot ${j}`, t] as const),
    ];
    // Assigning to a variable changes where its numbers stand.
    const variables = new Map(own.map((weight) => [weight.originalName, weight.read().dataId]));
    const recording = trace(() => computeTrainingStep(network, optimizer, weights, kind, inputs, slots));
    const { result } = recording;
    const made: Named = [
      ['sums', result.sums],
      ...result.nonTrainableUpdates.map(([weight, t]) => [`moved ${weight.originalName}`, t] as const),
      ...result.weights.map((t, i) => [`weight ${trained[i]!.originalName}`, t] as const),
      ...result.slots.map((t, j) => [`next slot ${j}`, t] as const),
    ];
    return { read, made, recording, variables };
  };
  const first = run(1);
  for (const weight of own) {
    weight.write(tf.tidy(() => tf.add(tf.mul(weight.read(), 0.8), 0.05)));
  }
  const second = run(2);
  // A weight stands in the recording as the variable it was read from.
  const seen = (list: Named) =>
    list.map(([name, t]) => {
      const { shape, dtype } = t;
      return { name, tensor: { id: first.variables.get(name) ?? t.dataId, shape, dtype } };
    });
  const graph = lowerTrace(first.recording, first.recording, seen(first.read), seen(first.made), {
    channelBlock: await findChannelBlock(ort as never),
  });
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  const given = second.read.filter(([name]) => used.has(name));
  const port = ([name, { shape }]: Named[number]) => ({ name, shape, description: '' });
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: given.map(port),
    outputs: second.made.map(port),
    description: '',
    metadata: {},
  });
  const results = await runGraphs(bytes, given);
  return worstOf(second.made, results);
}

function worstOf(made: Named, results: Awaited<ReturnType<typeof runGraphs>>): readonly [string, number] {
  const largest = (t: tf.Tensor) =>
    t.dataSync<'float32'>().reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Some gradients are zero but for rounding, that of a bias before batch normalisation for one.
  const floor = 1e-3 * Math.max(...made.filter(([name]) => name !== 'sums').map(([, t]) => largest(t)));
  const offs = made.map(([name, t]) => {
    const { data } = results[name]!;
    const off = t
      .dataSync<'float32'>()
      .reduce((most, value, i) => Math.max(most, Math.abs(value - data[i]!)), 0);
    return [name, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off / Math.max(largest(t), floor)] as const;
  });
  return offs.reduce((worst, next) => (next[1] > worst[1] ? next : worst));
}
