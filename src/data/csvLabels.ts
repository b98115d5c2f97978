import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { LabelReader } from './labelReader.js';

/**
 * Type of a CSV column, which determines how {@link csvLabels} reads its cells:
 *
 * - `Number`: a finite number.
 * - `{ min, max }`: a finite number of at least `min` and at most `max`. Both limits are optional.
 * - `String`: any text, which is returned unchanged.
 * - an array such as `['male', 'female']`: one of these strings, exactly as written.
 * - a function that converts the cell to a label. For an invalid cell, the function must throw an `Error` whose message is a noun phrase
 *   for a valid cell, such as `a year after 1900`.
 *
 * @category Data
 */
export type CsvColumn =
  | {
      /** Smallest valid number. Default: no limit. */
      readonly min?: number;
      /** Largest valid number. Default: no limit. */
      readonly max?: number;
    }
  | readonly string[]
  | ((cell: string) => unknown);

/**
 * Label type of a {@link CsvColumn}, for example `number` for `Number`, or `'male' | 'female'` for `['male', 'female']`.
 *
 * @category Data
 */
export type CsvLabel<C extends CsvColumn> = C extends (cell: string) => infer V
  ? V
  : C extends readonly (infer V)[]
    ? V
    : number;

/**
 * Options for {@link csvLabels}.
 *
 * @category Data
 */
export interface CsvLabelsOptions<C extends { readonly [task: string]: CsvColumn }> {
  /** Name of the column that contains the path of each image, relative to the folder. Default `file`. */
  readonly pathColumn?: string;
  /**
   * Columns that contain labels, and their types. Each key is the name of a column and of its task. An empty cell means that the label is
   * missing.
   */
  readonly columns: C;
}

/**
 * Creates a label reader from the text of a CSV file with a header row. Quoted cells can contain commas, quotes and line breaks (RFC 4180).
 *
 * @param text - Contents of the CSV file.
 * @param options - `columns`: the columns that contain labels, and their types. `pathColumn`: the column of image paths.
 * @returns A reader for `imageFolder` and `imageFiles`. An image without a row in the CSV file has no labels.
 * @throws A `data` error that contains the row and column, for a missing column, an invalid cell, or an image with two rows; an `argument`
 * error for an invalid option.
 * @example
 * ```ts
 * import { csvLabels } from 'tfjs-multitask';
 *
 * const labels = csvLabels('file,age,gender\na.jpg,31,female\n', {
 *   columns: { age: { min: 0, max: 120 }, gender: ['male', 'female'] },
 * });
 * console.log(labels('a.jpg')); // { labels: { age: 31, gender: 'female' } }
 * ```
 * @category Data
 */
export function csvLabels<const C extends { readonly [task: string]: CsvColumn }>(
  text: string,
  options: CsvLabelsOptions<C>,
): LabelReader<{ readonly [K in keyof C]?: CsvLabel<C[K]> }> {
  const advice = "Write csvLabels(text, { columns: { age: Number, gender: ['male', 'female'] } }).";
  checks.text('csvLabels.text', text, {
    noun: 'the text of a CSV file',
    advice: "Read the file as text, for example with readFile(path, 'utf8').",
  });
  checks.options('csvLabels', options, { pathColumn: true, columns: true }, { advice });
  const { pathColumn = 'file', columns } = options;
  checks.string('csvLabels.pathColumn', pathColumn, { advice: "Omit it to use the default, 'file'." });
  checks.record('csvLabels.columns', columns, { noun: 'an object with an entry for each column', advice });
  const [header = [], ...rows] = parseRows(text);
  const findColumn = (name: string) => {
    const index = header.indexOf(name);
    if (index >= 0) return index;
    throw createError({
      kind: 'data',
      path: 'CSV header',
      expected: `a column "${name}"`,
      received: header.some(Boolean) ? `the columns ${header.join(', ')}` : 'an empty file',
      advice:
        didYouMean(name, header) ?? 'Add the column, or rename the entry in `columns` to match the header.',
    });
  };
  const fileColumn = findColumn(pathColumn);
  const readers = Object.entries(columns).map(([name, column]) => ({
    name,
    read: createCellReader(`csvLabels.columns.${name}`, column),
    index: findColumn(name),
  }));
  const labelsByPath = new Map<string, object>();
  rows.forEach((row, i) => {
    const line = `CSV row ${i + 2}`;
    if (row.length !== header.length) {
      throw createError({
        kind: 'data',
        path: line,
        expected: `${header.length} cells`,
        received: `${row.length} cells`,
        advice: 'Quote every cell that contains a comma or a quotation mark.',
      });
    }
    const path = row[fileColumn]!.replace(/^\.\//, '');
    if (labelsByPath.has(path)) {
      throw createError({
        kind: 'data',
        path: line,
        expected: 'one row for each file',
        received: `a second row for ${path}`,
        advice: 'Delete one of the two rows.',
      });
    }
    const labels: { [task: string]: unknown } = {};
    for (const { name, read, index } of readers) {
      const cell = row[index]!;
      if (cell === '') continue;
      try {
        labels[name] = read(cell);
      } catch (cause) {
        throw createError({
          kind: 'data',
          path: `${line}, column ${name}`,
          expected: (cause as Error).message,
          received: JSON.stringify(cell),
          advice: 'Fix the cell, or leave it empty if the label is unknown.',
          cause,
        });
      }
    }
    labelsByPath.set(path, labels);
  });
  return (path) => {
    const labels = labelsByPath.get(path);
    return labels ? { labels: labels as never } : { reason: 'it has no row in the CSV file' };
  };
}

/**
 * Returns the function that converts the cells of a column to labels. For an invalid cell, this function throws an `Error` whose message is
 * a noun phrase for a valid cell.
 */
function createCellReader(path: string, column: unknown): (cell: string) => unknown {
  if (column === Number) return createNumberReader({});
  if (typeof column === 'function') return column as (cell: string) => unknown;
  if (Array.isArray(column) && column.length > 0 && column.every((label) => typeof label === 'string')) {
    return (cell) => {
      if (column.includes(cell)) return cell;
      throw new Error(checks.formatOptions(column));
    };
  }
  if (typeof column !== 'object' || column === null || Array.isArray(column)) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'a column type (Number, String, an array of labels, { min, max } or a function)',
      received: formatValue(column),
      advice: "Write { age: Number, gender: ['male', 'female'] }.",
    });
  }
  checks.options<NumberColumn>(path, column, { min: true, max: true });
  const { min, max } = column as NumberColumn;
  for (const [name, bound] of Object.entries({ min, max })) {
    if (bound === undefined || bound === -Infinity) continue;
    checks.number(`${path}.${name}`, bound, { allowInfinity: true, advice: 'Omit it for no limit.' });
  }
  return createNumberReader(column);
}

type NumberColumn = Extract<CsvColumn, { readonly min?: number }>;

function createNumberReader({ min = -Infinity, max = Infinity }: NumberColumn) {
  const expected =
    min === -Infinity && max === Infinity ? 'a finite number' : `a number from ${min} to ${max}`;
  return (cell: string) => {
    const value = cell.trim() === '' ? Number.NaN : Number(cell);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new Error(expected);
  };
}

/** Splits CSV text into rows of cells (RFC 4180). */
function parseRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cells = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g;
  for (const [, raw = '', end] of text.replace(/^\uFEFF/, '').matchAll(cells)) {
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
