import { createArgumentError } from '../../core/errors/errors.js';
import { describeType, formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import { type Objectives, toObjectiveList } from './objectives.js';

/**
 * Validates the metrics that a trial reports for one epoch. The value of an objective may be NaN.
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
    throw createArgumentError(
      path,
      'an object that contains the metrics of an epoch',
      formatValue(untypedRow),
      `Write { ${columns.join(', ')} }.`,
    );
  }
  for (const { metric } of list) {
    if (typeof row[metric] === 'number') continue;
    const columns = Object.keys(row);
    const expected = 'a number for this objective';
    if (Object.hasOwn(row, metric)) {
      const advice = 'Report a number, or NaN if there is no value.';
      throw createArgumentError(`${path}: ${metric}`, expected, describeType(row[metric]), advice);
    }
    throw createArgumentError(
      `${path}: ${metric}`,
      expected,
      columns.length > 0 ? `only the metrics ${columns.join(', ')}` : 'no metrics',
      didYouMean(metric, columns) ?? 'Report this metric after each epoch, or change the objective.',
    );
  }
}
