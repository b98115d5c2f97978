import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import { type Objectives, toObjectiveList } from './objectives.js';

/**
 * Checks a reported row. NaN is accepted as the value of an objective.
 *
 * @throws An `argument` error if `row` is not an object, or the column of an objective is missing or not a number.
 */
export function checkRow(
  row: { readonly [column: string]: unknown },
  objectives: Objectives,
  path: string,
): void {
  const list = toObjectiveList(objectives);
  const untypedRow: unknown = row;
  if (typeof untypedRow !== 'object' || untypedRow === null) {
    const columns = list.map(({ metric }) => `${metric}: ${typeof untypedRow === 'number' ? untypedRow : 3}`);
    throw createError({
      ...{ kind: 'argument', path, expected: 'an object of columns', received: formatValue(untypedRow) },
      advice: `Write { ${columns.join(', ')} }.`,
    });
  }
  for (const { metric } of list) {
    if (typeof row[metric] === 'number') continue;
    const columns = Object.keys(row);
    throw createError({
      kind: 'argument',
      path: `${path}: ${metric}`,
      expected: 'a number for this objective',
      received: columns.length > 0 ? `only the columns ${columns.join(', ')}` : 'no columns',
      advice: didYouMean(metric, columns) ?? 'Report this column after each epoch, or change the objective.',
    });
  }
}
