import * as checks from '../../core/errors/checks.js';
import { createError, isMultitaskError } from '../../core/errors/errors.js';
import { createTable } from '../../core/lookup.js';
import { toCheckedStore } from '../../core/platform/checkedStore.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { listImageFiles } from '../../core/records/answerSelection.js';
import type { HistoryRow } from '../../core/records/history.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { parseRunRecord } from './parseRunRecord.js';

/**
 * Record of a run, together with the images to which the record refers.
 *
 * @category Figures
 */
export interface ReportedRun extends RunRecord {
  /** Bytes of the image files, keyed by file name. A missing file has no entry, and the page omits the image. */
  readonly images: ReadonlyMap<string, Uint8Array>;
}

/**
 * Options for {@link readRunRecord}.
 *
 * @category Figures
 */
export interface ReadRunRecordOptions {
  /** Whether to read the image files. Default true. */
  readonly images?: boolean;
}

/**
 * Maximum size of an image file in bytes. `saveRunImages` writes smaller files, and a page with larger files would be slow to open.
 */
const MAX_IMAGE_BYTES = 200_000;
/** Maximum number of images that are read for a page. */
const MAX_IMAGES = 500;

/**
 * Reads the record of a run from its folder:
 *
 * - `run.json`, the record that {@link createRunRecord} returned;
 * - `history.csv`, for the rows of a run in progress; an incomplete last line is ignored;
 * - the image files that the record refers to.
 *
 * @throws A `file` error if `run.json` is missing or invalid.
 * @example
 * ```ts
 * import { memoryStore } from 'tfjs-multitask';
 * import { readRunRecord } from 'tfjs-multitask/report';
 *
 * const error = await readRunRecord(memoryStore('out/run')).catch(({ message }) => message);
 * console.log(error); // out/run/run.json: expected the record of a run, received a file that does not exist. …
 * ```
 * @category Figures
 */
export async function readRunRecord(store: Store, options: ReadRunRecordOptions = {}): Promise<ReportedRun> {
  const advice = "Write readRunRecord(folderStore('out'), { images: false }).";
  checks.store('readRunRecord.store', store, { advice });
  store = toCheckedStore(store);
  checks.options('readRunRecord', options, { images: true }, { advice });
  const { images = true } = options;
  checks.boolean('readRunRecord.images', images, { advice: 'Omit it to use the default, true.' });
  const readText = async (name: string) => {
    const bytes = await readStoreFile(store, name);
    return bytes && new TextDecoder().decode(bytes);
  };
  const path = `${store.label}/run.json`;
  const json = await readText('run.json');
  if (json === undefined) {
    throw createError({
      kind: 'file',
      path,
      expected: 'the record of a run',
      received: 'a file that does not exist',
      advice:
        'Pass the folder of a run: the --out folder of an example, or the folder in which your program called recordRun().',
    });
  }
  const record = parseRunRecord(json, path);
  const loggedRows = parseHistoryCsv((await readText('history.csv')) ?? '');
  const rows = record.stopped === undefined && loggedRows.length > 0 ? loggedRows : record.rows;
  const files = images ? listImageFiles(record) : [];
  const imageBytes = new Map<string, Uint8Array>();
  for (const file of files.slice(0, MAX_IMAGES)) {
    const bytes = await readImage(store, file);
    if (bytes && bytes.length <= MAX_IMAGE_BYTES) imageBytes.set(file, bytes);
  }
  return { ...record, rows, images: imageBytes };
}

/**
 * Reads an image file. Returns undefined if the name refers to a file outside the folder, because the store rejects such a name.
 */
async function readImage(store: Store, file: string): Promise<Uint8Array | undefined> {
  try {
    return await readStoreFile(store, file); // `await` is necessary: a store can also throw before it returns a promise.
  } catch (error) {
    if (isMultitaskError(error)) return undefined;
    throw error;
  }
}

/** Reads the rows of `history.csv`. An incomplete last line is ignored. An empty cell means that the value was not measured. */
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
