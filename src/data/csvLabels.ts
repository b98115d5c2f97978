import { createError } from '../core/errors/errors.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { LabelReader } from './labelReader.js';

/**
 * Reads one cell; throws a sentence when the cell is wrong.
 *
 * @category Data
 */
export type CsvColumn<V> = (cell: string) => V;

/**
 * A cell that holds a finite number, within `min` and `max` when given; for {@link csvLabels}.
 *
 * @param options - `min` and `max`, both allowed. Default: none.
 * @throws When it reads a cell: a sentence of what was expected, which `csvLabels` completes with row and column.
 * @example
 * ```ts
 * import { number } from 'tfjs-multitask';
 *
 * const age = number({ min: 0, max: 120 });
 * console.log(age('31')); // 31
 * ```
 * @category Data
 */
export function numberColumn({
  min = -Infinity,
  max = Infinity,
}: {
  min?: number;
  max?: number;
} = {}): CsvColumn<number> {
  return (cell) => {
    const value = cell.trim() === '' ? Number.NaN : Number(cell);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new Error(
      min === -Infinity && max === Infinity ? 'a finite number' : `a number from ${min} to ${max}`,
    );
  };
}

/**
 * A cell that holds one of `values`, to the letter; for {@link csvLabels}.
 *
 * @param values - Keeps its type: the labels come out as `'male' | 'female'`.
 * @throws When it reads a cell: a sentence of what was expected, which `csvLabels` completes with row and column.
 * @example
 * ```ts
 * import { oneOf } from 'tfjs-multitask';
 *
 * const gender = oneOf(['male', 'female']);
 * console.log(gender('female')); // female
 * ```
 * @category Data
 */
export function labelColumn<const V extends readonly string[]>(values: V): CsvColumn<V[number]> {
  return (cell) => {
    if (values.includes(cell)) return cell;
    throw new Error(`one of ${values.join(', ')}`);
  };
}

/**
 * What {@link csvLabels} reads.
 *
 * @category Data
 */
export interface CsvLabelsOptions<C extends { readonly [task: string]: CsvColumn<unknown> }> {
  /** Column with the path of the image, relative to the folder. Default `file`. */
  readonly pathColumn?: string;
  /** How each column is read; an empty cell means that the image has no label for that task. */
  readonly columns: C;
}

/**
 * Labels from the text of a CSV file with a header row (RFC 4180: quoted cells may hold commas, quotes and line ends).
 *
 * @throws `data` fault that names row and column, for a missing column, a cell that does not fit, and a file named twice.
 * @example
 * ```ts
 * import { csvLabels, number, oneOf } from 'tfjs-multitask';
 *
 * const labels = csvLabels('file,age,gender\na.jpg,31,female\n', {
 *   columns: { age: number({ min: 0, max: 120 }), gender: oneOf(['male', 'female']) },
 * });
 * console.log(labels('a.jpg')); // { labels: { age: 31, gender: 'female' } }
 * ```
 * @category Data
 */
export function csvLabels<const C extends { readonly [task: string]: CsvColumn<unknown> }>(
  text: string,
  { pathColumn = 'file', columns }: CsvLabelsOptions<C>,
): LabelReader<{ readonly [K in keyof C]?: ReturnType<C[K]> }> {
  const [header = [], ...rows] = parseRows(text);
  const place = (name: string) => {
    const index = header.indexOf(name);
    if (index >= 0) return index;
    throw createError({
      kind: 'data',
      path: 'csv header',
      expected: `a column "${name}"`,
      received: header.some(Boolean) ? `the columns ${header.join(', ')}` : 'an empty file',
      advice:
        didYouMean(name, header) ?? 'Add the column, or rename the entry in `columns` to match the header.',
    });
  };
  const fileColumn = place(pathColumn);
  const readers = Object.entries(columns).map(([name, read]) => ({ name, read, index: place(name) }));
  const known = new Map<string, object>();
  rows.forEach((row, i) => {
    const line = `csv row ${i + 2}`;
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
    if (known.has(path)) {
      throw createError({
        kind: 'data',
        path: line,
        expected: 'at most one row for each file',
        received: `a second row for ${path}`,
        advice: 'Keep one of the rows.',
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
    known.set(path, labels);
  });
  return (path) => {
    const labels = known.get(path);
    return labels ? { labels: labels as never } : { reason: 'the CSV file has no row for it' };
  };
}

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
