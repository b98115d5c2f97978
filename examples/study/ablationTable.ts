import { findBestEpoch, type HistoryRecord } from 'tfjs-multitask/report';
import { estimateMean, isSignificant, type MeanEstimate } from './statistics.js';

/** One setting of the ablation with its runs, one for each seed, in the order of the seeds. */
export interface AblationSetting {
  readonly title: string;
  readonly runs: readonly HistoryRecord[];
}

/** History columns that are compared, each at the epoch with the lowest `val_loss`. */
const MEASURES = [
  { column: 'val_age_mae', title: 'age MAE, years', format: (value: number) => value.toFixed(2) },
  { column: 'val_gender_accuracy', title: 'gender, %', format: (value: number) => (100 * value).toFixed(1) },
] as const;

/**
 * Compares the best epochs of the settings. For each measure it returns the value of every seed, the mean over the seeds, and the mean
 * difference from the first setting.
 */
export function compareSettings(settings: readonly AblationSetting[]) {
  const bestEpochs = settings.map(({ runs }) => runs.map((run) => findBestEpoch(run, 'val_loss')!.epoch));
  const getValues = (setting: number, column: string) =>
    settings[setting]!.runs.map(
      ({ rows }, seed) => rows.find(({ epoch }) => epoch === bestEpochs[setting]![seed])![column]!,
    );
  return settings.map(({ title }, i) => ({
    title,
    bestEpochs: bestEpochs[i]!,
    measures: MEASURES.map(({ column }) => {
      const [values, baseline] = [getValues(i, column), getValues(0, column)];
      // The difference is computed for each seed, so the effect of the split and of the first weights, which are the same in both
      // settings, cancels out.
      const difference =
        i === 0 ? undefined : estimateMean(values.map((value, seed) => value - baseline[seed]!));
      return { column, values, over: estimateMean(values), difference };
    }),
  }));
}

/** Formats the comparison as a Markdown table with a note on how to read it. */
export function formatAblationTable(comparison: ReturnType<typeof compareSettings>): string {
  const seeds = comparison[0]!.bestEpochs.length;
  const differences = (comparison.length - 1) * MEASURES.length;
  const formatMean = ({ mean, deviation }: MeanEstimate, format: (value: number) => string) =>
    deviation === undefined ? format(mean) : `${format(mean)} ± ${format(deviation)}`;
  const formatDifference = (difference: MeanEstimate | undefined, format: (value: number) => string) => {
    if (!difference) return '';
    const { mean, margin } = difference;
    const size = format(Math.abs(mean));
    const signed = Number(size) === 0 ? size : `${mean < 0 ? '-' : '+'}${size}`;
    if (margin === undefined) return signed;
    return `${signed} ± ${format(margin)}${isSignificant(difference) ? ' *' : ''}`;
  };
  const head = ['gray for', 'best epoch', ...MEASURES.flatMap(({ title }) => [title, 'versus neither'])];
  const rows = comparison.map(({ title, bestEpochs, measures }) => [
    title,
    bestEpochs.join(', '),
    ...measures.flatMap(({ over, difference }, i) => {
      const { format } = MEASURES[i]!;
      return [formatMean(over, format), formatDifference(difference, format)];
    }),
  ]);
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]!.length)));
  const formatLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const note =
    seeds === 1
      ? 'One seed cannot show whether a difference is more than noise.\nAsk for more with --seeds.'
      : `Validation images at the best epoch by val_loss, ${seeds} seeds: mean ± standard deviation.
Differences are computed for each seed: mean ± half of the 95 % confidence
interval (Student's t). A star marks a difference that is more than noise. By
chance alone, each difference has a star in one table of twenty, so
one star among ${differences} is weak evidence.`;
  return `${[formatLine(head), rule, ...rows.map(formatLine)].join('\n')}\n\n${note}\n`;
}
