import type { NamedTensorMap, Scalar, Tensor } from '@tensorflow/tfjs';
import type { HostArray, NamedArrays } from '../core/arrays.js';
import { getOwnValue } from '../core/lookup.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';
import { findDropoutCalls, toMaskName } from './dropoutMasks.js';
import type { TaskTargets } from './lossesAndMetrics.js';
import type { StepInputs } from './trainingStep.js';
import type { ClassWeights } from './weightedLoss.js';

const TARGET_PARTS = ['target', 'present', 'weight'] as const;
/** Returns the key of a graph input among the input arrays of a step, for example `input/image`. */
export const toInputName = (port: string) => `input/${port}`;
const toCoefficientName = (i: number) => `coefficient/${i}`;

/**
 * Returns the input arrays of a step for one batch, keyed by name: the inputs of the graph, for example `input/image`, and the encoded
 * labels.
 *
 * @param inputs - One array for each input of the graph, in order.
 */
export function createBatchArrays(
  network: Network,
  dataset: Dataset<any>,
  batch: Pick<Batch, 'indices'>,
  classWeights: ClassWeights,
  inputs: readonly HostArray[],
): NamedArrays {
  const entries = network.graph.inputs.map(({ name }, i) => [toInputName(name), inputs[i]!] as const);
  return { ...Object.fromEntries(entries), ...createTargetArrays(network, dataset, batch, classWeights) };
}

/**
 * Encodes the labels of a batch for a step. Returns three arrays per task. For a task named `age`, these are `age/target` (the encoded
 * labels), `age/present` (1 for each image with a label, otherwise 0) and `age/weight` (sample weight times class weight).
 */
export function createTargetArrays(
  network: Network,
  dataset: Dataset<any>,
  { indices }: Pick<Batch, 'indices'>,
  classWeights: ClassWeights,
): NamedArrays {
  const n = indices.length;
  const arrays: Record<string, HostArray> = {};
  for (const [name, task] of Object.entries(network.tasks)) {
    const target = new Float32Array(n * task.targetWidth);
    const present = new Float32Array(n);
    const weight = new Float32Array(n);
    indices.forEach((index, row) => {
      const label = dataset.labels(index)[name];
      if (label === undefined) return;
      target.set(task.encode(label, `${dataset.id(index)}: ${name}`), row * task.targetWidth);
      present[row] = 1;
      weight[row] =
        getSampleWeight(dataset, index, name) * (getOwnValue(classWeights[name] ?? {}, String(label)) ?? 1);
    });
    arrays[`${name}/target`] = { shape: [n, task.targetWidth], data: target };
    arrays[`${name}/present`] = { shape: [n], data: present };
    arrays[`${name}/weight`] = { shape: [n], data: weight };
  }
  return arrays;
}

function getSampleWeight(dataset: Dataset<any>, index: number, task: string): number {
  const weights = dataset.sampleWeight(index);
  return typeof weights === 'number' ? weights : (getOwnValue(weights, task) ?? 1);
}

/**
 * Returns the coefficients of an optimizer update as input arrays of a step, with the keys `coefficient/0`, `coefficient/1` and so on. The
 * coefficients depend only on the learning rate and the number of earlier updates.
 */
export function createCoefficientArrays(values: readonly number[]): NamedArrays {
  return Object.fromEntries(
    values.map((value, i) => [toCoefficientName(i), { shape: [], data: Float32Array.of(value) }]),
  );
}

/**
 * Creates tensors from host arrays. The caller must dispose of the tensors.
 *
 * @param createTensor - Function that creates a tensor. Default: uploads the array to the current TensorFlow.js backend.
 */
export function toTensors(
  arrays: NamedArrays,
  createTensor = (data: Float32Array, shape: readonly number[]): Tensor => tf.tensor(data, [...shape]),
): NamedTensorMap {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, createTensor(data, shape)]),
  );
}

/** Collects the label tensors of all tasks from the named tensors of a step. Returns them in the order of the tasks. */
export function getTaskTargets(network: Network, tensors: NamedTensorMap): TaskTargets[] {
  return Object.keys(network.tasks).map(
    (task) =>
      Object.fromEntries(
        TARGET_PARTS.map((part) => [part, tensors[`${task}/${part}`]!]),
      ) as unknown as TaskTargets,
  );
}

/** Collects the {@link StepInputs} of a training step from the named tensors that were uploaded for it. */
export function toStepInputs(network: Network, tensors: NamedTensorMap): StepInputs {
  const masks: { [call: string]: Tensor } = {};
  for (const { name } of findDropoutCalls(network.graph)) {
    const mask = tensors[toMaskName(name)];
    if (mask) masks[name] = mask;
  }
  const coefficients: Scalar[] = [];
  for (let i = 0; tensors[toCoefficientName(i)]; i++)
    coefficients.push(tensors[toCoefficientName(i)] as Scalar);
  const inputs = network.graph.inputs.map(({ name }) => tensors[toInputName(name)]!);
  return { inputs, targets: getTaskTargets(network, tensors), masks, coefficients };
}
