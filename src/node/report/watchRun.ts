import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sha256 } from '../../core/digest.js';
import * as checks from '../../core/errors/checks.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { createReportPage } from '../../report/pages/createReport.js';
import { readRunRecord } from '../../report/records/readRunRecord.js';
import { folderStore } from '../platform/folderStore.js';
import { loadReportTools } from './reportTools.js';

/**
 * Options for {@link watchRun}.
 *
 * @category Figures
 */
export interface WatchOptions {
  /** Port of the server. Default: 0, which selects any free port. */
  readonly port?: number;
  /** Interval in seconds at which the browser reloads the page. Default: 5. */
  readonly refresh?: number;
  /** Whether the page shows images. Default: true. */
  readonly images?: boolean;
}

/**
 * Running server that {@link watchRun} started.
 *
 * @category Figures
 */
export interface Watch {
  /** URL of the report, for example `http://127.0.0.1:40123/`. */
  readonly url: string;
  /** Stops the server. */
  close(): Promise<void>;
}

/**
 * Serves the report of a run in progress at 127.0.0.1, so that only this machine can open it. The server does not keep the process
 * alive. For security, the server rejects requests with a different host name (DNS rebinding), and forbids showing the page in
 * a frame. The page is drawn at most once per epoch, at the first request after the epoch, and all clients receive the same page.
 *
 * @param folder - Folder of the run, with `run.json` and `history.csv`.
 * @throws A `missing-package` error if a package of `writeReport` is not installed. A Node error if the port is in use.
 * @example
 * ```ts
 * import { watchRun } from 'tfjs-multitask/node';
 *
 * const watch = await watchRun('out/run');
 * const response = await fetch(watch.url);
 * console.log(response.status); // 503
 * await watch.close();
 * ```
 * @category Figures
 */
export async function watchRun(folder: string, options: WatchOptions = {}): Promise<Watch> {
  checks.options(
    'watchRun',
    options,
    { port: true, refresh: true, images: true },
    {
      advice: "Write watchRun('out', { port: 8080 }).",
    },
  );
  const { port = 0, refresh = 5, images = true } = options;
  checks.integer('watchRun.port', port, { min: 0, max: 65_535, advice: 'Omit it to use any free port.' });
  checks.number('watchRun.refresh', refresh, { noun: 'a number of seconds', above: 0, defaultValue: 5 });
  checks.boolean('watchRun.images', images, { advice: 'Omit it to use the default, true.' });
  const tools = await loadReportTools();
  const store = folderStore(folder);
  let hosts: readonly string[] = [];
  const getPage = createPageCache(folder, store, async () => {
    const run = await readRunRecord(store, { images });
    return createReportPage([run], tools, run.stopped === undefined ? { refresh } : {});
  });
  const server = createServer(async ({ method, url, headers }, response) => {
    const send = (status: number, content: string | Uint8Array, type = 'text/plain', etag?: string) =>
      void response
        .writeHead(status, {
          'content-type': `${type}; charset=utf-8`,
          'cache-control': 'no-store', // The page can contain photos of people, which a browser must not keep on its disk.
          ...(etag !== undefined && { etag }),
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'same-origin',
          'content-security-policy': "frame-ancestors 'none'",
        })
        .end(method === 'HEAD' || status === 304 ? undefined : content);
    if (!hosts.includes(headers.host ?? ''))
      return send(403, 'This page is available on this machine only.\n');
    if (method !== 'GET' && method !== 'HEAD') return send(405, 'Only GET and HEAD are supported.\n');
    if (url !== '/') return send(404, 'The only page is /.\n');
    try {
      const { page, etag } = await getPage();
      const isKnown = (headers['if-none-match'] ?? '').split(',').some((tag) => tag.trim() === etag);
      send(isKnown ? 304 : 200, page, 'text/html', etag);
    } catch (error) {
      response.setHeader('refresh', String(refresh));
      send(503, `${(error as Error).message}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  const boundPort = (server.address() as AddressInfo).port;
  const hostNames = ['127.0.0.1', 'localhost'];
  // A browser omits the default port 80 from the host header.
  hosts = [...hostNames.map((host) => `${host}:${boundPort}`), ...(boundPort === 80 ? hostNames : [])];
  return {
    url: `http://127.0.0.1:${boundPort}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Files that the page is drawn from, apart from images, which are written together with `run.json`. */
const PAGE_FILES = ['run.json', 'history.csv'];

/** A page that was drawn, and the value of its header `etag`. */
interface DrawnPage {
  readonly page: Uint8Array;
  readonly etag: string;
}

/**
 * Returns a function that returns the page of the current record. The page is drawn again only if the contents of the record have changed,
 * because drawing takes place in the thread that trains. Calls at the same time share one drawing. A record that cannot be drawn is not
 * drawn again either: the function throws the same error until the record changes.
 */
function createPageCache(
  folder: string,
  store: Store,
  draw: () => Promise<string>,
): () => Promise<DrawnPage> {
  const prefix = randomUUID(); // A browser must not show the page of an earlier server.
  let fileVersion = '';
  let digest = '';
  let drawing: Promise<DrawnPage> | undefined;
  let pending: Promise<DrawnPage> | undefined;
  const update = async (): Promise<DrawnPage> => {
    const currentVersion = (
      await Promise.all(PAGE_FILES.map((name) => getFileVersion(join(folder, name))))
    ).join();
    if (drawing && currentVersion === fileVersion) return drawing;
    const currentDigest = await computeRecordDigest(store);
    fileVersion = currentVersion;
    if (drawing && currentDigest === digest) return drawing;
    digest = currentDigest;
    const etag = `"${prefix}-${currentDigest.slice(0, 16)}"`;
    drawing = draw().then((page) => ({ page: new TextEncoder().encode(page), etag }));
    return drawing;
  };
  return () => {
    pending ??= update().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

/** Returns a text that changes when a file is written or removed. It is computed without reading the file. */
async function getFileVersion(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true }).catch(() => ({
    ino: '',
    size: '',
    mtimeNs: '',
  }));
  return `${ino} ${size} ${mtimeNs}`;
}

/** Computes the hash of the record of a run and of the complete lines of its history. */
async function computeRecordDigest(store: Store): Promise<string> {
  const [record, history] = await Promise.all(PAGE_FILES.map((name) => readStoreFile(store, name)));
  const lines = history?.subarray(0, history.lastIndexOf('\n'.charCodeAt(0)) + 1);
  const digests = [record, lines].map((bytes) => sha256(bytes ?? new Uint8Array()));
  return sha256(new TextEncoder().encode((await Promise.all(digests)).join()));
}
