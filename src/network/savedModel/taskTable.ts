import * as checks from '../../core/errors/checks.js';
import { createError, createFileError, isMultitaskError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { ImageShape, PixelRange } from '../../core/images.js';
import { type Json, toCanonicalJson } from '../../core/json.js';
import type { TaskRecord } from '../../core/records/history.js';
import type { EvaluationDefaults } from '../../core/records/lastFit.js';
import { binary, categorical } from '../../tasks/classification.js';
import { regression } from '../../tasks/regression.js';
import { type AnyTask, createTaskRecord, type Tasks } from '../../tasks/task.js';
import type { Network, NetworkInput } from '../network.js';

/** Task table in the `model.json` of a saved model: the information about inputs and outputs that the network does not contain. */
export interface TaskTable {
  readonly format: 'tfjs-multitask';
  readonly version: number;
  readonly input: {
    /** Shape of the input images, `[height, width, channels]`. */
    readonly shape: readonly number[];
    /** Range to which pixel values are scaled: the two numbers to which the bytes 0 and 255 are mapped. */
    readonly range: readonly number[];
  };
  /** Tasks in the order of the outputs of the network. */
  readonly tasks: readonly TaskRecord[];
  /** Options of the last `fit` that `evaluate` uses as defaults. Absent for a model that was never trained. */
  readonly evaluation?: EvaluationDefaults;
}

/**
 * Version number of the format of the task table. The number is increased whenever older versions of the library cannot read the new
 * format.
 */
const TABLE_VERSION = 1;

const FOLDER_ADVICE = 'Pass an unchanged folder that save() or bestCheckpoint() wrote.';

/** Creates the task table of a network. */
export function createTaskTable(network: Pick<Network, 'input' | 'tasks' | 'lastFit'>): TaskTable {
  const { defaults } = network.lastFit;
  return {
    format: 'tfjs-multitask',
    version: TABLE_VERSION,
    input: network.input,
    tasks: Object.entries(network.tasks).map(([name, task]) => createTaskRecord(name, task)),
    ...(defaults && { evaluation: defaults }),
  };
}

/**
 * Validates the task table of a saved model. Returns the input and the tasks of the saved network, and the defaults of its `evaluate` if it
 * was trained.
 *
 * @param expected - Tasks that the file must contain. If passed, they are returned, because they can have other losses and metrics than the
 *   defaults.
 * @throws `file` error if the format is unknown, the version is newer than this version of the library, or the tasks differ.
 */
export function parseTaskTable(
  table: TaskTable,
  path: string,
  expected?: Tasks,
): { input: NetworkInput; tasks: Tasks; evaluation: EvaluationDefaults | undefined } {
  if (table?.format !== 'tfjs-multitask') {
    const received = `a file in the format ${formatValue(table?.format)}`;
    throw createFileError(path, 'a file in the format "tfjs-multitask"', received, FOLDER_ADVICE);
  }
  if (typeof table.version !== 'number' || !(table.version <= TABLE_VERSION)) {
    throw createFileError(
      path,
      `a file in format version ${TABLE_VERSION} or lower`,
      `a file in format version ${formatValue(table.version)}`,
      'Update tfjs-multitask to read this file.',
    );
  }
  const { shape, range } = table.input ?? {};
  const isNumberList = (value: unknown, length: number) =>
    Array.isArray(value) && value.length === length && value.every(Number.isFinite);
  if (!isNumberList(shape, 3) || !isNumberList(range, 2))
    throw createFileError(path, 'an input with shape and range', formatValue(table.input), FOLDER_ADVICE);
  checks.list(path, table.tasks, {
    kind: 'file',
    minLength: 1,
    noun: 'an array of tasks',
    advice: FOLDER_ADVICE,
  });
  const tableTasks = Object.fromEntries(
    table.tasks.map((record, i) => [record?.name, parseTask(record ?? {}, `${path}: tasks[${i}]`)]),
  );
  if (expected) checkSameTasks(tableTasks, expected, path);
  return {
    input: { shape: shape as unknown as ImageShape, range: range as unknown as PixelRange },
    tasks: expected ?? tableTasks,
    evaluation:
      table.evaluation === undefined
        ? undefined
        : parseDefaults(table.evaluation, Object.keys(tableTasks), path),
  };
}

/** Validates the defaults of `evaluate`. Throws a `file` error unless there is a weight for each task. */
function parseDefaults(
  defaults: Partial<EvaluationDefaults> | null,
  tasks: readonly string[],
  path: string,
): EvaluationDefaults {
  const { lossWeights, lossAverage, seed } = defaults ?? {};
  const isWeight = (task: string) => {
    const weight = lossWeights && Object.hasOwn(lossWeights, task) ? lossWeights[task] : undefined;
    return Number.isFinite(weight) && weight! >= 0;
  };
  const hasWeights = Object.keys(lossWeights ?? {}).length === tasks.length && tasks.every(isWeight);
  const hasAverage = lossAverage === 'examples' || lossAverage === 'batches';
  if (hasWeights && hasAverage && Number.isInteger(seed) && seed! >= 0)
    return { lossWeights: lossWeights!, lossAverage, seed: seed! };
  throw createFileError(
    `${path}: evaluation`,
    'lossWeights with a number of at least 0 for each task, lossAverage and seed',
    formatValue(defaults),
    FOLDER_ADVICE,
  );
}

/**
 * Creates a task from its record in the task table. Errors for invalid labels or units are converted to `file` errors with the path of the
 * file.
 */
function parseTask(record: TaskRecord, path: string): AnyTask {
  try {
    return createTask(record);
  } catch (cause) {
    if (!isMultitaskError(cause)) throw cause;
    const { expected, received } = cause;
    throw createError({ kind: 'file', path, expected, received, advice: FOLDER_ADVICE, cause });
  }
}

function createTask(record: TaskRecord): AnyTask {
  const labels = record.labels ?? [];
  switch (record.kind) {
    case 'regression':
      return regression({ unit: record.unit ?? 'units' });
    case 'binary':
      return binary(labels as [string, string]);
    case 'categorical':
      return categorical(labels as [string, string, ...string[]]);
    default:
      throw createError({
        kind: 'file',
        path: 'kind',
        expected: '"regression", "binary" or "categorical"',
        received: formatValue((record as { kind: unknown }).kind),
        advice: FOLDER_ADVICE,
      });
  }
}

function checkSameTasks(tableTasks: Tasks, expected: Tasks, path: string): void {
  const toComparable = (tasks: Tasks): Json =>
    Object.entries(tasks).map(([name, { kind, labels }]) => ({ name, kind, labels: labels ?? null }));
  const [expectedJson, tableJson] = [
    toCanonicalJson(toComparable(expected)),
    toCanonicalJson(toComparable(tableTasks)),
  ];
  if (expectedJson !== tableJson)
    throw createFileError(
      path,
      `the tasks ${expectedJson}`,
      `the tasks ${tableJson}`,
      'Omit `tasks` to use the tasks in the file.',
    );
}
