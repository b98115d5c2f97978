import type { TaskRecord } from '../core/records/history.js';
import type { Loss } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';

/**
 * Kind of a task, by what it predicts: a number (`regression`), one of two labels (`binary`), or one of several labels (`categorical`).
 *
 * @category Compose
 */
export type TaskKind = 'regression' | 'binary' | 'categorical';

/**
 * Task of a model: a question about an image. It defines the labels, the output layer (head), the loss and the metrics. {@link regression},
 * {@link binary} and {@link categorical} create tasks. A task is a plain record without state.
 *
 * @category Compose
 */
export interface Task<
  Kind extends TaskKind = TaskKind,
  Target = unknown,
  Prediction = unknown,
  MetricNames extends string = string,
> {
  /** Kind of the task, by what it predicts. */
  readonly kind: Kind;
  /** Number of outputs of the head: 1, or one for each label of a `categorical` task. */
  readonly units: number;
  /** Activation function of the head. */
  readonly activation: 'linear' | 'sigmoid' | 'softmax';
  /** Loss that training minimizes. */
  readonly loss: Loss;
  /** Metrics that are computed in each epoch. Each metric adds columns to the history. */
  readonly metrics: readonly Metric<MetricNames>[];
  /** Unit of the target of a regression task, for figures and tables. */
  readonly unit?: string;
  /** Labels of a classification task, in the order of the outputs. */
  readonly labels?: readonly string[];
  /** Number of values in the encoded target of an image: 1, or one for each label of a `categorical` task (one-hot). */
  readonly targetWidth: number;
  /** Encodes a label as the numbers of the target. Throws a `data` error for an invalid label, with `path` as the path of the error. */
  encode(label: unknown, path: string): readonly number[];
  /** Converts the outputs of the head for one image to a prediction. */
  decode(output: ArrayLike<number>): Prediction;
  /** @hidden Types of the task for type inference. The property never has a value. */
  readonly '~types'?: {
    readonly target: Target;
    readonly prediction: Prediction;
    readonly metric: MetricNames;
  };
}

/**
 * A task of any kind.
 *
 * @category Compose
 */
export type AnyTask = Task<TaskKind, any, any, any>;

/**
 * The tasks of a model, keyed by name, in the order in which they were added.
 *
 * @category Compose
 */
export interface Tasks {
  readonly [name: string]: AnyTask;
}

/**
 * Type of a task's labels: `number`, or a union of string literals.
 *
 * @category Compose
 */
export type TargetOf<T extends AnyTask> = NonNullable<T['~types']>['target'];
/**
 * Type of a task's predictions: `number`, {@link BinaryPrediction} or {@link CategoricalPrediction}.
 *
 * @category Compose
 */
export type PredictionOf<T extends AnyTask> = NonNullable<T['~types']>['prediction'];
/**
 * Type of a task's metric names, for example `'mae' | 'rmse'`.
 *
 * @category Compose
 */
export type MetricOf<T extends AnyTask> = NonNullable<T['~types']>['metric'];

/**
 * Labels of one image for all tasks of a model, for example `{ age: number; gender: 'male' | 'female' }`.
 *
 * @category Compose
 */
export type TargetsOf<T extends Tasks> = { readonly [K in keyof T & string]: TargetOf<T[K]> };
/**
 * Labels of one image, which can be missing for some of the tasks. An image without a label for a task does not count in the loss and
 * metrics of that task.
 *
 * @category Compose
 */
export type LabelsOf<T extends Tasks> = { readonly [K in keyof T & string]?: TargetOf<T[K]> | undefined };
/**
 * Predictions of all tasks of a model for one image, as returned by `predict`.
 *
 * @category Compose
 */
export type PredictionsOf<T extends Tasks> = { readonly [K in keyof T & string]: PredictionOf<T[K]> };

/** Converts a task to the record that figures and tables use. */
export function createTaskRecord(name: string, task: AnyTask): TaskRecord {
  return {
    name,
    kind: task.kind,
    ...(task.unit === undefined ? {} : { unit: task.unit }),
    ...(task.labels === undefined ? {} : { labels: task.labels }),
    metrics: task.metrics.map((metric) => metric.name),
  };
}
