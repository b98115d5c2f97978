import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReportPage } from '../../report/pages/createReport.js';
import { readRunRecord } from '../../report/records/readRunRecord.js';
import { folderStore } from '../platform/folderStore.js';
import { loadReportTools } from './writeReport.js';

/**
 * Options of {@link watchRun}.
 *
 * @category Figures
 */
export interface WatchOptions {
  /** Of 127.0.0.1. Default 0: any that is free. */
  readonly port?: number;
  /** Seconds between two looks of the browser. Default 5. */
  readonly refresh?: number;
  /** Whether the page shows pictures of images. Default true. */
  readonly images?: boolean;
}

/**
 * A page that is being served.
 *
 * @category Figures
 */
export interface Watch {
  /** Where to look: `http://127.0.0.1:40123/`. */
  readonly url: string;
  /** Ends the server; browsers keep the page they have. */
  close(): Promise<void>;
}

/**
 * Serves the report of a run that goes on, with curves that grow: to this machine alone, at 127.0.0.1. A request that names another
 * host is refused, so that no page from elsewhere can read it through a name of its own, nor show it in a frame. The server does not keep
 * a program alive.
 *
 * @param folder - Of the run: `run.json` and `history.csv`.
 * @throws `missing-package` fault without the packages of `report`; Node's own error for a port that is taken.
 * @example
 * ```ts
 * import { watchRun } from 'tfjs-multitask/node';
 *
 * const watch = await watchRun('out/run');
 * const answer = await fetch(watch.url);
 * console.log(answer.status); // 503
 * await watch.close();
 * ```
 * @category Figures
 */
export async function watchRun(
  folder: string,
  { port = 0, refresh = 5, images = true }: WatchOptions = {},
): Promise<Watch> {
  const tools = await loadReportTools();
  const store = folderStore(folder);
  let hosts: readonly string[] = [];
  const server = createServer(async ({ method, url, headers }, response) => {
    const answer = (status: number, text: string, type = 'text/plain') =>
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
      return answer(403, 'This page is served to this machine alone.\n');
    if (method !== 'GET' && method !== 'HEAD') return answer(405, 'Only to be read.\n');
    if (url !== '/') return answer(404, 'There is one page, at /.\n');
    try {
      const run = await readRunRecord(store, { images });
      answer(200, createReportPage([run], tools, run.stopped === undefined ? { refresh } : {}), 'text/html');
    } catch (error) {
      response.setHeader('refresh', String(refresh));
      answer(503, `${(error as Error).message}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  server.unref();
  const taken = (server.address() as AddressInfo).port;
  const named = ['127.0.0.1', 'localhost'];
  hosts = [...named.map((host) => `${host}:${taken}`), ...(taken === 80 ? named : [])]; // a browser leaves 80 out
  return {
    url: `http://127.0.0.1:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
