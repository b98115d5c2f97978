import { getColumnPrefix, type HistoryRecord, type TaskRecord } from '../../core/records/history.js';
import { escapeXml, TEXT_COLOR } from '../text/svgText.js';
import { SERIES_COLORS } from './chart.js';

/** The lines of a panel: a column's prefix, its name for readers (and over a column), its look. */
export const CURVE_SERIES = [
  { prefix: '', name: 'training', head: 'training', colour: SERIES_COLORS[0], dash: 'none' },
  { prefix: 'val_', name: 'validation', head: 'validation', colour: SERIES_COLORS[1], dash: 'none' },
  {
    prefix: 'val_unaugmented_',
    name: 'validation, not augmented',
    head: 'not augmented',
    colour: SERIES_COLORS[2],
    dash: '5,3',
  },
] as const;

/** What is drawn in a task's panels: name for readers, colour, dash. */
export const findTaskSeries = ({ rows }: HistoryRecord, { name }: TaskRecord): readonly CurveSeries[] =>
  CURVE_SERIES.filter(({ prefix }) => rows.some((row) => row[`${prefix}${name}_loss`] !== undefined));

/** The kinds of column that a run has: of training, and of each way of judging. */
export const findRunSeries = ({ rows }: HistoryRecord): readonly CurveSeries[] =>
  CURVE_SERIES.filter(
    ({ prefix }) =>
      prefix === '' || rows.some((row) => Object.keys(row).some((name) => getColumnPrefix(name) === prefix)),
  );

export type CurveSeries = (typeof CURVE_SERIES)[number];

/** A line of what the lines and the circle of a figure are, 47 below its top. */
export function drawLegend(drawn: readonly CurveSeries[], best: string | undefined): string {
  let x = 16;
  const items = drawn.map(({ name, colour, dash }) => {
    const item = `<line x1="${x}" x2="${x + 22}" y1="47" y2="47" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/>
<text x="${x + 28}" y="51" font-size="12" fill="${TEXT_COLOR}">${name}</text>`;
    x += 28 + name.length * 6.1 + 22;
    return item;
  });
  if (best !== undefined) {
    items.push(`<circle cx="${x + 6}" cy="47" r="4.5" fill="white" stroke="${TEXT_COLOR}" stroke-width="1.5"/>
<text x="${x + 17}" y="51" font-size="12" fill="${TEXT_COLOR}">${escapeXml(best)}</text>`);
  }
  return items.join('\n');
}
