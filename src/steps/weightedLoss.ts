import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { IsWideString, TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Tasks } from '../tasks/task.js';

/**
 * How much each label of a task's examples counts: `{ gender: { female: 2 } }`; labels left out count 1.
 *
 * @category Losses and metrics
 */
export interface ClassWeights {
  readonly [task: string]: { readonly [label: string]: number };
}

/**
 * What training minimises: `Σ weight(task) · mean loss(task) + L2`.
 *
 * @category Losses and metrics
 */
export interface WeightedLoss<W extends { readonly [task: string]: number }> {
  /** @internal Marks it in any copy of the library. */
  readonly '~loss': 'weighted';
  /** By task, each at least 0. */
  readonly weights: W;
  /** By task and label; what is left out counts 1. */
  readonly classWeights: ClassWeights;
}

/**
 * Options of {@link weightedLoss}.
 *
 * @category Losses and metrics
 */
export interface WeightedLossOptions {
  /** Factors on single labels of classification tasks; they multiply an example's own sample weight. */
  readonly classWeights?: ClassWeights;
}

/**
 * One number from the losses of all tasks: `Σ weight · loss`, plus the L2 penalties of the layers, in training and in
 * validation alike. Same as Keras 3 `compile(loss_weights=...)` (trainers/compile_utils.py).
 *
 * A task's loss is `Σ wᵢ·lᵢ / n` over the `n` labelled examples of a batch; a missing label is masked and never
 * counted. Losses of different units need weights: squared years are hundreds, a cross-entropy is below one.
 *
 * @param weights - One number of at least 0 for every task of the model. A missing or unknown task is a type error
 *   in `fit`, and an `argument` fault from JavaScript.
 * @throws `argument` fault for a weight that is not a number of at least 0.
 * @example
 * ```ts
 * import { weightedLoss } from 'tfjs-multitask';
 *
 * const loss = weightedLoss({ age: 1, gender: 50 }, { classWeights: { gender: { female: 1.5 } } });
 * console.log(loss.weights.gender); // 50
 * ```
 * @category Losses and metrics
 */
export function weightedLoss<const W extends { readonly [task: string]: number }>(
  weights: W,
  { classWeights = {} }: WeightedLossOptions = {},
): WeightedLoss<W> {
  const all = [
    ...Object.entries(weights).map(([task, weight]) => [task, weight] as const),
    ...Object.entries(classWeights).flatMap(([task, labels]) =>
      Object.entries(labels).map(([label, weight]) => [`classWeights.${task}.${label}`, weight] as const),
    ),
  ];
  for (const [path, weight] of all) {
    checks.number(`weightedLoss.${path}`, weight, {
      min: 0,
      advice: 'Give 0 to exclude it from the loss, or 1 for an unscaled loss.',
    });
  }
  return { '~loss': 'weighted', weights, classWeights };
}

/**
 * `unknown` when the weights name exactly the tasks, else a sentence for the compiler to print. Weights that are read at run
 * time name nothing that the compiler knows; they are checked then.
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

/** The same at run time, for JavaScript and for weights from a file. */
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
      advice: didYouMean(unknown, names) ?? 'Remove it, because the model has no such task.',
    });
  }
  const missing = names.find((name) => loss.weights[name] === undefined);
  if (missing !== undefined) {
    throw createError({
      kind: 'argument',
      path: `weightedLoss.${missing}`,
      expected: 'a weight for every task',
      received: `no weight for ${missing}`,
      advice: `Write ${missing}: 0 to train without this task.`,
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
        ? `a label of the task, ${checks.formatOptions(known)}`
        : 'a classification task, because a regression has no labels',
      received: `"${unknown}"`,
      advice: didYouMean(unknown, known) ?? 'Remove it, because the task has no such label.',
    });
  }
}
