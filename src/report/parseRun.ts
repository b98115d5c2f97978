import type { CallSource } from '../core/architecture.js';
import { fault } from '../core/errors.js';
import type { HistoryRow, TaskRecord } from '../core/history.js';
import type { AnswerRecord, GradCamRecord, RunRecord, SplitRecord } from '../core/runRecord.js';
import { tableFrom } from './own.js';

type Reader<T> = (value: unknown, path: string) => T;

class Wrong extends Error {}

const must = (right: boolean, path: string, expected: string) => {
  if (!right) throw new Wrong(`${path} that is ${expected}`);
};
const textOf: Reader<string> = (value, path) => {
  must(typeof value === 'string', path, 'text');
  return value as string;
};
/** JSON has no NaN: it is null there. */
const numberOf: Reader<number> = (value, path) => {
  must(typeof value === 'number' || value === null, path, 'a number or null');
  return (value as number | null) ?? Number.NaN;
};
/** Of images, layers, epochs: no record has more of anything. */
const MOST = 1e12;
const countOf: Reader<number> = (value, path) => {
  must(Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST, path, 'a count');
  return value as number;
};
const listOf =
  <T>(one: Reader<T>): Reader<T[]> =>
  (value, path) => {
    must(Array.isArray(value), path, 'a list');
    return (value as unknown[]).map((part, i) => one(part, `${path}[${i}]`));
  };
const tableOf =
  <T>(one: Reader<T>): Reader<{ [name: string]: T }> =>
  (value, path) => {
    must(typeof value === 'object' && value !== null && !Array.isArray(value), path, 'a table');
    return tableFrom(
      Object.entries(value as object).map(([name, part]) => [name, one(part, `${path}.${name}`)] as const),
    );
  };
const choice =
  <T>(...readers: Reader<T>[]): Reader<T> =>
  (value, path) => {
    for (const [i, reader] of readers.entries()) {
      try {
        return reader(value, path);
      } catch (error) {
        if (i === readers.length - 1) throw error;
      }
    }
    throw new Wrong(path);
  };
const anything: Reader<any> = (value) => value;
const field = <T>(
  from: { readonly [name: string]: unknown },
  name: string,
  path: string,
  read: Reader<T>,
): T => read(from[name], `${path}${path && '.'}${name}`);
const optional = <K extends string, T>(
  from: { readonly [name: string]: unknown },
  name: K,
  path: string,
  read: Reader<T>,
): { [N in K]?: T } =>
  (from[name] === undefined ? {} : { [name]: field(from, name, path, read) }) as { [N in K]?: T };

const KINDS = ['regression', 'binary', 'categorical'];

const taskOf: Reader<TaskRecord> = (value, path) => {
  const task = tableOf(anything)(value, path);
  const kind = field(task, 'kind', path, textOf) as TaskRecord['kind'];
  must(KINDS.includes(kind), `${path}.kind`, KINDS.join(' or '));
  const labels = optional(task, 'labels', path, listOf(textOf));
  must(labels.labels?.length !== 0, `${path}.labels`, 'not empty');
  must(
    (labels.labels === undefined) === (kind === 'regression'),
    `${path}.labels`,
    'there for classes alone',
  );
  return {
    name: field(task, 'name', path, textOf),
    kind,
    ...optional(task, 'unit', path, textOf),
    ...labels,
    metrics: field(task, 'metrics', path, listOf(textOf)),
  };
};

const answerOf: Reader<AnswerRecord> = (value, path) => {
  const answer = tableOf(anything)(value, path);
  return {
    id: field(answer, 'id', path, textOf),
    labels: field(answer, 'labels', path, tableOf(choice<string | number>(textOf, numberOf))),
    answers: field(answer, 'answers', path, tableOf(choice<number | number[]>(listOf(numberOf), numberOf))),
    groups: field(answer, 'groups', path, tableOf(textOf)),
  };
};

const pair =
  <T>(label: Reader<T>): Reader<[T, number]> =>
  (value, path) => {
    must(Array.isArray(value) && value.length === 2, path, 'a pair');
    const [name, count] = value as unknown[];
    return [label(name, `${path}[0]`), countOf(count, `${path}[1]`)];
  };
const splitOf: Reader<SplitRecord> = (value, path) => {
  const split = tableOf(anything)(value, path);
  return {
    size: field(split, 'size', path, countOf),
    labels: field(split, 'labels', path, tableOf(listOf(pair(choice<string | number>(textOf, numberOf))))),
    groups: field(split, 'groups', path, tableOf(listOf(pair(textOf)))),
  };
};

const shapeOf: Reader<number[]> = (value, path) => {
  must(Array.isArray(value) && value.length === 3, path, 'height, width and channels');
  return listOf(countOf)(value, path);
};
const rowOf: Reader<HistoryRow> = (value, path) => {
  const row = tableOf(numberOf)(value, path);
  field(row, 'epoch', path, countOf);
  return row as unknown as HistoryRow;
};

