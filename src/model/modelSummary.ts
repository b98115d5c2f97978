import * as checks from '../core/errors/checks.js';
import { escapeText } from '../core/errors/escapeText.js';
import type { ArchitectureRecord, LayerRecord } from '../core/records/architecture.js';

/**
 * Options for {@link MultiTaskModel.summary}.
 *
 * @category Compose
 */
export interface SummaryOptions {
  /** Callback that receives the summary text, for example `console.log`. Default: the text is only returned. */
  readonly log?: (text: string) => void;
  /** Whether to add a column that shows whether each layer is trainable: `Y`, `N`, or `-` for a layer without weights. Default false. */
  readonly showTrainable?: boolean;
}

/** Throws an `argument` error for unknown options, and for values of the wrong type. */
export function checkSummaryOptions(options: SummaryOptions): void {
  checks.options(
    'summary',
    options,
    { log: true, showTrainable: true },
    {
      advice: 'Write model.summary({ log: console.log }).',
      replacements: {
        printFn: 'Write log: console.log.',
        lineLength: 'Remove this option: the table is as wide as its contents.',
      },
    },
  );
  const { log, showTrainable = false } = options;
  if (log !== undefined) checks.callable('summary.log', log, { advice: 'Write log: console.log.' });
  checks.boolean('summary.showTrainable', showTrainable, { advice: 'Omit it to use the default, false.' });
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Returns the lines of text in this column's cell for a layer. */
  getCell(layer: LayerRecord): readonly string[];
}

/** Number of bytes per parameter. All weights are float32. */
const BYTES_PER_PARAM = 4;

/** Returns the table of `model.summary()`, in the layout of Keras 3 `Model.summary` (utils/summary_utils.py). */
export function formatSummary(
  modelName: string,
  { layers, parameters, trainableParameters }: ArchitectureRecord,
  { showTrainable = false }: SummaryOptions,
): string {
  const columns: Column[] = [
    { title: 'Layer (type)', align: 'left', getCell: ({ name, kind }) => [escapeText(`${name} (${kind})`)] },
    {
      title: 'Output Shape',
      align: 'left',
      getCell: (layer) => [`(${['None', ...layer.outputShape].join(', ')})`],
    },
    { title: 'Param #', align: 'right', getCell: (layer) => [formatCount(layer.parameters)] },
    { title: 'Connected to', align: 'left', getCell: createConnectionLookup(layers) },
  ];
  if (showTrainable) columns.push({ title: 'Trainable', align: 'left', getCell: getTrainableMark });
  const rows = layers.map((layer) => columns.map((column) => column.getCell(layer)));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.flatMap((cells) => cells[i]!.map((line) => line.length))),
  );
  const drawRule = ([start, line, join, end]: readonly [string, string, string, string]) =>
    start + widths.map((width) => line.repeat(width + 2)).join(join) + end;
  const drawLine = (texts: readonly string[], border: string) =>
    border + texts.map((text, i) => ` ${pad(text, widths[i]!, columns[i]!.align)} `).join(border) + border;
  const body = rows.flatMap((cells) => {
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      drawLine(
        cells.map((lines) => lines[line] ?? ''),
        '│',
      ),
    );
  });
  return [
    `Model: "${escapeText(modelName)}"`,
    drawRule(['┏', '━', '┳', '┓']),
    drawLine(
      columns.map(({ title }) => title),
      '┃',
    ),
    drawRule(['┡', '━', '╇', '┩']),
    ...body,
    drawRule(['└', '─', '┴', '┘']),
    ` Total params: ${formatParams(parameters)}`,
    ` Trainable params: ${formatParams(trainableParameters)}`,
    ` Non-trainable params: ${formatParams(parameters - trainableParameters)}`,
  ].join('\n');
}

/**
 * Returns a function that lists the layers from which a layer receives its inputs. The name of a layer that is called several times is
 * followed by the index of the call, for example `conv1[0]`.
 */
function createConnectionLookup(layers: readonly LayerRecord[]): (layer: LayerRecord) => readonly string[] {
  const callCounts = new Map(layers.map(({ name, calls }) => [name, calls.length]));
  return ({ calls }) => {
    const sources = calls
      .flat()
      .map(({ layer, call }) => ((callCounts.get(layer) ?? 0) > 1 ? `${layer}[${call}]` : layer))
      .map(escapeText);
    return sources.length > 0 ? [...new Set(sources)] : ['-'];
  };
}

function getTrainableMark({ parameters, trainable }: LayerRecord): readonly string[] {
  if (parameters === 0) return ['-'];
  return [trainable ? 'Y' : 'N'];
}

const pad = (text: string, width: number, align: Column['align']): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width);

const formatCount = (count: number): string => count.toLocaleString('en-US');

const formatParams = (count: number): string =>
  `${formatCount(count)} (${formatBytes(count * BYTES_PER_PARAM)})`;

function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size.toFixed(2)} ${units[unit]}`;
}
