import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import { type Objectives, toObjectiveList } from './objectives.js';

/** Throws an `argument` fault for what is no row, and for a row in which an objective is not a number, be it NaN. */
export function checkRow(
  row: { readonly [column: string]: unknown },
  objectives: Objectives,
  path: string,
): void {
  const list = toObjectiveList(objectives);
  const given: unknown = row;
  if (typeof given !== 'object' || given === null) {
    const columns = list.map(({ metric }) => `${metric}: ${typeof given === 'number' ? given : 3}`);
    throw createError({
      ...{ kind: 'argument', path, expected: 'an object of columns', received: formatValue(given) },
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
