import { createError, isMultitaskError } from '../../core/errors/errors.js';
import { createTable } from '../../core/lookup.js';
import type { Store } from '../../core/platform/platform.js';
import type { HistoryRow } from '../../core/records/history.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { parseRunRecord } from './parseRunRecord.js';

/**
 * A run's record and its pictures, read.
 *
 * @category Figures
 */
export interface ReportedRun extends RunRecord {
  /** Bytes of pictures by the name of their file; those that are not there are not shown. */
  readonly images: ReadonlyMap<string, Uint8Array>;
}

/**
 * What {@link readRunRecord} takes.
 *
 * @category Figures
 */
export interface ReadRunRecordOptions {
  /** Whether pictures are read. Default true. */
  readonly images?: boolean;
}

/** A picture larger than this is no small picture, and a page of more would not open. */
const MAX_IMAGE_BYTES = 200_000;
const MAX_IMAGES = 500;

/**
 * Reads what a run left: `run.json`, the rows of `history.csv` while the run goes on, and small pictures.
 * An unfinished last line of `history.csv` is passed over.
 *
 * @throws `file` error if `run.json` is missing or is not a record that `describeRun` created.
 * @example
 * ```ts
 * import { memoryStore } from 'tfjs-multitask';
 * import { readRun } from 'tfjs-multitask/report';
 *
 * const error = await readRun(memoryStore('out/run')).catch(({ message }) => message);
 * console.log(error); // out/run/run.json: expected the record of a run, received no file. …
 * ```
 * @category Figures
 */
export async function readRunRecord(
  store: Store,
  { images = true }: ReadRunRecordOptions = {},
): Promise<ReportedRun> {
  const text = async (name: string) => {
    const bytes = await store.read(name);
    return bytes && new TextDecoder().decode(bytes);
  };
  const path = `${store.label}/run.json`;
  const written = await text('run.json');
  if (written === undefined) {
    throw createError({
      kind: 'file',
      path,
      expected: 'the record of a run',
      received: 'no such file',
      advice:
        'Give the folder of a run, which the examples write to --out and recordRun() writes in your program.',
    });
  }
  const record = parseRunRecord(written, path);
  const log = parseHistoryCsv((await text('history.csv')) ?? '');
  const rows = record.stopped === undefined && log.length > 0 ? log : record.rows;
  const files = images
    ? new Set([
        ...record.pictures.map(({ file }) => file),
        ...record.augmented.flatMap(({ files: own }) => own),
        ...record.gradCams.map(({ image }) => image),
      ])
    : [];
  const found = new Map<string, Uint8Array>();
  for (const file of [...files].slice(0, MAX_IMAGES)) {
    const bytes = await readImage(store, file);
    if (bytes && bytes.length <= MAX_IMAGE_BYTES) found.set(file, bytes);
  }
  return { ...record, rows, images: found };
}

/** Nothing of a name outside the folder, which a store may refuse before it promises anything. */
async function readImage(store: Store, file: string): Promise<Uint8Array | undefined> {
  try {
    return await store.read(file);
  } catch (error) {
    if (isMultitaskError(error)) return undefined;
    throw error;
  }
}

/** Rows of `history.csv`. A last line without its end is unfinished, and an empty cell was not measured. */
export function parseHistoryCsv(csv: string): HistoryRow[] {
  const [header = '', ...lines] = csv.split('\n').slice(0, -1);
  const columns = header.split(',');
  const rows = lines.map((line) => {
    const cells = line.split(',');
    return createTable(
      columns.flatMap((column, i) =>
        cells[i] === undefined || cells[i] === '' ? [] : [[column, Number(cells[i])] as const],
      ),
    ) as unknown as HistoryRow;
  });
  return rows.filter(({ epoch }) => Number.isInteger(epoch));
}
