import { createError } from '../../core/errors/errors.js';
import { createTable } from '../../core/lookup.js';
import type { CallSource } from '../../core/records/architecture.js';
import type { HistoryRow, TaskRecord } from '../../core/records/history.js';
import type {
  GradCamRecord,
  PredictionRecord,
  RunRecord,
  SplitRecord,
} from '../../core/records/runRecord.js';

/** Function that checks and converts a JSON value. `path` is the location of the value for error messages, for example `tasks[0].name`. */
type Reader<T> = (value: unknown, path: string) => T;

/**
 * Error for an invalid value in a record. Its message is a noun phrase that describes a valid value, for example
 * `a string as tasks[0].name`.
 */
class InvalidRecordError extends Error {}

const requireThat = (isValid: boolean, path: string, expected: string) => {
  if (!isValid) throw new InvalidRecordError(path === '' ? expected : `${expected} as ${path}`);
};
const readText: Reader<string> = (value, path) => {
  requireThat(typeof value === 'string', path, 'a string');
  return value as string;
};
/** Reads a number. JSON cannot represent NaN, so null is read as NaN. */
const readNumber: Reader<number> = (value, path) => {
  requireThat(typeof value === 'number' || value === null, path, 'a number or null');
  return (value as number | null) ?? Number.NaN;
};
/** Largest plausible number of images, parameters or epochs. */
const MAX_COUNT = 1e12;
const readCount: Reader<number> = (value, path) => {
  requireThat(
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT,
    path,
    'a non-negative integer',
  );
  return value as number;
};
const createListReader =
  <T>(readItem: Reader<T>): Reader<T[]> =>
  (value, path) => {
    requireThat(Array.isArray(value), path, 'an array');
    return (value as unknown[]).map((item, i) => readItem(item, `${path}[${i}]`));
  };
const createTableReader =
  <T>(readEntry: Reader<T>): Reader<{ [name: string]: T }> =>
  (value, path) => {
    requireThat(typeof value === 'object' && value !== null && !Array.isArray(value), path, 'an object');
    return createTable(
      Object.entries(value as object).map(
        ([name, entry]) => [name, readEntry(entry, `${path}.${name}`)] as const,
      ),
    );
  };
const createUnionReader =
  <T>(...readers: Reader<T>[]): Reader<T> =>
  (value, path) => {
    for (const [i, reader] of readers.entries()) {
      try {
        return reader(value, path);
      } catch (error) {
        if (i === readers.length - 1) throw error;
      }
    }
    throw new InvalidRecordError(path);
  };
const readUnchecked: Reader<any> = (value) => value;
const readField = <T>(
  table: { readonly [name: string]: unknown },
  name: string,
  path: string,
  read: Reader<T>,
): T => read(table[name], `${path}${path && '.'}${name}`);
const readOptionalField = <K extends string, T>(
  table: { readonly [name: string]: unknown },
  name: K,
  path: string,
  read: Reader<T>,
): { [N in K]?: T } =>
  (table[name] === undefined ? {} : { [name]: readField(table, name, path, read) }) as { [N in K]?: T };

const TASK_KINDS = ['regression', 'binary', 'categorical'];

const readTask: Reader<TaskRecord> = (value, path) => {
  const task = createTableReader(readUnchecked)(value, path);
  const kind = readField(task, 'kind', path, readText) as TaskRecord['kind'];
  requireThat(TASK_KINDS.includes(kind), `${path}.kind`, TASK_KINDS.join(' or '));
  const labels = readOptionalField(task, 'labels', path, createListReader(readText));
  requireThat(labels.labels?.length !== 0, `${path}.labels`, 'at least one label');
  requireThat(
    (labels.labels === undefined) === (kind === 'regression'),
    `${path}.labels`,
    kind === 'regression' ? 'no labels' : 'the labels of the classification',
  );
  return {
    name: readField(task, 'name', path, readText),
    kind,
    ...readOptionalField(task, 'unit', path, readText),
    ...labels,
    metrics: readField(task, 'metrics', path, createListReader(readText)),
  };
};

const readAnswer: Reader<PredictionRecord> = (value, path) => {
  const answer = createTableReader(readUnchecked)(value, path);
  return {
    id: readField(answer, 'id', path, readText),
    labels: readField(
      answer,
      'labels',
      path,
      createTableReader(createUnionReader<string | number>(readText, readNumber)),
    ),
    answers: readField(
      answer,
      'answers',
      path,
      createTableReader(createUnionReader<number | number[]>(createListReader(readNumber), readNumber)),
    ),
    groups: readField(answer, 'groups', path, createTableReader(readText)),
  };
};

const createPairReader =
  <T>(readLabel: Reader<T>): Reader<[T, number]> =>
  (value, path) => {
    requireThat(Array.isArray(value) && value.length === 2, path, 'a label and a count');
    const [label, count] = value as unknown[];
    return [readLabel(label, `${path}[0]`), readCount(count, `${path}[1]`)];
  };
const readSplit: Reader<SplitRecord> = (value, path) => {
  const split = createTableReader(readUnchecked)(value, path);
  return {
    size: readField(split, 'size', path, readCount),
    labels: readField(
      split,
      'labels',
      path,
      createTableReader(
        createListReader(createPairReader(createUnionReader<string | number>(readText, readNumber))),
      ),
    ),
    groups: readField(split, 'groups', path, createTableReader(createListReader(createPairReader(readText)))),
  };
};

const readShape: Reader<number[]> = (value, path) => {
  requireThat(Array.isArray(value) && value.length === 3, path, 'height, width and channels');
  return createListReader(readCount)(value, path);
};
const readRow: Reader<HistoryRow> = (value, path) => {
  const row = createTableReader(readNumber)(value, path);
  readField(row, 'epoch', path, readCount);
  return row as unknown as HistoryRow;
};

