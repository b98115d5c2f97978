import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { Simplify, TypeErrorMessage } from '../core/inferenceTypes.js';
import { isInheritedName } from '../core/lookup.js';
import type { Platform } from '../core/platform/platform.js';
import type { Branch, Trunk } from '../layers/trunkAndBranch.js';
import { buildNetwork, type TaskDefinition } from '../network/buildNetwork.js';
import type { Network } from '../network/network.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { createModel, type MultiTaskModel } from './multiTaskModel.js';

/**
 * Options for {@link multiTask}.
 *
 * @category Compose
 */
export interface MultiTaskOptions {
  /** Shape of the images, `[height, width, channels]`, in pixels. The number of channels is 3 (RGB) or 1 (grayscale). */
  readonly input: ImageShape;
  /** Pixel range that the first layer receives: the numbers to which the pixel values 0 and 255 are mapped. Default: `[0, 1]`. */
  readonly range?: PixelRange;
  /** Seed for weight initialization. The same seed results in the same initial weights. Default: 0. */
  readonly seed?: number;
}

/**
 * Builder of a network. A builder is immutable: every call returns a new builder, so you can build several networks from a shared builder.
 *
 * @typeParam T - Tasks that are defined so far.
 * @typeParam HasTrunk - Whether the trunk is defined.
 * @typeParam HasTask - Whether there is at least one task.
 *
 * @category Compose
 */
export interface MultiTaskBuilder<
  T extends Tasks,
  HasTrunk extends boolean = false,
  HasTask extends boolean = false,
> {
  /**
   * Defines the layers that all tasks share. Without a trunk, the branches receive the image. This method can be called at most once.
   *
   * @throws An `argument` error if a trunk is already defined, or if the value is not a trunk.
   */
  trunk(
    trunk: HasTrunk extends true ? TypeErrorMessage<'the trunk is already defined'> : Trunk,
  ): MultiTaskBuilder<T, true, HasTask>;

  /**
   * Adds a task. The layers of `branch` are followed by the task's output layer, which the builder adds.
   *
   * @param name - Name of the task. It is also the name of the model's output and the prefix of the task's history columns.
   * @param task - Type of the task: `regression()`, `binary()` or `categorical()`.
   * @param branch - Layers that only this task uses, before its output layer.
   * @throws An `argument` error if another task already has the name, or if the name would result in ambiguous history columns.
   */
  task<const N extends string, X extends AnyTask>(
    name: ValidTaskName<keyof T & string, N>,
    task: X,
    branch: Branch,
  ): MultiTaskBuilder<Simplify<T & { readonly [K in N]: X }>, HasTrunk, true>;

  /**
   * Builds the network and initializes its weights.
   *
   * @throws An `argument` error if the images are too small for the layers, if the output of a branch is not flat, or if a layer does not
   *   support training.
   */
  build: HasTask extends true
    ? () => MultiTaskModel<T>
    : TypeErrorMessage<'add at least one task() before build()'>;
}

/** Names that a task cannot have, because history columns or layers have these names or prefixes. */
const RESERVED_NAMES = [
  'val',
  'unaugmented',
  'epoch',
  'seconds',
  'loss',
  'learning_rate',
  'learning',
  'trunk',
  'image',
  'input',
] as const;

/**
 * Resolves to `Name` if a task with this name can be added to the tasks `Defined`. Otherwise, resolves to an error message that the
 * compiler prints: the name is reserved or already defined, or its history columns would have the same names as those of another task.
 *
 * @category Compose
 */
export type ValidTaskName<Defined, Name extends string> = Name extends Defined
  ? TypeErrorMessage<`task '${Name}' is already defined`>
  : Name extends (typeof RESERVED_NAMES)[number] | `val_${string}` | `unaugmented_${string}`
    ? TypeErrorMessage<`'${Name}' cannot be the name of a task: it is reserved for history columns`>
    : Defined & (`${Name}_${string}` | NamePrefixes<Name>) extends infer Clash extends string
      ? [Clash] extends [never]
        ? Name
        : TypeErrorMessage<`task '${Name}' would share columns with '${Clash}': rename one`>
      : never;