const sourceOf: Reader<CallSource> = (value, path) => {
  const source = tableOf(anything)(value, path);
  return { layer: field(source, 'layer', path, textOf), call: field(source, 'call', path, countOf) };
};
const layerOf: Reader<RunRecord['architecture']['layers'][number]> = (value, path) => {
  const layer = tableOf(anything)(value, path);
  const text = (name: string) => field(layer, name, path, textOf);
  return {
    name: text('name'),
    kind: text('kind'),
    detail: text('detail'),
    outputShape: field(layer, 'outputShape', path, listOf(countOf)),
    parameters: field(layer, 'parameters', path, countOf),
    trainable: layer.trainable === true,
    inputs: field(layer, 'inputs', path, listOf(textOf)),
    calls: field(layer, 'calls', path, listOf(listOf(sourceOf))),
    part: text('part'),
  };
};

/** A record from JSON text, every part of it of the kind it must be: the file may be anybody's. */
export function parseRun(text: string, path: string): RunRecord {
  try {
    const run = tableOf(anything)(JSON.parse(text), 'a record');
    must(run.format === 1, 'a format', '1');
    const architecture = field(run, 'architecture', '', tableOf(anything));
    const data = field(run, 'data', '', tableOf(anything));
    const record = (name: string, value: unknown, ...names: readonly string[]) => {
      const table = tableOf(anything)(value, name);
      return Object.fromEntries(names.map((part) => [part, field(table, part, name, textOf)]));
    };
    const tasks = field(run, 'tasks', '', listOf(taskOf));
    const answers = field(run, 'answers', '', listOf(answerOf));
    return {
      format: 1,
      name: field(run, 'name', '', textOf),
      remarks: field(run, 'remarks', '', listOf(textOf)),
      monitor: field(run, 'monitor', '', textOf),
      ...optional(run, 'keptEpoch', '', countOf),
      ...optional(run, 'stopped', '', textOf),
      tasks,
      rows: field(run, 'rows', '', listOf(rowOf)),
      arguments: field(run, 'arguments', '', tableOf(anything)),
      ...optional(
        run,
        'engine',
        '',
        (value, at) => record(at, value, 'name', 'reason') as { name: string; reason: string },
      ),
      versions: field(run, 'versions', '', tableOf(textOf)),
      architecture: {
        layers: field(architecture, 'layers', 'architecture', listOf(layerOf)),
        parameters: field(architecture, 'parameters', 'architecture', countOf),
        trainableParameters: field(architecture, 'trainableParameters', 'architecture', countOf),
      },
      data: {
        name: field(data, 'name', 'data', textOf),
        shape: field(data, 'shape', 'data', shapeOf),
        skipped: field(data, 'skipped', 'data', countOf),
        train: field(data, 'train', 'data', splitOf),
        ...optional(data, 'validation', 'data', splitOf),
      },
      answers: answers.map((answer) => fitting(answer, tasks)),
      pictures: field(
        run,
        'pictures',
        '',
        listOf((one, at) => record(at, one, 'id', 'file') as { id: string; file: string }),
      ),
      augmented: field(
        run,
        'augmented',
        '',
        listOf((one, at) => {
          const row = tableOf(anything)(one, at);
          return { id: field(row, 'id', at, textOf), files: field(row, 'files', at, listOf(textOf)) };
        }),
      ),
      gradCams: field(
        run,
        'gradCams',
        '',
        listOf((one, at) => record(at, one, 'id', 'task', 'toward', 'image') as unknown as GradCamRecord),
      ),
    };
  } catch (cause) {
    if (!(cause instanceof Wrong || cause instanceof SyntaxError)) throw cause;
    throw fault({
      kind: 'file',
      path,
      expected: cause instanceof Wrong ? cause.message : 'JSON',
      received: cause instanceof Wrong ? 'another' : `text that is not (${(cause as Error).message})`,
      advice: 'The file was changed, or a newer version of the library wrote it.',
      cause,
    });
  }
}

/** The answer, without what does not fit its task: words for a number, other than probabilities for labels. */
function fitting({ labels, answers, ...rest }: AnswerRecord, tasks: readonly TaskRecord[]): AnswerRecord {
  const fits = tasks.filter(({ name, labels: names }) => {
    const answer = answers[name];
    if (!names) return typeof answer === 'number';
    return Array.isArray(answer) && answer.length === names.length && answer.every(isProbability);
  });
  const known = fits.filter(({ name, labels: names }) =>
    names ? names.includes(labels[name] as string) : typeof labels[name] === 'number',
  );
  return {
    ...rest,
    labels: tableFrom(known.map(({ name }) => [name, labels[name]!] as const)),
    answers: tableFrom(fits.map(({ name }) => [name, answers[name]!] as const)),
  };
}

/** Rounding leaves 1 behind by less; NaN is what a network says that has learnt nothing. */
const isProbability = (value: number) => Number.isNaN(value) || (value >= -1e-6 && value <= 1 + 1e-6);
