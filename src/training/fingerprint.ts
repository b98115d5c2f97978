import { digestJson } from '../core/digest.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { Dataset } from '../data/dataset.js';
import { digestPixels } from '../data/digestPixels.js';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { LossAverage } from '../steps/metricAccumulator.js';
import type { WeightedLoss } from '../steps/weightedLoss.js';

/**
 * Digests, keyed by name, of everything that must be unchanged when a run is resumed. Together they identify the configuration of the run.
 */
export interface Fingerprint {
  readonly [part: string]: string;
}

/**
 * For each part that describes the images of a dataset by ids, labels and weights: the part with the digest of their pixels.
 */
export const PIXEL_PARTS = {
  'training data': 'training pixels',
  'validation data': 'validation pixels',
} as const;

/** The arguments of `fit` that the results of a run depend on. */
export interface FingerprintedRun {
  readonly network: Network;
  readonly train: Dataset<any>;
  readonly validation: Dataset<any> | undefined;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly loss: WeightedLoss<{ readonly [task: string]: number }>;
  readonly optimizer: Optimizer;
  readonly lossAverage: LossAverage;
  /** Store of the checkpoint. The pixels are only hashed for a run with a checkpoint. */
  readonly checkpoint: Store | undefined;
}

/** Computes a fingerprint: replaces each value of a record with its digest. */
export async function computeFingerprint(parts: { readonly [part: string]: Json }): Promise<Fingerprint> {
  const entries = await Promise.all(
    Object.entries(parts).map(async ([name, part]) => [name, await digestJson(part)] as const),
  );
  return Object.fromEntries(entries);
}

/**
 * Returns the fingerprint entries that describe the model and its optimizer, before they are hashed. If these entries are unchanged, the
 * weights and optimizer slots of a checkpoint fit the model.
 */
export function getModelFingerprintParts(
  network: Network,
  optimizer: Optimizer,
): { readonly [part: string]: Json } {
  return {
    model: network.layersModel.getConfig() as unknown as Json,
    tasks: Object.entries(network.tasks).map(([name, task]) => [
      name,
      task.kind,
      task.labels ?? null,
      task.loss.name,
      task.loss.options,
      task.metrics.map((metric) => metric.name),
    ]),
    'pixel range': network.input.range,
    optimizer: optimizer.description,
  };
}

/**
 * Computes the fingerprint of a run. The fingerprint does not include the number of epochs, the callbacks, the stores or the engine,
 * because these may change when a run is resumed.
 */
export async function computeRunFingerprint(run: FingerprintedRun): Promise<Fingerprint> {
  const { network, train, validation, batchSize, seed, shuffle, loss, optimizer, lossAverage } = run;
  const { optimizer: updates, ...model } = getModelFingerprintParts(network, optimizer);
  return computeFingerprint({
    ...model,
    'training data': train.description.data,
    'validation data': validation?.description.data ?? null,
    ...(run.checkpoint && {
      [PIXEL_PARTS['training data']]: await digestPixels(train),
      [PIXEL_PARTS['validation data']]: validation ? await digestPixels(validation) : null,
    }),
    augmentation: [train.description.augmentation, validation?.description.augmentation ?? null],
    loss: [loss.weights, loss.classWeights as Json, lossAverage],
    optimizer: updates!,
    'batch size': batchSize,
    seed: [seed, shuffle],
  });
}
