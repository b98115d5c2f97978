import { findBestEpoch, type HistoryRecord } from 'tfjs-multitask';
import { isMoreThanNoise, type Mean, meanOf } from './spread.js';

/** One setting of the comparison and its runs, one a seed, in the order of the seeds. */
export interface Setting {
  readonly title: string;
  readonly runs: readonly HistoryRecord[];
}

/** What is compared: columns of the best epoch by `val_loss`. */
const MEASURES = [
  { column: 'val_age_mae', title: 'age MAE, years', show: (value: number) => value.toFixed(2) },
  { column: 'val_gender_accuracy', title: 'gender, %', show: (value: number) => (100 * value).toFixed(1) },
] as const;

/** The best epochs of each setting as numbers: over the seeds, and beside the first setting, seed by seed. */
export function compare(settings: readonly Setting[]) {
  const best = settings.map(({ runs }) => runs.map((run) => findBestEpoch(run, 'val_loss')!.epoch));
  const valuesOf = (setting: number, column: string) =>
    settings[setting]!.runs.map(
      ({ rows }, seed) => rows.find(({ epoch }) => epoch === best[setting]![seed])![column]!,
    );
  return settings.map(({ title }, i) => ({
    title,
    bestEpochs: best[i]!,
    measures: MEASURES.map(({ column }) => {
      const [values, first] = [valuesOf(i, column), valuesOf(0, column)];
      // Seed by seed: what a split or first weights do to both settings falls out.
      const difference = i === 0 ? undefined : meanOf(values.map((value, seed) => value - first[seed]!));
      return { column, values, over: meanOf(values), difference };
    }),
  }));
}

/** The comparison as a table for people, in Markdown. */
export function tableOf(comparison: ReturnType<typeof compare>): string {
  const seeds = comparison[0]!.bestEpochs.length;
  const differences = (comparison.length - 1) * MEASURES.length;
  const spread = ({ mean, deviation }: Mean, show: (value: number) => string) =>
    deviation === undefined ? show(mean) : `${show(mean)} ± ${show(deviation)}`;
  const beside = (difference: Mean | undefined, show: (value: number) => string) => {
    if (!difference) return '';
    const { mean, margin } = difference;
    const size = show(Math.abs(mean));
    const signed = Number(size) === 0 ? size : `${mean < 0 ? '-' : '+'}${size}`;
    if (margin === undefined) return signed;
    return `${signed} ± ${show(margin)}${isMoreThanNoise(difference) ? ' *' : ''}`;
  };
  const head = ['grey for', 'best epoch', ...MEASURES.flatMap(({ title }) => [title, 'beside neither'])];
  const rows = comparison.map(({ title, bestEpochs, measures }) => [
    title,
    bestEpochs.join(', '),
    ...measures.flatMap(({ over, difference }, i) => {
      const { show } = MEASURES[i]!;
      return [spread(over, show), beside(difference, show)];
    }),
  ]);
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const note =
    seeds === 1
      ? 'One seed: whether a difference is more than noise cannot be told. Ask for more with --seeds.'
      : `Validation images at the best epoch by val_loss, ${seeds} seeds: mean ± standard deviation; differences seed by seed, ± half of
their 95 % interval (Student's t). A star marks a difference that is more than noise; each has one by chance in about one
table of twenty, so one star among ${differences} is no finding yet.`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n\n${note}\n`;
}
