import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as checks from '../../core/errors/checks.js';
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
 * a frame.
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
  const server = createServer(async ({ method, url, headers }, response) => {
    const send = (status: number, text: string, type = 'text/plain') =>
      void response
        .writeHead(status, {
          'content-type': `${type}; charset=utf-8`,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'same-origin',
          'content-security-policy': "frame-ancestors 'none'",
        })
        .end(method === 'HEAD' ? undefined : text);
    if (!hosts.includes(headers.host ?? ''))
      return send(403, 'This page is available on this machine only.\n');
    if (method !== 'GET' && method !== 'HEAD') return send(405, 'Only GET and HEAD are supported.\n');
    if (url !== '/') return send(404, 'The only page is /.\n');
    try {
      const run = await readRunRecord(store, { images });
      send(200, createReportPage([run], tools, run.stopped === undefined ? { refresh } : {}), 'text/html');
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
