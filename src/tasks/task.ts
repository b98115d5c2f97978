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
 * A question about an image: the format of its labels, the head that answers it, the loss and the metrics. {@link regression},
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
  /** Kind of the task. */
  readonly kind: Kind;
  /** Number of outputs of the head: 1, or one for each label of a `categorical` task. */
  readonly units: number;
  /** Activation of the head. */
  readonly activation: 'linear' | 'sigmoid' | 'softmax';
  /** Loss of the answers. */
  readonly loss: Loss;
  /** Metrics of the answers. Each is a column of the history. */
  readonly metrics: readonly Metric<MetricNames>[];
  /** Unit of a regression's target, for figures and tables. */
  readonly unit?: string;
  /** Labels of a classification, in the order of the outputs. */
  readonly labels?: readonly string[];
  /** Number of values of a target: 1, or one for each label of a `categorical` task (one-hot). */
  readonly targetWidth: number;
  /** Converts a label to the numbers of the target. Throws a `data` error with `path` for an invalid label. */
  encode(label: unknown, path: string): readonly number[];
  /** Converts the outputs of the head to an answer. */
  decode(output: ArrayLike<number>): Prediction;
  /** @internal Carries types, never a value. */
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
 * The tasks of a model by name, in the order in which they were added.
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
 * Answer type of a task: `number`, {@link BinaryPrediction} or {@link CategoricalPrediction}.
 *
 * @category Compose
 */
export type PredictionOf<T extends AnyTask> = NonNullable<T['~types']>['prediction'];
/**
 * Metric names of a task: `'mae' | 'rmse'`.
 *
 * @category Compose
 */
export type MetricOf<T extends AnyTask> = NonNullable<T['~types']>['metric'];

/**
 * Labels of an image for all tasks of a model: `{ age: number; gender: 'male' | 'female' }`.
 *
 * @category Compose
 */
export type TargetsOf<T extends Tasks> = { readonly [K in keyof T & string]: TargetOf<T[K]> };
/**
 * Labels of an image for some of the tasks of a model. A missing label is masked: it counts in no loss and no metric.
 *
 * @category Compose
 */
export type LabelsOf<T extends Tasks> = { readonly [K in keyof T & string]?: TargetOf<T[K]> | undefined };
/**
 * Answers to all tasks of a model for one image, as `predict` returns them.
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
