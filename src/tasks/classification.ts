import * as checks from '../core/errors/checks.js';
import { createArgumentError, createDataError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { IsWideString, TypeErrorMessage } from '../core/inferenceTypes.js';
import { binaryCrossentropy, categoricalCrossentropy } from '../losses/crossentropy.js';
import type { Loss } from '../losses/loss.js';
import { resolveLoss } from '../losses/lossByName.js';
import { accuracy } from '../metrics/accuracy.js';
import type { Metric, MetricColumn } from '../metrics/metric.js';
import { resolveMetrics } from '../metrics/metricByName.js';
import type { Task } from './task.js';

/**
 * True if both labels are the same string literal. Labels of type `string` count as different, because their values are not known at
 * compile time.
 */
type AreLabelsEqual<L extends readonly [string, string]> =
  IsWideString<L[number]> extends true ? false : [L[0]] extends [L[1]] ? true : false;

/**
 * Options for {@link binary} and {@link categorical}.
 *
 * @typeParam M - Metrics, or names of metrics.
 * @typeParam LossName - Name of the loss that the task supports.
 * @category Compose
 */
export interface ClassificationOptions<
  M extends 'accuracy' | Metric = 'accuracy' | Metric,
  LossName extends string = 'binary_crossentropy' | 'categorical_crossentropy',
> {
  /** Loss, or the name of a loss. Default {@link binaryCrossentropy} or {@link categoricalCrossentropy}. */
  readonly loss?: Loss | LossName;
  /** Metrics, or names of metrics. Default `['accuracy']`. */
  readonly metrics?: readonly M[];
}

const METRICS = { accuracy };

const CLASSIFICATION_ADVICE = {
  advice: "Pass all labels in one array, and options such as { metrics: ['accuracy'] } after it.",
  replacements: { labels: "Pass the labels as the first argument: binary(['no', 'yes'])." },
};

/**
 * Prediction of a {@link binary} task.
 *
 * @category Compose
 */
export interface BinaryPrediction<Label extends string> {
  /** Label with the higher probability. If both probabilities are 0.5, the first label. */
  readonly label: Label;
  /** Probability of `label`, 0.5 to 1. */
  readonly probability: number;
}

/**
 * Prediction of a {@link categorical} task.
 *
 * @category Compose
 */
export interface CategoricalPrediction<Label extends string> {
  /** Label with the highest probability. If several labels have the highest probability, the first of these labels. */
  readonly label: Label;
  /** Probability of `label`. */
  readonly probability: number;
  /** Probability of each label. The probabilities add up to 1. */
  readonly probabilities: { readonly [L in Label]: number };
}

/**
 * Creates a classification task with two labels. Its head is a dense layer with one unit and a sigmoid, which predicts the probability of
 * the *second* label: `binary(['male', 'female'])` predicts P(female).
 *
 * @param labels - Two different, non-empty labels.
 * @param options - `loss` is `binary_crossentropy` (default) or a {@link Loss}. `metrics` lists `accuracy` (default) or metrics of type
 *   {@link Metric}.
 * @returns A task for `multiTask().task()`.
 * @throws An `argument` error for invalid labels, or an unknown loss or metric.
 * @example
 * ```ts
 * import { binary } from 'tfjs-multitask';
 *
 * const gender = binary(['male', 'female']);
 * console.log(gender.decode([0.25])); // { label: 'male', probability: 0.75 }
 * ```
 * @category Compose
 */
export function binary<
  const L extends readonly [string, string],
  const M extends 'accuracy' | Metric = 'accuracy',
>(
  labels: L &
    (AreLabelsEqual<L> extends true ? TypeErrorMessage<'binary() needs two different labels'> : unknown),
  options: ClassificationOptions<M, 'binary_crossentropy'> = {},
): Task<'binary', L[number], BinaryPrediction<L[number]>, MetricColumn<M>> {
  if (!Array.isArray(labels) || labels.length !== 2) {
    throw createArgumentError(
      'binary.labels',
      'an array of two labels',
      formatValue(labels),
      'Use categorical([...]) for more than two labels.',
    );
  }
  checkDistinctLabels('binary.labels', labels);
  checks.options('binary', options, { loss: true, metrics: true }, CLASSIFICATION_ADVICE);
  const { loss = 'binary_crossentropy', metrics = getDefaultMetrics<M>() } = options;
  return {
    kind: 'binary',
    units: 1,
    activation: 'sigmoid',
    loss: resolveLoss('binary.loss', loss, { binary_crossentropy: binaryCrossentropy }),
    metrics: resolveMetrics('binary.metrics', metrics, METRICS),
    labels,
    targetWidth: 1,
    encode: (label, path) => [findLabelIndex(labels, label, path)],
    decode: (output) => {
      const second = output[0]!;
      return second > 0.5
        ? { label: labels[1], probability: second }
        : { label: labels[0], probability: 1 - second };
    },
  };
}

/**
 * Creates a classification task with several labels, exactly one of which is correct for an image. Its head is a dense layer with one unit
 * for each label and a softmax.
 *
 * @param labels - At least two different, non-empty labels in the order of the outputs.
 * @param options - `loss` is `categorical_crossentropy` (default) or a {@link Loss}. `metrics` lists `accuracy` (default) or metrics of
 *   type {@link Metric}.
 * @returns A task for `multiTask().task()`.
 * @throws An `argument` error for invalid labels, or an unknown loss or metric.
 * @example
 * ```ts
 * import { categorical } from 'tfjs-multitask';
 *
 * const grade = categorical(['good', 'fair', 'poor']);
 * console.log(grade.decode([0.125, 0.75, 0.125]).label); // fair
 * ```
 * @category Compose
 */
export function categorical<
  const L extends readonly string[],
  const M extends 'accuracy' | Metric = 'accuracy',
>(
  labels: L &
    (L['length'] extends 0 | 1 ? TypeErrorMessage<'categorical() needs at least two labels'> : unknown),
  options: ClassificationOptions<M, 'categorical_crossentropy'> = {},
): Task<'categorical', L[number], CategoricalPrediction<L[number]>, MetricColumn<M>> {
  const list = labels as L;
  checks.list('categorical.labels', labels, {
    minLength: 2,
    noun: 'an array of at least two labels',
    advice: 'List all labels in the order of the outputs.',
  });
  checkDistinctLabels('categorical.labels', list);
  checks.options('categorical', options, { loss: true, metrics: true }, CLASSIFICATION_ADVICE);
  const { loss = 'categorical_crossentropy', metrics = getDefaultMetrics<M>() } = options;
  return {
    kind: 'categorical',
    units: list.length,
    activation: 'softmax',
    loss: resolveLoss('categorical.loss', loss, { categorical_crossentropy: categoricalCrossentropy }),
    metrics: resolveMetrics('categorical.metrics', metrics, METRICS),
    labels: list,
    targetWidth: list.length,
    encode: (label, path) => {
      const index = findLabelIndex(list, label, path);
      return list.map((_, i) => (i === index ? 1 : 0));
    },
    decode: (output) => {
      const best = list.reduce((top, _, i) => (output[i]! > output[top]! ? i : top), 0);
      return {
        label: list[best]!,
        probability: output[best]!,
        probabilities: Object.fromEntries(list.map((label, i) => [label, output[i]!])) as {
          [K in L[number]]: number;
        },
      };
    },
  };
}

const getDefaultMetrics = <M>() => ['accuracy'] as readonly string[] as readonly M[];

function checkDistinctLabels(path: string, labels: readonly string[]): void {
  checks.distinct(path, labels, { noun: 'different labels', advice: 'Remove the duplicate label.' });
  for (const label of labels) {
    checks.propertyName(path, label, {
      noun: 'labels that objects can contain',
      advice: 'Rename the label.',
    });
    if (typeof label === 'string' && label !== '') continue;
    throw createArgumentError(
      path,
      'labels that are non-empty strings',
      `the label ${formatValue(label)}`,
      'Replace the label with a non-empty string.',
    );
  }
}

function findLabelIndex(labels: readonly string[], label: unknown, path: string): number {
  const index = labels.indexOf(label as string);
  if (index >= 0) return index;
  const nearest = typeof label === 'string' ? didYouMean(label, labels) : undefined;
  throw createDataError(
    path,
    checks.formatOptions(labels),
    formatValue(label),
    nearest ??
      'Fix the label, add it to the labels of the task, or leave it undefined to exclude the image from this task.',
  );
}
