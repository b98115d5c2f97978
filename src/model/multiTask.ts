import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { Simplify, TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Platform } from '../core/platform/platform.js';
import type { Branch, Trunk } from '../layers/trunkAndBranch.js';
import { buildNetwork, type TaskDefinition } from '../network/buildNetwork.js';
import type { Network } from '../network/network.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { createModel, type MultiTaskModel } from './multiTaskModel.js';

/**
 * Options of {@link multiTask}.
 *
 * @category Compose
 */
export interface MultiTaskOptions {
  /** `[height, width, channels]` of the images, in pixels; channels 3 (RGB) or 1 (grey). */
  readonly input: ImageShape;
  /** What the bytes 0 and 255 become at the network's door. Default `[0, 1]`. */
  readonly range?: PixelRange;
  /** Names the initial weights. Default 0: the same network every time. */
  readonly seed?: number;
}

/**
 * A network being composed. Every call returns a new builder and leaves the old one as it was, so that one beginning
 * can serve several networks.
 *
 * @category Compose
 */
export interface MultiTaskBuilder<
  T extends Tasks,
  HasTrunk extends boolean = false,
  HasTask extends boolean = false,
> {
  /** The layers that all tasks share. Without it the branches begin at the image. At most once. */
  trunk(
    trunk: HasTrunk extends true ? TypeErrorMessage<'the trunk is already given'> : Trunk,
  ): MultiTaskBuilder<T, true, HasTask>;

  /**
   * Adds a task: its name (which names the output and the columns of the history), what it asks, and its layers. The
   * head is added by itself.
   *
   * @throws `argument` fault for a name that is taken, or cannot name a column.
   */
  task<const N extends string, X extends AnyTask>(
    name: ValidTaskName<keyof T & string, N>,
    task: X,
    branch: Branch,
  ): MultiTaskBuilder<Simplify<T & { readonly [K in N]: X }>, HasTrunk, true>;

  /**
   * Builds the network and draws its weights.
   *
   * @throws `argument` fault for images too small, a branch that does not end flat, and layers a step cannot run.
   */
  build: HasTask extends true
    ? () => MultiTaskModel<T>
    : TypeErrorMessage<'add at least one task() before build()'>;
}

