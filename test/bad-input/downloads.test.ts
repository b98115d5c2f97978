import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fetchFile } from '../../src/backbones/fetchFile.js';
import { httpStore } from '../../src/browser/httpStore.js';
import { download } from '../../src/core/platform/download.js';
import {
  branch,
  conv,
  exportKeras,
  flatten,
  gradCam,
  loadKeras,
  loadModel,
  memoryStore,
  multiTask,
  regression,
} from '../../src/entries/node.js';
import { catchError } from './catchError.js';

const model = multiTask({ input: [8, 8, 3] })
  .task('age', regression({ unit: 'years' }), branch([conv(2, 3), flatten()]))
  .build();

/** Ways in which a server fails, and what the error reports. */
const FAILURES: {
  readonly [name: string]: {
    readonly respond: (response: ServerResponse) => void;
    readonly received: RegExp;
  };
} = {
  'a gzip stream that is damaged': {
    respond: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip data at all'),
    received: /response that broke off/,
  },
  'a body that is shorter than its length': {
    respond: (response) => {
      response.writeHead(200, { 'content-length': 100 }).write('short');
      setTimeout(() => response.destroy(), 20);
    },
    received: /response that broke off after \d+ bytes/,
  },
  'a redirect loop': {
    respond: (response) => response.writeHead(302, { location: '/again' }).end(),
    received: /no response \(.*redirect/,
  },
  'a connection that is closed': {
    respond: (response) => response.destroy(),
    received: /no response/,
  },
  'an error status': {
    respond: (response) => response.writeHead(500).end('x'),
    received: /500/,
  },
};

let server: Server;
let url: string;
let respond: (response: ServerResponse) => void;
beforeEach(async () => {
  server = createServer((_, response) => respond(response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.jpg`;
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const fetchWeights = (signal?: AbortSignal) =>
  fetchFile({ url, hash: { md5: '' }, name: 'weights.h5', store: memoryStore(), fetch, signal });
const openStore = (signal?: AbortSignal) => httpStore(url, signal && { signal });
/** All functions that download a file. */
const DOWNLOADS: { readonly [name: string]: (signal?: AbortSignal) => Promise<unknown> } = {
  predict: (signal) => model.predict(url, { engine: 'wasm', ...(signal && { signal }) }),
  gradCam: (signal) => gradCam(model, url, { task: 'age', engine: 'wasm', ...(signal && { signal }) }),
  loadKeras: (signal) => loadKeras(url, signal && { signal }),
  'weights of loadKeras': async (signal) =>
    loadKeras(await exportKeras(model), { weights: new URL(url), ...(signal && { signal }) }),
  httpStore: (signal) => openStore(signal).read('model.json'),
  loadModel: (signal) => loadModel(openStore(signal)),
  fetchFile: fetchWeights,
};

describe.each(Object.entries(DOWNLOADS))('%s', (name, run) => {
  test.each(Object.entries(FAILURES))(
    'rejects %s with an error that contains the URL',
    async (_, failure) => {
      respond = failure.respond;
      const error = await catchError(() => run());
      expect(error.kind).toBe(name === 'fetchFile' ? 'download' : 'file');
      expect(error.path).toContain('http://127.0.0.1');
      if (name !== 'fetchFile') expect(error.received).toMatch(failure.received);
    },
  );

  test('ends with an error if the server sends no byte for 60 seconds', async () => {
    for (const start of ['', 'begin']) {
      const requested = new Promise<void>((resolve) => {
        respond = (response) => {
          if (start) response.writeHead(200).write(start);
          setImmediate(resolve);
        };
      });
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const error = catchError(() => run());
      await requested;
      // The bytes may arrive later than the response to this request was written.
      for (let i = 0; i < 50; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        await vi.advanceTimersByTimeAsync(2_000);
      }
      expect((await error).message).toContain('no data for 60 seconds');
      vi.useRealTimers();
      server.closeAllConnections();
    }
  });

  test('ends when its signal is aborted', async () => {
    const reason = new Error('the user left the page');
    const controller = new AbortController();
    respond = (response) => {
      response.writeHead(200).write('begin');
      setTimeout(() => controller.abort(reason), 20);
    };
    const error = (await run(controller.signal).catch((cause) => cause)) as Error;
    expect(name === 'fetchFile' ? error.cause : error).toBe(reason);
    const late = (await run(controller.signal).catch((cause) => cause)) as Error;
    expect(name === 'fetchFile' ? late.cause : late).toBe(reason);
  });

  test('rejects a file that is too large before it is received', async () => {
    if (name === 'fetchFile') return; // The hash of such a file differs.
    respond = (response) => {
      response.writeHead(200, { 'content-length': 2 ** 31 }).write('begin');
    };
    const error = await catchError(() => run());
    expect(error.received).toMatch(/a response of more than (268435456|2147483647) bytes/);
  });
});

describe('predict', () => {
  test('rejects an image file of more than 256 MiB', async () => {
    respond = (response) => {
      response.writeHead(200, { 'content-length': 2 ** 28 + 1 }).write('begin');
    };
    const error = await catchError(() => model.predict(url, { engine: 'wasm' }));
    expect(error).toMatchObject({ kind: 'file', received: 'a response of more than 268435456 bytes' });
  });

  test('rejects a signal that is not an AbortSignal', async () => {
    for (const call of [
      () => model.predict(url, { signal: {} as never }),
      () => loadKeras(url, { signal: true as never }),
      () => httpStore(url, { signal: 1 as never }),
    ])
      expect(await catchError(call)).toMatchObject({
        kind: 'argument',
        path: expect.stringMatching(/signal$/),
      });
  });
});

test('download stops at the limit if the server reports no length', async () => {
  let sentBytes = 0;
  respond = (response) => {
    response.writeHead(200);
    const send = () => {
      sentBytes += 65536;
      if (!response.destroyed) response.write(Buffer.alloc(65536), () => setImmediate(send));
    };
    send();
  };
  const error = await download((signal) => fetch(url, { signal }), { maxBytes: 1e6 }).catch((cause) => cause);
  expect(error.message).toBe('a response of more than 1000000 bytes');
  expect(sentBytes).toBeLessThan(1e9);
});
