import { adviceOn, fault, kindOf } from '../core/errors.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { Mistake, Simplify } from '../core/types.js';
import type { Branch, Trunk } from '../layers/parts.js';
import { type ComposedTask, composeNetwork } from '../models/compose.js';
import type { Network } from '../models/network.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { type MultiTaskModel, modelOf } from './model.js';

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
    trunk: HasTrunk extends true ? Mistake<'the trunk is already given'> : Trunk,
  ): MultiTaskBuilder<T, true, HasTask>;

  /**
   * Adds a task: its name (which names the output and the columns of the history), what it asks, and its layers. The
   * head is added by itself.
   *
   * @throws `argument` fault for a name that is taken, or cannot name a column.
   */
  task<const N extends string, X extends AnyTask>(
    name: TaskName<keyof T & string, N>,
    task: X,
    branch: Branch,
  ): MultiTaskBuilder<Simplify<T & { readonly [K in N]: X }>, HasTrunk, true>;

  /**
   * Builds the network and draws its weights.
   *
   * @throws `argument` fault for images too small, a branch that does not end flat, and layers a step cannot run.
   */
  build: HasTask extends true ? () => MultiTaskModel<T> : Mistake<'add at least one task() before build()'>;
}

/** Words that begin, or are, other columns of a history. */
const TAKEN_WORDS = [
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
export type TaskName<Defined, Name extends string> = Name extends Defined
  ? Mistake<`task '${Name}' is already defined`>
  : Name extends (typeof TAKEN_WORDS)[number] | `val_${string}` | `clean_${string}`
    ? Mistake<`'${Name}' cannot name a task: columns of the history are called so`>
    : Defined & (`${Name}_${string}` | Prefixes<Name>) extends infer Clash extends string
      ? [Clash] extends [never]
        ? Name
        : Mistake<`task '${Name}' would share columns with '${Clash}': rename one`>
      : never;

/**
 * Nothing, or sentences where names of `T` may not stand for tasks, alone or beside one another.
 *
 * @category Compose
 */
export type TaskNames<T> = {
  [K in keyof T & string]: Exclude<TaskName<Exclude<keyof T & string, K>, K>, string>;
}[keyof T & string] extends infer Wrong
  ? [Wrong] extends [never]
    ? unknown
    : Wrong
  : never;

/** What stands before an underscore of a name: `a` and `a_b` of `a_b_c`. */
type Prefixes<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? Head | `${Head}_${Prefixes<Rest>}`
  : never;

// biome-ignore lint/complexity/noBannedTypes: no tasks yet; `{}` is what `T & {...}` grows from
type NoTasks = {};

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
export function multiTask({ input, range = [0, 1], seed = 0 }: MultiTaskOptions): MultiTaskBuilder<NoTasks> {
  const whole =
    Array.isArray(input) && input.length === 3 && input.every((side) => Number.isInteger(side) && side > 0);
  if (!whole || (input[2] !== 1 && input[2] !== 3)) {
    throw fault({
      kind: 'argument',
      path: 'multiTask.input',
      expected: '[height, width, channels], channels 1 or 3',
      received: JSON.stringify(input) ?? 'nothing',
      advice: 'Faces of 128 pixels in colour are [128, 128, 3].',
    });
  }
  checkRange('multiTask.range', range);
  return builder({
    input: { shape: input, range },
    seed,
    trunk: undefined,
    tasks: [],
  }) as unknown as MultiTaskBuilder<NoTasks>;
}

/** Throws an `argument` fault unless `range` is two different numbers. */
export function checkRange(path: string, range: PixelRange): void {
  if (Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] !== range[1])
    return;
  throw fault({
    kind: 'argument',
    path,
    expected: 'two different numbers, for black and for white',
    received: JSON.stringify(range) ?? 'nothing',
    advice: 'Leave it out for [0, 1]; a network may want [-1, 1].',
  });
}

interface Composed {
  readonly input: Network['input'];
  readonly seed: number;
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly ComposedTask[];
}

/** The loosely typed builder behind the interface. */
function builder(composed: Composed) {
  const { trunk, tasks } = composed;
  return {
    trunk: (given: Trunk) => {
      if (given?.['~part'] !== 'trunk' || trunk) {
        throw fault({
          kind: 'argument',
          path: 'multiTask().trunk',
          expected: trunk ? 'at most one trunk' : 'sharedTrunk([...])',
          received: trunk ? 'a second one' : kindOf(given),
          advice: trunk
            ? 'Put all shared layers into one list.'
            : adviceOn(given, 'Write .trunk(sharedTrunk([conv(64, 3)])).'),
        });
      }
      return builder({ ...composed, trunk: given });
    },
    task: (name: string, task: AnyTask, branch: Branch) => {
      checkTask(name, task, branch, tasks);
      return builder({ ...composed, tasks: [...tasks, { name, task, branch }] });
    },
    build: () => {
      if (tasks.length === 0) {
        throw fault({
          kind: 'argument',
          path: 'multiTask().build',
          expected: 'at least one task',
          received: 'none',
          advice: "Call .task('age', regression({ unit: 'years' }), branch([...])) first.",
        });
      }
      return modelOf(composeNetwork(composed));
    },
  };
}

const TAKEN: readonly string[] = TAKEN_WORDS;

function checkTask(name: string, task: AnyTask, branch: Branch, tasks: readonly ComposedTask[]): void {
  const path = `task('${name}')`;
  checkNamedTask(
    path,
    name,
    task,
    tasks.map((other) => other.name),
  );
  if (branch?.['~part'] !== 'branch') {
    throw fault({
      kind: 'argument',
      path,
      expected: 'branch([...]) as its layers, the third argument',
      received: kindOf(branch),
      advice: `Write .task('${name}', ${task.kind}(...), branch([flatten(), dense(16)])).`,
    });
  }
}

/** Throws an `argument` fault unless `task` is one, with a name that fits beside those of other tasks. */
export function checkNamedTask(path: string, name: string, task: AnyTask, names: readonly string[]): void {
  const wrong = (expected: string, received: string, advice: string) =>
    fault({ kind: 'argument', path, expected, received, advice });
  if (!/^[A-Za-z]\w*$/.test(name) || TAKEN.includes(name) || /^(val|clean)_/.test(name)) {
    throw wrong(
      'a name of letters, digits and _, that can begin the columns of a history',
      JSON.stringify(name) ?? 'nothing',
      `These are taken: ${TAKEN.join(', ')}.`,
    );
  }
  if (names.includes(name)) {
    throw wrong('a new name', `"${name}", which is already defined`, 'Each question has a name of its own.');
  }
  // `age` and `age_loss` as tasks would share a column.
  const clash = names.find((other) => other.startsWith(`${name}_`) || name.startsWith(`${other}_`));
  if (clash) {
    throw wrong(
      'a name that does not begin another with an underscore',
      `"${name}" beside "${clash}"`,
      'Rename one: their columns and layers could not be told apart.',
    );
  }
  if (typeof task?.encode !== 'function') {
    throw wrong(
      'a task: regression(), binary(), categorical()',
      kindOf(task),
      "Write regression({ unit: 'years' }), or binary(['no', 'yes']).",
    );
  }
}