const readCallSource: Reader<CallSource> = (value, path) => {
  const source = createTableReader(readUnchecked)(value, path);
  return {
    layer: readField(source, 'layer', path, readText),
    call: readField(source, 'call', path, readCount),
  };
};
const readLayer: Reader<RunRecord['architecture']['layers'][number]> = (value, path) => {
  const layer = createTableReader(readUnchecked)(value, path);
  const text = (name: string) => readField(layer, name, path, readText);
  return {
    name: text('name'),
    kind: text('kind'),
    detail: text('detail'),
    outputShape: readField(layer, 'outputShape', path, createListReader(readCount)),
    parameters: readField(layer, 'parameters', path, readCount),
    trainable: layer.trainable === true,
    inputs: readField(layer, 'inputs', path, createListReader(readText)),
    calls: readField(layer, 'calls', path, createListReader(createListReader(readCallSource))),
    part: text('part'),
  };
};

/**
 * Reads a record from JSON text, and checks the type of every value, because the file can come from an untrusted source.
 *
 * @param path - Path of the file, for error messages.
 * @throws A `file` error if the text is not JSON or a value has the wrong type. The error reports the position of the value.
 */
export function parseRunRecord(text: string, path: string): RunRecord {
  try {
    const run = createTableReader(readUnchecked)(JSON.parse(text), '');
    requireThat(run.format === 1, 'format', '1');
    const architecture = readField(run, 'architecture', '', createTableReader(readUnchecked));
    const data = readField(run, 'data', '', createTableReader(readUnchecked));
    const readTexts = (value: unknown, at: string, ...fields: readonly string[]) => {
      const table = createTableReader(readUnchecked)(value, at);
      return Object.fromEntries(fields.map((field) => [field, readField(table, field, at, readText)]));
    };
    const tasks = readField(run, 'tasks', '', createListReader(readTask));
    const answers = readField(run, 'answers', '', createListReader(readAnswer));
    return {
      format: 1,
      name: readField(run, 'name', '', readText),
      remarks: readField(run, 'remarks', '', createListReader(readText)),
      monitor: readField(run, 'monitor', '', readText),
      ...readOptionalField(run, 'checkpointEpoch', '', readCount),
      ...readOptionalField(run, 'stopped', '', readText),
      tasks,
      rows: readField(run, 'rows', '', createListReader(readRow)),
      arguments: readField(run, 'arguments', '', createTableReader(readUnchecked)),
      ...readOptionalField(
        run,
        'engine',
        '',
        (value, at) => readTexts(value, at, 'name', 'reason') as { name: string; reason: string },
      ),
      versions: readField(run, 'versions', '', createTableReader(readText)),
      architecture: {
        layers: readField(architecture, 'layers', 'architecture', createListReader(readLayer)),
        parameters: readField(architecture, 'parameters', 'architecture', readCount),
        trainableParameters: readField(architecture, 'trainableParameters', 'architecture', readCount),
      },
      data: {
        name: readField(data, 'name', 'data', readText),
        shape: readField(data, 'shape', 'data', readShape),
        skipped: readField(data, 'skipped', 'data', readCount),
        train: readField(data, 'train', 'data', readSplit),
        ...readOptionalField(data, 'validation', 'data', readSplit),
      },
      answers: answers.map((answer) => removeInvalidValues(answer, tasks)),
      pictures: readField(
        run,
        'pictures',
        '',
        createListReader((value, at) => readTexts(value, at, 'id', 'file') as { id: string; file: string }),
      ),
      augmented: readField(
        run,
        'augmented',
        '',
        createListReader((value, at) => {
          const row = createTableReader(readUnchecked)(value, at);
          return {
            id: readField(row, 'id', at, readText),
            files: readField(row, 'files', at, createListReader(readText)),
          };
        }),
      ),
      gradCams: readField(
        run,
        'gradCams',
        '',
        createListReader(
          (value, at) => readTexts(value, at, 'id', 'task', 'toward', 'image') as unknown as GradCamRecord,
        ),
      ),
    };
  } catch (cause) {
    if (!(cause instanceof InvalidRecordError || cause instanceof SyntaxError)) throw cause;
    throw createError({
      kind: 'file',
      path,
      expected: cause instanceof InvalidRecordError ? cause.message : 'JSON',
      received:
        cause instanceof InvalidRecordError
          ? 'a different value'
          : `invalid JSON (${(cause as Error).message})`,
      advice: 'Restore the original file, or update tfjs-multitask if a newer version wrote it.',
      cause,
    });
  }
}

/** Removes labels and predictions that are invalid for their task, for example a probability below 0 or above 1. */
function removeInvalidValues(
  { labels, answers, ...rest }: PredictionRecord,
  tasks: readonly TaskRecord[],
): PredictionRecord {
  const answeredTasks = tasks.filter(({ name, labels: taskLabels }) => {
    const answer = answers[name];
    if (!taskLabels) return typeof answer === 'number';
    return Array.isArray(answer) && answer.length === taskLabels.length && answer.every(isProbability);
  });
  const labeledTasks = answeredTasks.filter(({ name, labels: taskLabels }) =>
    taskLabels ? taskLabels.includes(labels[name] as string) : typeof labels[name] === 'number',
  );
  return {
    ...rest,
    labels: createTable(labeledTasks.map(({ name }) => [name, labels[name]!] as const)),
    answers: createTable(answeredTasks.map(({ name }) => [name, answers[name]!] as const)),
  };
}

/**
 * Returns whether a number can be a probability, with a tolerance for rounding errors. NaN is allowed, because a diverged network predicts
 * NaN.
 */
const isProbability = (value: number) => Number.isNaN(value) || (value >= -1e-6 && value <= 1 + 1e-6);