/**
 * Resolves to `unknown` if the names of all tasks in `T` are valid, otherwise to error messages that the compiler prints.
 *
 * @category Compose
 */
export type ValidTaskNames<T> = {
  [K in keyof T & string]: Exclude<ValidTaskName<Exclude<keyof T & string, K>, K>, string>;
}[keyof T & string] extends infer Wrong
  ? [Wrong] extends [never]
    ? unknown
    : Wrong
  : never;

/** All prefixes of a name that end before an underscore, for example `a` and `a_b` for `a_b_c`. */
type NamePrefixes<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? Head | `${Head}_${NamePrefixes<Rest>}`
  : never;

// biome-ignore lint/complexity/noBannedTypes: a record without tasks, which `task()` extends by intersection
type NoTasks = {};

/** Type of the `multiTask` function. */
export interface MultiTask {
  /**
   * Creates a builder for a network that predicts several tasks for each image. All tasks share a trunk, and each task has its own branch.
   *
   * @returns A builder. Its methods `trunk`, `task` and `build` define the network.
   * @throws An `argument` error if `input` is not the shape of an image, or if `range` does not consist of two different numbers.
   * @example
   * ```ts
   * import { binary, branch, conv, dense, flatten, maxPool, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
   *
   * const faceBranch = () => branch([conv(8, 3), flatten(), dense(16)]);
   * const model = multiTask({ input: [32, 32, 3] })
   *   .trunk(sharedTrunk([conv(8, 3), maxPool(2)]))
   *   .task('age', regression({ unit: 'years' }), faceBranch())
   *   .task('gender', binary(['male', 'female']), faceBranch())
   *   .build();
   * console.log(model.layersModel.outputNames); // ['age', 'gender']
   * ```
   * @category Compose
   */
  (options: MultiTaskOptions): MultiTaskBuilder<NoTasks>;
}

/** Creates the `multiTask` function for a platform. Models that are built with it use the platform to start engines and read images. */
export function createMultiTask(platform: Platform): MultiTask {
  return (options) => {
    checks.options(
      'multiTask',
      options,
      { input: true, range: true, seed: true },
      {
        advice: 'Write multiTask({ input: [128, 128, 3] }).',
      },
    );
    const { input, range = [0, 1], seed = 0 } = options;
    checks.integer('multiTask.seed', seed, { defaultValue: 0 });
    const inputOptions = {
      noun: '[height, width, channels] with 1 or 3 channels',
      advice: 'For color images of 128x128 pixels, write [128, 128, 3].',
    };
    checks.shape('multiTask.input', input, ['height', 'width', 'channels'], inputOptions);
    if (input[2] !== 1 && input[2] !== 3) {
      const received = formatValue(input);
      throw createArgumentError('multiTask.input', inputOptions.noun, received, inputOptions.advice);
    }
    checkPixelRange('multiTask.range', range);
    return createBuilder(platform, {
      input: { shape: input, range },
      seed,
      trunk: undefined,
      tasks: [],
    }) as unknown as MultiTaskBuilder<NoTasks>;
  };
}

/** Throws an `argument` error unless `range` consists of two different numbers. */
export function checkPixelRange(path: string, range: PixelRange): void {
  if (Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] !== range[1])
    return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'a range [black, white] of two different numbers',
    received: formatValue(range),
    advice:
      'Omit the range to use the default, [0, 1], or write [-1, 1] for a network that expects that range.',
  });
}

interface BuilderState {
  readonly input: Network['input'];
  readonly seed: number;
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly TaskDefinition[];
}

