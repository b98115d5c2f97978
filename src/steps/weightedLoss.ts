import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { IsWideString, TypeErrorMessage } from '../core/inferenceTypes.js';
import { getOwnValue } from '../core/lookup.js';
import type { AnyTask, TargetOf, Tasks } from '../tasks/task.js';

/**
 * Class weights by task and label, for example `{ gender: { female: 2 } }`. The loss of an image is multiplied by the weight of its label.
 * The default is 1.
 *
 * @category Losses and metrics
 */
export interface ClassWeights {
  readonly [task: string]: { readonly [label: string]: number };
}

// biome-ignore lint/complexity/noBannedTypes: a record without keys, cheaper for the compiler than Record<never, never>
type NoClassWeights = {};

/**
 * The loss that training minimizes: the weighted sum of the task losses, plus the L1 and L2 penalties of the layers.
 *
 * @typeParam W - Loss weights by task.
 * @typeParam C - Class weights by task and label.
 * @category Losses and metrics
 */
export interface WeightedLoss<
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> {
  /** @hidden Marks a weighted loss from any copy of the library. */
  readonly '~loss': 'weighted';
  /** Loss weights by task, each at least 0. */
  readonly weights: W;
  /** Class weights by task and label, each at least 0. A label that is not listed has the weight 1. */
  readonly classWeights: C;
}

/**
 * Options for {@link weightedLoss}.
 *
 * @typeParam C - Class weights by task and label.
 * @category Losses and metrics
 */
export interface WeightedLossOptions<C extends ClassWeights = ClassWeights> {
  /**
   * Class weights by task and label, for classification tasks, each at least 0. The sample weight of an image is multiplied by the weight
   * of its label. Default: 1 for every label.
   */
  readonly classWeights?: C;
}

/**
 * Combines the losses of all tasks into one loss for training and validation: `Σ weight · loss`, plus the L1 and L2 penalties of the
 * layers. This matches `compile(loss_weights=...)` in Keras 3 (trainers/compile_utils.py).
 *
 * The loss of a task is `Σ wᵢ·lᵢ / n` over the `n` labeled images of a batch. Images without a label are masked and do not count. Weights
 * are needed when the losses differ in scale: a squared error in years is in the hundreds, while a cross-entropy is below one.
 *
 * @param weights - The loss weight of every task of the model, each at least 0.
 * @returns A plain record for the `loss` option of `fit` and `evaluate`, which check the names in the record: a missing task, an unknown
 * task and an unknown label are type errors, and `argument` errors at run time.
 * @throws `argument` error for a loss weight or class weight that is not a number of at least 0.
 * @example
 * ```ts
 * import { weightedLoss } from 'tfjs-multitask';
 *
 * const loss = weightedLoss({ age: 1, gender: 50 }, { classWeights: { gender: { female: 1.5 } } });
 * console.log(loss.weights.gender, loss.classWeights.gender.female); // 50 1.5
 * ```
 * @category Losses and metrics
 */
export function weightedLoss<
  const W extends { readonly [task: string]: number },
  const C extends ClassWeights = NoClassWeights,
>(weights: W, options: WeightedLossOptions<C> = {}): WeightedLoss<W, C> {
  checks.record('weightedLoss', weights, {
    noun: 'an object with a weight for each task',
    advice: 'Write weightedLoss({ age: 1, gender: 50 }).',
  });
  const advice = 'Write weightedLoss({ age: 1, gender: 50 }, { classWeights: { gender: { male: 2 } } }).';
  checks.options('weightedLoss', options, { classWeights: true }, { advice });
  const { classWeights = {} as C } = options;
  checks.record('weightedLoss.classWeights', classWeights, {
    noun: 'an object with an object for each task',
    advice,
  });
  for (const [task, labels] of Object.entries(classWeights)) {
    const noun = 'an object with a weight for each label';
    checks.record(`weightedLoss.classWeights.${task}`, labels, { noun, advice });
  }
  const all = [
    ...Object.entries(weights).map(([task, weight]) => [task, weight] as const),
    ...Object.entries(classWeights).flatMap(([task, labels]) =>
      Object.entries(labels).map(([label, weight]) => [`classWeights.${task}.${label}`, weight] as const),
    ),
  ];
  for (const [path, weight] of all) {
    checks.number(`weightedLoss.${path}`, weight, {
      min: 0,
      max: checks.MAX_FLOAT,
      advice: 'Use 1 for an unweighted loss, or 0 to exclude it from the loss.',
    });
  }
  return { '~loss': 'weighted', weights, classWeights };
}

