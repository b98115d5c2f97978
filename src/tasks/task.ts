import type { TaskRecord } from '../core/records/history.js';
import type { Loss } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';

/**
 * The kinds of question: a number, one of two answers, one of several.
 *
 * @category Compose
 */
export type TaskKind = 'regression' | 'binary' | 'categorical';

/**
 * One question about an image: what its labels look like, which head answers it, what a wrong answer costs and how
 * the answer is measured. Made by {@link regression}, {@link createBinaryLowering} and {@link categorical}; a plain record without
 * state.
 *
 * @category Compose
 */
export interface Task<
  Kind extends TaskKind = TaskKind,
  Target = unknown,
  Prediction = unknown,
  MetricNames extends string = string,
> {
  /** What kind of question it is. */
  readonly kind: Kind;
  /** Outputs of the head: 1, or one a label. */
  readonly units: number;
  /** Activation of the head. */
  readonly activation: 'linear' | 'sigmoid' | 'softmax';
  /** What a wrong answer costs. */
  readonly loss: Loss;
  /** How answers are measured; each is a column of the history. */
  readonly metrics: readonly Metric<MetricNames>[];
  /** Unit of a regression's target, for figures and tables. */
  readonly unit?: string;
  /** Labels of a classification, in the order of the outputs. */
  readonly labels?: readonly string[];
  /** Numbers per target: 1, or one a label (one-hot). */
  readonly targetWidth: number;
  /** A label as the numbers the loss wants. `path` names the label in errors. Throws a `data` fault for a wrong one. */
  encode(label: unknown, path: string): readonly number[];
  /** The head's `units` numbers as an answer. */
  decode(output: ArrayLike<number>): Prediction;
  /** @internal Types only, never set. */
  readonly '~types'?: {
    readonly target: Target;
    readonly prediction: Prediction;
    readonly metric: MetricNames;
  };
}

/**
 * Any task.
 *
 * @category Compose
 */
export type AnyTask = Task<TaskKind, any, any, any>;

/**
 * Tasks by name, in the order they were composed.
 *
 * @category Compose
 */
export interface Tasks {
  readonly [name: string]: AnyTask;
}

/**
 * The label type of a task.
 *
 * @category Compose
 */
export type TargetOf<T extends AnyTask> = NonNullable<T['~types']>['target'];
/**
 * The answer type of a task.
 *
 * @category Compose
 */
export type PredictionOf<T extends AnyTask> = NonNullable<T['~types']>['prediction'];
/**
 * The metric names of a task.
 *
 * @category Compose
 */
export type MetricOf<T extends AnyTask> = NonNullable<T['~types']>['metric'];

/**
 * Labels of all tasks, as a dataset gives them: `{ age: number; gender: 'male' | 'female' }`.
 *
 * @category Compose
 */
export type TargetsOf<T extends Tasks> = { readonly [K in keyof T & string]: TargetOf<T[K]> };
/**
 * The same with any of them missing: such a label is masked and never counted.
 *
 * @category Compose
 */
export type LabelsOf<T extends Tasks> = { readonly [K in keyof T & string]?: TargetOf<T[K]> | undefined };
/**
 * Answers of all tasks, as `predict` gives them.
 *
 * @category Compose
 */
export type PredictionsOf<T extends Tasks> = { readonly [K in keyof T & string]: PredictionOf<T[K]> };

/** A task as figures and tables see it. */
export function createTaskRecord(name: string, task: AnyTask): TaskRecord {
  return {
    name,
    kind: task.kind,
    ...(task.unit === undefined ? {} : { unit: task.unit }),
    ...(task.labels === undefined ? {} : { labels: task.labels }),
    metrics: task.metrics.map((metric) => metric.name),
  };
}
