import type { TaskRecord } from '../core/records/history.js';
import type { Loss } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';

/**
 * Kind of a task: a number, one of two labels, or one of several labels.
 *
 * @category Compose
 */
export type TaskKind = 'regression' | 'binary' | 'categorical';

/**
 * A question about an image. A task defines the format of the labels, the head that makes the prediction, the loss and the metrics. {@link
 * regression}, {@link binary} and {@link categorical} create tasks. A task is a plain record without state.
 *
 * @category Compose
 */
export interface Task<
  Kind extends TaskKind = TaskKind,
  Target = unknown,
  Prediction = unknown,
  MetricNames extends string = string,
> {
  /** Kind of the task. */
  readonly kind: Kind;
  /** Number of outputs of the head: 1, or one for each label of a `categorical` task. */
  readonly units: number;
  /** Activation of the head. */
  readonly activation: 'linear' | 'sigmoid' | 'softmax';
  /** Loss of the predictions. */
  readonly loss: Loss;
  /** Metrics of the predictions. Each metric is a column of the history. */
  readonly metrics: readonly Metric<MetricNames>[];
  /** Unit of a regression's target, for figures and tables. */
  readonly unit?: string;
  /** Labels of a classification, in the order of the outputs. */
  readonly labels?: readonly string[];
  /** Number of values of a target: 1, or one for each label of a `categorical` task (one-hot). */
  readonly targetWidth: number;
  /** Converts a label to the numbers of the target. Throws a `data` error with `path` for an invalid label. */
  encode(label: unknown, path: string): readonly number[];
  /** Converts the outputs of the head to a prediction. */
  decode(output: ArrayLike<number>): Prediction;
  /** @internal Carries types only; the property never has a value. */
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
 * Label type of a task: `number`, or a union of labels.
 *
 * @category Compose
 */
export type TargetOf<T extends AnyTask> = NonNullable<T['~types']>['target'];
/**
 * Prediction type of a task: `number`, {@link BinaryPrediction} or {@link CategoricalPrediction}.
 *
 * @category Compose
 */
export type PredictionOf<T extends AnyTask> = NonNullable<T['~types']>['prediction'];
/**
 * Metric names of a task, for example `'mae' | 'rmse'`.
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
 * Labels of one image for some of the tasks of a model. A missing label is masked: the image does not count in the loss and metrics of that
 * task.
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