/**
 * Type check for loss weights: `unknown` if their keys are exactly the tasks of the model, otherwise an error message that the compiler
 * prints. Keys that are known only at run time are checked at run time.
 *
 * @category Losses and metrics
 */
export type ValidLossWeights<T extends Tasks, W> =
  IsWideString<keyof W & string> extends true
    ? unknown
    : Exclude<keyof W & string, keyof T> extends infer Unknown extends string
      ? [Unknown] extends [never]
        ? Exclude<keyof T & string, keyof W> extends infer Missing extends string
          ? [Missing] extends [never]
            ? unknown
            : TypeErrorMessage<`weightedLoss: task '${Missing}' has no weight`>
          : never
        : TypeErrorMessage<`weightedLoss: the model has no task '${Unknown}'`>
      : never;

/**
 * Type check for class weights: `unknown` if their keys are tasks of the model and labels of these tasks, otherwise an error message that
 * the compiler prints. Keys that are known only at run time are checked at run time.
 *
 * @category Losses and metrics
 */
export type ValidClassWeights<T extends Tasks, C> = string extends keyof C
  ? unknown
  : [keyof C] extends [never]
    ? unknown
    : { [K in keyof C & string]: InvalidLabels<T, K, keyof C[K] & string> }[keyof C & string] extends infer E
      ? [E] extends [never]
        ? unknown
        : E
      : never;

/** Compiler messages for class weights whose label does not exist in task `K`. `never` if all labels exist. */
type InvalidLabels<T extends Tasks, K extends string, Label extends string> = K extends keyof T
  ? T[K]['kind'] extends 'regression'
    ? TypeErrorMessage<`weightedLoss: task '${K}' is a regression and has no labels`>
    : IsWideString<Label> extends true
      ? never
      : MissingLabelError<K, Exclude<Label, LabelOf<T[K]>>>
  : TypeErrorMessage<`weightedLoss: the model has no task '${K}'`>;

type LabelOf<X extends AnyTask> = TargetOf<X> & string;

type MissingLabelError<K extends string, Label extends string> = Label extends string
  ? TypeErrorMessage<`weightedLoss: task '${K}' has no label '${Label}'`>
  : never;

/** Throws an `argument` error unless `value` is a weighted loss. */
export function checkWeightedLoss(path: string, value: unknown): void {
  const { '~loss': kind } = (value ?? {}) as { readonly '~loss'?: unknown };
  checks.valid(path, value, kind === 'weighted', {
    noun: 'a weighted loss',
    advice: 'Write loss: weightedLoss({ age: 1, gender: 50 }).',
  });
}

/**
 * Throws an `argument` error unless `loss` contains a loss weight for every task of the model and no other tasks, and class weights only
 * for labels of these tasks. This is the run-time check for weights that the compiler cannot see, for example weights from a file.
 */
export function checkLossWeights(
  loss: WeightedLoss<{ readonly [task: string]: number }>,
  tasks: Tasks,
): void {
  const names = Object.keys(tasks);
  for (const [path, given] of [
    ['weightedLoss', Object.keys(loss.weights)],
    ['weightedLoss.classWeights', Object.keys(loss.classWeights)],
  ] as const) {
    const unknown = given.find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    throw createError({
      kind: 'argument',
      path: `${path}.${unknown}`,
      expected: `a task of the model (${names.join(', ')})`,
      received: `"${unknown}"`,
      advice: didYouMean(unknown, names) ?? 'Remove this entry, because the model has no such task.',
    });
  }
  const missing = names.find((name) => getOwnValue(loss.weights, name) === undefined);
  if (missing !== undefined) {
    throw createError({
      kind: 'argument',
      path: `weightedLoss.${missing}`,
      expected: 'a weight for every task',
      received: `no weight for ${missing}`,
      advice: `Add a weight, or write ${missing}: 0 to train without this task.`,
    });
  }
  for (const [task, labels] of Object.entries(loss.classWeights)) {
    const known = tasks[task]!.labels ?? [];
    const unknown = Object.keys(labels).find((label) => !known.includes(label));
    if (unknown === undefined) continue;
    throw createError({
      kind: 'argument',
      path: `weightedLoss.classWeights.${task}.${unknown}`,
      expected: known.length
        ? `a label of the task: ${checks.formatOptions(known)}`
        : 'class weights for classification tasks only, because a regression has no labels',
      received: known.length ? `"${unknown}"` : 'class weights for a regression',
      advice: didYouMean(unknown, known) ?? 'Remove this class weight.',
    });
  }
}
