import { fault, isMultitaskError } from '../core/errors.js';
import type { TaskRecord } from '../core/history.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import { canonical, type Json } from '../core/json.js';
import type { Network, NetworkInput } from '../models/network.js';
import { binary, categorical } from '../tasks/classification.js';
import { regression } from '../tasks/regression.js';
import { type AnyTask, type Tasks, taskRecord } from '../tasks/task.js';

/** `tasks.json`: what a page or a program needs beside the network. */
export interface TaskTable {
  readonly format: 'tfjs-multitask';
  readonly version: number;
  readonly input: {
    /** `[height, width, channels]`. */
    readonly shape: readonly number[];
    /** What 0 and 255 become. */
    readonly range: readonly number[];
  };
  /** In the order of the network's outputs. */
  readonly tasks: readonly TaskRecord[];
}

/** Number of the table's layout; raised when an older reader could not read a newer table. */
const VERSION = 1;

const WRITTEN = 'Give a folder that save() or bestCheckpoint() wrote, as it was written.';

/** The table of a network. */
export function taskTable(network: Network): TaskTable {
  return {
    format: 'tfjs-multitask',
    version: VERSION,
    input: network.input,
    tasks: Object.entries(network.tasks).map(([name, task]) => taskRecord(name, task)),
  };
}

/**
 * A table from a file, checked; with `expected`, against the tasks the caller knows.
 *
 * @throws `file` fault for another format, a newer version, or tasks that differ.
 */
export function checkTaskTable(
  table: TaskTable,
  path: string,
  expected?: Tasks,
): { input: NetworkInput; tasks: Tasks } {
  const wrong = (wanted: string, received: string | undefined, advice = WRITTEN) =>
    fault({ kind: 'file', path, expected: wanted, received: received ?? 'nothing', advice });
  if (table?.format !== 'tfjs-multitask') {
    throw wrong('"format": "tfjs-multitask"', JSON.stringify(table?.format));
  }
  if (!(table.version <= VERSION)) {
    throw wrong(`version ${VERSION} or lower`, String(table.version), 'Update tfjs-multitask to read it.');
  }
  const { shape, range } = table.input ?? {};
  const numbers = (value: unknown, length: number) =>
    Array.isArray(value) && value.length === length && value.every(Number.isFinite);
  if (!numbers(shape, 3) || !numbers(range, 2))
    throw wrong('an input with shape and range', JSON.stringify(table.input));
  if (!Array.isArray(table.tasks) || table.tasks.length === 0)
    throw wrong('a list of tasks', JSON.stringify(table.tasks));
  const made = Object.fromEntries(
    table.tasks.map((record, i) => [record?.name, taskOf(record ?? {}, `${path}: tasks[${i}]`)]),
  );
  if (expected) checkSame(made, expected, wrong);
  return {
    input: { shape: shape as unknown as ImageShape, range: range as unknown as PixelRange },
    tasks: expected ?? made,
  };
}

/** A task from its record; what makes it refuses wrong labels and units, and is told with the file's name here. */
function taskOf(record: TaskRecord, path: string): AnyTask {
  try {
    return taskFrom(record);
  } catch (cause) {
    if (!isMultitaskError(cause)) throw cause;
    const { expected, received } = cause;
    throw fault({ kind: 'file', path, expected, received, advice: WRITTEN, cause });
  }
}

function taskFrom(record: TaskRecord): AnyTask {
  const labels = record.labels ?? [];
  switch (record.kind) {
    case 'regression':
      return regression({ unit: record.unit ?? 'units' });
    case 'binary':
      return binary(labels as [string, string]);
    case 'categorical':
      return categorical(labels as [string, string, ...string[]]);
    default:
      throw fault({
        kind: 'file',
        path: 'kind',
        expected: 'regression, binary or categorical',
        received: JSON.stringify((record as { kind: unknown }).kind) ?? 'nothing',
        advice: WRITTEN,
      });
  }
}

function checkSame(
  made: Tasks,
  expected: Tasks,
  wrong: (wanted: string, received: string, advice?: string) => Error,
): void {
  const shape = (tasks: Tasks): Json =>
    Object.entries(tasks).map(([name, { kind, labels }]) => ({ name, kind, labels: labels ?? null }));
  const [want, have] = [canonical(shape(expected)), canonical(shape(made))];
  if (want !== have)
    throw wrong(`the tasks ${want}`, have, 'Leave `tasks` out to take them from the folder.');
}