/** Creates a builder that implements {@link MultiTaskBuilder}. The implementation uses less precise types than the interface. */
function createBuilder(platform: Platform, state: BuilderState) {
  const { trunk, tasks } = state;
  return {
    trunk: (newTrunk: Trunk) => {
      if (newTrunk?.['~part'] !== 'trunk' || trunk) {
        throw createError({
          kind: 'argument',
          path: 'multiTask().trunk',
          expected: trunk ? 'at most one trunk' : 'a trunk created with sharedTrunk([...])',
          received: trunk ? 'a second trunk' : describeType(newTrunk),
          advice: trunk
            ? 'Put all shared layers into one array.'
            : suggestAwait(newTrunk, 'Write .trunk(sharedTrunk([conv(64, 3)])).'),
        });
      }
      return createBuilder(platform, { ...state, trunk: newTrunk });
    },
    task: (name: string, task: AnyTask, branch: Branch) => {
      checkTaskArguments(name, task, branch, tasks);
      return createBuilder(platform, { ...state, tasks: [...tasks, { name, task, branch }] });
    },
    build: () => {
      if (tasks.length === 0) {
        throw createError({
          kind: 'argument',
          path: 'multiTask().build',
          expected: 'at least one task',
          received: 'no tasks',
          advice: "Call .task('age', regression({ unit: 'years' }), branch([...])) first.",
        });
      }
      return createModel(platform, buildNetwork(state));
    },
  };
}

const RESERVED_NAME_LIST: readonly string[] = RESERVED_NAMES;

function checkTaskArguments(
  name: string,
  task: AnyTask,
  branch: Branch,
  tasks: readonly TaskDefinition[],
): void {
  const path = `task('${name}')`;
  checkNamedTask(
    path,
    name,
    task,
    tasks.map((other) => other.name),
  );
  if (branch?.['~part'] !== 'branch') {
    throw createError({
      kind: 'argument',
      path,
      expected: 'a branch created with branch([...]) as the third argument',
      received: describeType(branch),
      advice: `Write .task('${name}', ${task.kind}(...), branch([flatten(), dense(16)])).`,
    });
  }
}

/** Throws an `argument` error if `task` is not a task, or if its name is invalid or conflicts with one of `otherNames`. */
export function checkNamedTask(
  path: string,
  name: string,
  task: AnyTask,
  otherNames: readonly string[],
): void {
  if (
    typeof name !== 'string' ||
    !/^[A-Za-z]\w*$/.test(name) ||
    RESERVED_NAME_LIST.includes(name) ||
    /^(val|unaugmented)_/.test(name)
  ) {
    throw createArgumentError(
      path,
      'a task name that consists of letters, digits and _ and is not reserved for history columns',
      formatValue(name),
      `Choose a name that starts with a letter and is not one of ${RESERVED_NAME_LIST.join(', ')}.`,
    );
  }
  if (isInheritedName(name)) {
    throw createArgumentError(
      path,
      'a task name that is not a property of every JavaScript object',
      formatValue(name),
      'Choose another name. TensorFlow.js could not open a saved model with an output of this name.',
    );
  }
  if (otherNames.includes(name)) {
    throw createArgumentError(
      path,
      'a task name that is not in use',
      `"${name}", the name of another task`,
      'Choose a different name for each task.',
    );
  }
  // The tasks `age` and `age_loss` would both have a column `age_loss`.
  const clash = otherNames.find((other) => other.startsWith(`${name}_`) || name.startsWith(`${other}_`));
  if (clash) {
    throw createArgumentError(
      path,
      'task names that do not start with another task name and an underscore',
      `the task names "${name}" and "${clash}"`,
      'Rename one of the two tasks. Otherwise, their history columns and layers could have the same names.',
    );
  }
  if (typeof task?.encode !== 'function') {
    throw createArgumentError(
      path,
      'a task created with regression(), binary() or categorical()',
      describeType(task),
      "Write regression({ unit: 'years' }), or binary(['no', 'yes']).",
    );
  }
}
