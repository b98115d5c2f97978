import type { NamedTensorMap, Scalar, Tensor } from '@tensorflow/tfjs';
import type { HostArray, NamedArrays } from '../core/arrays.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';
import { findDropoutCalls, toMaskName } from './dropoutMasks.js';
import type { TaskTargets } from './lossesAndMetrics.js';
import type { StepInputs } from './trainingStep.js';
import type { ClassWeights } from './weightedLoss.js';

const TARGET_PARTS = ['target', 'present', 'weight'] as const;
/** Returns the name of a graph input in the arrays of a step: `input/image`. */
export const toInputName = (port: string) => `input/${port}`;
const toCoefficientName = (i: number) => `coefficient/${i}`;

/**
 * Returns the named arrays of a batch that a step reads: the inputs of the graph, for example `input/image`, and the targets.
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

/** Returns the targets of a batch by name: `age/target`, `age/present` and `age/weight` for a task `age`. */
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
      weight[row] = getSampleWeight(dataset, index, name) * (classWeights[name]?.[String(label)] ?? 1);
    });
    arrays[`${name}/target`] = { shape: [n, task.targetWidth], data: target };
    arrays[`${name}/present`] = { shape: [n], data: present };
    arrays[`${name}/weight`] = { shape: [n], data: weight };
  }
  return arrays;
}

function getSampleWeight(dataset: Dataset<any>, index: number, task: string): number {
  const weights = dataset.sampleWeight(index);
  return typeof weights === 'number' ? weights : (weights[task] ?? 1);
}

/**
 * Returns the coefficients of an update by name: `coefficient/0` and so on. They depend only on the number of updates so far and on the
 * learning rate.
 */
export function createCoefficientArrays(values: readonly number[]): NamedArrays {
  return Object.fromEntries(
    values.map((value, i) => [toCoefficientName(i), { shape: [], data: Float32Array.of(value) }]),
  );
}

/** Uploads arrays to the current TensorFlow.js backend. The caller owns the tensors. */
export function toTensors(arrays: NamedArrays): NamedTensorMap {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]),
  );
}

/** Finds the targets in the tensors of a step and returns them in the order of the tasks. */
export function getTaskTargets(network: Network, tensors: NamedTensorMap): TaskTargets[] {
  return Object.keys(network.tasks).map(
    (task) =>
      Object.fromEntries(
        TARGET_PARTS.map((part) => [part, tensors[`${task}/${part}`]!]),
      ) as unknown as TaskTargets,
  );
}

/** Finds the inputs of a step in its named tensors. */
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
