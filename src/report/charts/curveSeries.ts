import { getColumnPrefix, type HistoryRecord, type TaskRecord } from '../../core/records/history.js';
import { escapeXml, TEXT_COLOR } from '../text/svgText.js';
import { SERIES_COLORS } from './chart.js';

/**
 * Series that a panel of learning curves can show, for example the validation values. Each series has the prefix of its history
 * columns, a name for legends (`name`) and for table headers (`head`), a color and a dash pattern.
 */
export const CURVE_SERIES = [
  { prefix: '', name: 'training', head: 'training', color: SERIES_COLORS[0], dash: 'none' },
  { prefix: 'val_', name: 'validation', head: 'validation', color: SERIES_COLORS[1], dash: 'none' },
  {
    prefix: 'val_unaugmented_',
    name: 'validation, not augmented',
    head: 'not augmented',
    color: SERIES_COLORS[2],
    dash: '5,3',
  },
] as const;

/** One element of {@link CURVE_SERIES}, for example the series of validation values. */
export type CurveSeries = (typeof CURVE_SERIES)[number];

/** Returns the series for which the history contains values of a task. */
export const findTaskSeries = ({ rows }: HistoryRecord, { name }: TaskRecord): readonly CurveSeries[] =>
  CURVE_SERIES.filter(({ prefix }) => rows.some((row) => row[`${prefix}${name}_loss`] !== undefined));

/**
 * Returns the series for which the history contains values: training, and each kind of validation (with and without augmentation).
 */
export const findRunSeries = ({ rows }: HistoryRecord): readonly CurveSeries[] =>
  CURVE_SERIES.filter(
    ({ prefix }) =>
      prefix === '' || rows.some((row) => Object.keys(row).some((name) => getColumnPrefix(name) === prefix)),
  );

/**
 * Draws the legend of a figure as SVG elements, 47 pixels below the top edge of the figure.
 *
 * @param series - Series to list in the legend.
 * @param circleLabel - Explanation of the circles, or undefined if the figure has no circles.
 */
export function drawLegend(series: readonly CurveSeries[], circleLabel: string | undefined): string {
  let x = 16;
  const items = series.map(({ name, color, dash }) => {
    const item = `<line x1="${x}" x2="${x + 22}" y1="47" y2="47" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash}"/>
<text x="${x + 28}" y="51" font-size="12" fill="${TEXT_COLOR}">${name}</text>`;
    x += 28 + name.length * 6.1 + 22;
    return item;
  });
  if (circleLabel !== undefined) {
    items.push(`<circle cx="${x + 6}" cy="47" r="4.5" fill="white" stroke="${TEXT_COLOR}" stroke-width="1.5"/>
<text x="${x + 17}" y="51" font-size="12" fill="${TEXT_COLOR}">${escapeXml(circleLabel)}</text>`);
  }
  return items.join('\n');
}
