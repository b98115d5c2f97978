import * as checks from '../core/errors/checks.js';
import { describeThrown } from '../core/errors/describeThrown.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { SkippedFile } from './dataset.js';
import type { LabelReader } from './labelReader.js';
import { parseCsv } from './parseCsv.js';
import { parseDecimal } from './parseDecimal.js';

/**
 * Type of a CSV column, which determines how {@link csvLabels} reads its cells:
 *
 * - `Number`: a finite decimal number, such as `31`, `-0.5` or `1e-3`. Other notations, for example `0x1F`, are errors, and so is a number
 *   that is too small for a double, which would be 0.
 * - `{ min, max }`: such a number of at least `min` and at most `max`. Both limits are optional.
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
 * A path in the file matches an image if both have the same parts: `\` is read as `/`, and Unicode forms (NFC, NFD) do not differ.
 * `imageFolder` and `imageFiles` treat a row without an image, and an image without a row, as an unusable file. If you call the reader in
 * a function of your own, pass on its method `findUnmatched`, otherwise rows without an image are ignored.
 *
 * @param text - Contents of the CSV file.
 * @param options - `columns`: the columns that contain labels, and their types. `pathColumn`: the column of image paths.
 * @returns A reader for `imageFolder` and `imageFiles`. An image without a row in the CSV file has no labels.
 * @throws A `data` error that contains the line of the file on which the row begins, and the column, for a missing column, an invalid cell, an image with two rows, or a
 *   quotation mark that is not closed; an `argument` error for an invalid option.
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
  const [headerRow, ...rows] = parseCsv(text);
  const header = headerRow?.cells ?? [];
  const findColumn = (name: string) => {
    const index = header.indexOf(name);
    if (index >= 0 && header.includes(name, index + 1)) {
      throw createError({
        kind: 'data',
        path: 'CSV header',
        expected: `one column "${name}"`,
        received: 'several columns with this name',
        advice: 'Rename or delete the other columns.',
      });
    }
    if (index >= 0) return index;
    throw createError({
      kind: 'data',
      path: 'CSV header',
      expected: `a column "${name}"`,
      received: header.length > 0 ? `the columns ${header.join(', ')}` : 'an empty file',
      advice:
        didYouMean(name, header) ?? 'Add the column, or rename the entry in `columns` to match the header.',
    });
  };
  checks.table('csvLabels.columns', columns, {
    noun: 'an object of columns',
    advice: 'Pass an object literal, and rename a column __proto__.',
  });
  for (const name of Object.keys(columns)) {
    checks.propertyName('csvLabels.columns', name, { advice: 'Rename the column.' });
  }
  const fileColumn = findColumn(pathColumn);
  const readers = Object.entries(columns).map(([name, column]) => ({
    name,
    read: createCellReader(`csvLabels.columns.${name}`, column),
    index: findColumn(name),
  }));
  const labeledRows = new Map<string, LabeledRow>();
  for (const { cells, line } of rows) {
    const rowName = `CSV row ${line}`;
    if (cells.length !== header.length) {
      throw createError({
        kind: 'data',
        path: rowName,
        expected: `${header.length} cells`,
        received: `${cells.length} cells`,
        advice: 'Quote every cell that contains a comma or a quotation mark.',
      });
    }
    const path = cells[fileColumn]!;
    const key = normalizePath(path);
    if (key === '') {
      throw createError({
        kind: 'data',
        path: `${rowName}, column ${pathColumn}`,
        expected: 'the path of an image',
        received: 'an empty cell',
        advice: 'Add the path, or delete the row.',
      });
    }
    if (labeledRows.has(key)) {
      throw createError({
        kind: 'data',
        path: rowName,
        expected: 'one row for each file',
        received: `a second row for ${key}`,
        advice: 'Delete one of the two rows.',
      });
    }
    const labels: { [task: string]: unknown } = {};
    for (const { name, read, index } of readers) {
      const cell = cells[index]!;
      if (cell === '') continue;
      try {
        labels[name] = read(cell);
      } catch (cause) {
        throw createError({
          kind: 'data',
          path: `${rowName}, column ${name}`,
          expected: describeThrown(cause) || 'a cell that the function of the column accepts',
          received: JSON.stringify(cell),
          advice: 'Fix the cell, or leave it empty if the label is unknown.',
          cause,
        });
      }
    }
    labeledRows.set(key, { path, rowName, labels });
  }
  const readLabels: LabelReader<{ readonly [K in keyof C]?: CsvLabel<C[K]> }> = (path) => {
    const row = labeledRows.get(normalizePath(path));
    return row ? { labels: row.labels as never } : { reason: 'it has no row in the CSV file' };
  };
  return Object.assign(readLabels, {
    findUnmatched: (paths: readonly string[]) => findUnmatched(labeledRows, paths),
  });
}

/** Row of a CSV file that contains the labels of an image. */
interface LabeledRow {
  /** Path of the image as written in the file. */
  readonly path: string;
  /** Name of the row in messages, with the line of the file on which it begins. */
  readonly rowName: string;
  readonly labels: object;
}

/** Returns the rows that match none of the paths, and the paths that match the same row as another path. */
function findUnmatched(
  labeledRows: ReadonlyMap<string, LabeledRow>,
  paths: readonly string[],
): readonly SkippedFile[] {
  const pathsByKey = new Map<string, string[]>();
  for (const path of paths) {
    const key = normalizePath(path);
    pathsByKey.set(key, [...(pathsByKey.get(key) ?? []), path]);
  }
  return [...labeledRows].flatMap(([key, { path, rowName }]) => {
    const matches = pathsByKey.get(key) ?? [];
    if (matches.length === 0)
      return [{ path, reason: `${rowName} refers to it, but there is no such image file` }];
    if (matches.length === 1) return [];
    const ambiguous = matches.includes(path) ? matches.filter((match) => match !== path) : matches;
    return ambiguous.map((match) => ({
      path: match,
      reason: `${rowName} refers to several files whose names differ only in their Unicode form or separators`,
    }));
  });
}

/** Returns the form of a path that is equal for all spellings of this path: parts separated by `/`, in Unicode form NFC. */
const normalizePath = (path: string): string =>
  path
    .normalize('NFC')
    .split(/[\\/]/)
    .filter((part) => part !== '' && part !== '.')
    .join('/');

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
    min === -Infinity && max === Infinity ? 'a finite decimal number' : `a number from ${min} to ${max}`;
  return (cell: string) => {
    const value = parseDecimal(cell);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new Error(expected);
  };
}