/** Words that begin, or are, other columns of a history. */
const RESERVED_NAMES = [
  'val',
  'clean',
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
 * `Name` itself, or a sentence where no task beside `Defined` may have it: it is taken, or its columns would be theirs.
 *
 * @category Compose
 */
export type ValidTaskName<Defined, Name extends string> = Name extends Defined
  ? TypeErrorMessage<`task '${Name}' is already defined`>
  : Name extends (typeof RESERVED_NAMES)[number] | `val_${string}` | `clean_${string}`
    ? TypeErrorMessage<`'${Name}' cannot name a task: columns of the history are called so`>
    : Defined & (`${Name}_${string}` | NamePrefixes<Name>) extends infer Clash extends string
      ? [Clash] extends [never]
        ? Name
        : TypeErrorMessage<`task '${Name}' would share columns with '${Clash}': rename one`>
      : never;

/**
 * Nothing, or sentences where names of `T` may not stand for tasks, alone or beside one another.
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

/** What stands before an underscore of a name: `a` and `a_b` of `a_b_c`. */
type NamePrefixes<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? Head | `${Head}_${NamePrefixes<Rest>}`
  : never;

// biome-ignore lint/complexity/noBannedTypes: no tasks yet; `{}` is what `T & {...}` grows from
type NoTasks = {};

/** The `multiTask` function of an entry. */
export interface MultiTask {
  /**
   * Begins a network that answers several questions about each image: a trunk that all share, then a branch a task.
   *
   * @throws `argument` fault for an input that is not three whole numbers, or a range of one number.
   * @example
   * ```ts
   * import { binary, branch, conv, dense, flatten, maxPool, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
   *
   * const face = () => branch([conv(8, 3), flatten(), dense(16)]);
   * const model = multiTask({ input: [32, 32, 3] })
   *   .trunk(sharedTrunk([conv(8, 3), maxPool(2)]))
   *   .task('age', regression({ unit: 'years' }), face())
   *   .task('gender', binary(['male', 'female']), face())
   *   .build();
   * console.log(model.layersModel.outputNames); // ['age', 'gender']
   * ```
   * @category Compose
   */
  (options: MultiTaskOptions): MultiTaskBuilder<NoTasks>;
}

/** Creates the {@link MultiTask} function of a platform, which its models use to start engines and read images. */
export function createMultiTask(platform: Platform): MultiTask {
  return ({ input, range = [0, 1], seed = 0 }) => {
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

/** Throws an `argument` fault unless `range` is two different numbers. */
export function checkPixelRange(path: string, range: PixelRange): void {
  if (Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] !== range[1])
    return;
  throw createError({
    kind: 'argument',
    path,
    expected: '[black, white] as two different numbers',
    received: formatValue(range),
    advice: 'Omit it to use the default, [0, 1], or write [-1, 1] for a network that expects that range.',
  });
}

interface BuilderState {
  readonly input: Network['input'];
  readonly seed: number;
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly TaskDefinition[];
}

/** The loosely typed builder behind the interface. */
function createBuilder(platform: Platform, composed: BuilderState) {
  const { trunk, tasks } = composed;
  return {
    trunk: (given: Trunk) => {
      if (given?.['~part'] !== 'trunk' || trunk) {
        throw createError({
          kind: 'argument',
          path: 'multiTask().trunk',
          expected: trunk ? 'at most one trunk' : 'a trunk, sharedTrunk([...])',
          received: trunk ? 'a second trunk' : describeType(given),
          advice: trunk
            ? 'Put all shared layers into one array.'
            : suggestAwait(given, 'Write .trunk(sharedTrunk([conv(64, 3)])).'),
        });
      }
      return createBuilder(platform, { ...composed, trunk: given });
    },
    task: (name: string, task: AnyTask, branch: Branch) => {
      checkTaskArguments(name, task, branch, tasks);
      return createBuilder(platform, { ...composed, tasks: [...tasks, { name, task, branch }] });
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
      return createModel(platform, buildNetwork(composed));
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
      expected: 'a branch as the third argument, branch([...])',
      received: describeType(branch),
      advice: `Write .task('${name}', ${task.kind}(...), branch([flatten(), dense(16)])).`,
    });
  }
}

/** Throws an `argument` fault unless `task` is one, with a name that fits beside those of other tasks. */
export function checkNamedTask(path: string, name: string, task: AnyTask, names: readonly string[]): void {
  if (!/^[A-Za-z]\w*$/.test(name) || RESERVED_NAME_LIST.includes(name) || /^(val|clean)_/.test(name)) {
    throw createArgumentError(
      path,
      'a task name of letters, digits and _ that is not reserved for history columns',
      formatValue(name),
      `Choose a name that starts with a letter and is none of ${RESERVED_NAME_LIST.join(', ')}.`,
    );
  }
  if (names.includes(name)) {
    throw createArgumentError(
      path,
      'a new task name',
      `"${name}", which is already defined`,
      'Give each task its own name.',
    );
  }
  // `age` and `age_loss` as tasks would share a column.
  const clash = names.find((other) => other.startsWith(`${name}_`) || name.startsWith(`${other}_`));
  if (clash) {
    throw createArgumentError(
      path,
      'a task name that is not a prefix of another, followed by an underscore',
      `"${name}" in addition to "${clash}"`,
      'Rename one of the two, because their columns and layers would have the same names.',
    );
  }
  if (typeof task?.encode !== 'function') {
    throw createArgumentError(
      path,
      'a task, regression(), binary() or categorical()',
      describeType(task),
      "Write regression({ unit: 'years' }), or binary(['no', 'yes']).",
    );
  }
}
