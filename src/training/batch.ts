import type { NamedTensorMap, Tensor, Tensor4D } from '@tensorflow/tfjs';
import { rng } from '../core/rng.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { Network, PixelRange } from '../models/network.js';
import { tf } from '../tensor/tf.js';
import type { TaskTargets } from './tally.js';
import type { ClassWeights } from './weightedLoss.js';

/** The images of a batch at the step's door: from 0..255 to the network's range. The caller owns the tensor. */
export function imagesOf(pixels: Float32Array, shape: readonly number[], range: PixelRange): Tensor4D {
  const [black, white] = range;
  const scale = (white - black) / 255;
  const scaled = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) scaled[i] = pixels[i]! * scale + black;
  return tf.tensor4d(scaled, shape as [number, number, number, number]);
}

/** The labels of a batch as tensors, one entry a task; the caller owns them. */
export function targetsOf(
  network: Network,
  dataset: Dataset<any>,
  batch: Batch,
  classWeights: ClassWeights,
): TaskTargets[] {
  const n = batch.indices.length;
  return Object.entries(network.tasks).map(([name, task]) => {
    const target = new Float32Array(n * task.targetWidth);
    const present = new Float32Array(n);
    const weight = new Float32Array(n);
    batch.indices.forEach((index, row) => {
      const label = dataset.labels(index)[name];
      if (label === undefined) return;
      target.set(task.encode(label, `${dataset.id(index)}: ${name}`), row * task.targetWidth);
      present[row] = 1;
      weight[row] = sampleWeight(dataset, index, name) * (classWeights[name]?.[String(label)] ?? 1);
    });
    return {
      target: tf.tensor2d(target, [n, task.targetWidth]),
      present: tf.tensor1d(present),
      weight: tf.tensor1d(weight),
    };
  });
}

function sampleWeight(dataset: Dataset<any>, index: number, task: string): number {
  const weights = dataset.weights(index);
  return typeof weights === 'number' ? weights : (weights[task] ?? 1);
}

/** One 0/1 mask a dropout layer, drawn for this step alone: resuming draws the same. The caller owns them. */
export function masksOf(
  network: Network,
  batchSize: number,
  seed: number,
  epoch: number,
  step: number,
): NamedTensorMap {
  const masks: { [layer: string]: Tensor } = {};
  for (const layer of network.dropouts) {
    const shape = layer.maskShape(batchSize);
    if (!shape) continue;
    const random = rng(seed, 'mask', epoch, step, layer.name);
    const mask = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < mask.length; i++) mask[i] = random.next() < layer.rate ? 0 : 1;
    masks[layer.name] = tf.tensor(mask, shape);
  }
  return masks;
}
