import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchFile } from '../../src/backbones/fetchFile.js';
import { md5 } from '../../src/backbones/md5.js';
import { createRng, memoryStore, type Store } from '../../src/entries/node.js';
import { getCacheFolder } from '../../src/node/backbones/cacheFolder.js';
import { downloadBar } from '../../src/node/backbones/downloadBar.js';
import { downloadWeights } from '../../src/node/backbones/downloadWeights.js';
import { folderStore } from '../../src/node/index.js';
import { catchError } from '../bad-input/catchError.js';

const random = createRng(1, 'download');
/** Test file that is larger than one chunk written to the store. */
const FILE = Buffer.from(Uint8Array.from({ length: 9_000_000 }, () => random.nextInt(256)));
const MD5 = createHash('md5').update(FILE).digest('hex');
const NAME = 'weights.h5';

/** Behavior of the test server. */
interface ServerBehavior {
  readonly file?: Buffer;
  /** Number of bytes after which the server stops sending, until the connection breaks. */
  readonly breaks?: number;
  readonly ranges?: boolean;
  readonly tag?: string | undefined;
  readonly status?: number;
  readonly length?: boolean;
}
let serverBehavior: ServerBehavior = {};
let requests: { readonly range: string | undefined; readonly status: number; readonly bytes: number }[] = [];

function respond(request: IncomingMessage, response: ServerResponse): void {
  const { file = FILE, breaks, ranges = true, tag = '"1"', status, length = true } = serverBehavior;
  const ifRange = request.headers['if-range'];
  const range = ranges && (ifRange === undefined || ifRange === tag) ? request.headers.range : undefined;
  const from = range ? Number(range.match(/bytes=(\d+)-/)![1]) : 0;
  const code = status ?? (range ? 206 : 200);
  const end = breaks ?? file.length;
  requests.push({ range: request.headers.range, status: code, bytes: end - from });
  if (status) return void response.writeHead(status).end('an error page');
  response.writeHead(code, {
    ...(length && { 'content-length': file.length - from }),
    ...(range && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    ...(tag && { etag: tag }),
  });
  if (end < file.length) response.write(file.subarray(from, end));
  else response.end(file.subarray(from, end));
}

let server: Server;
let url: string;
let folder: string;
let store: Store;
beforeEach(async () => {
  serverBehavior = {};
  requests = [];
  server = createServer(respond).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${NAME}`;
  folder = mkdtempSync(join(tmpdir(), 'download-'));
  store = folderStore(folder);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const download = (more: Partial<Parameters<typeof fetchFile>[0]> = {}) =>
  fetchFile({ url, hash: { md5: MD5 }, name: NAME, store, fetch, ...more });
/** Starts a download whose connection breaks after the client has received the first `bytes` bytes. */
const failAfter = (bytes: number) =>
  getError(
    download({
      onProgress: (receivedBytes) => void (receivedBytes === bytes && server.closeAllConnections()),
    }),
  );
/** Returns the error of a download. If the download succeeds, the test fails with a message that omits the downloaded bytes. */
const getError = (call: Promise<Uint8Array>) =>
  catchError(() => call.then(({ length }) => `${length} bytes`));
const isFile = (bytes: Uint8Array) => FILE.equals(bytes);

describe('fetchFile', () => {
  test('downloads a file once with progress reports, and reads the file from the store the next time', async () => {
    const progress: [number, number | undefined][] = [];
    expect(isFile(await download({ onProgress: (...numbers) => progress.push(numbers) }))).toBe(true);
    expect(progress.at(0)).toEqual([0, FILE.length]);
    expect(progress.at(-1)).toEqual([FILE.length, FILE.length]);
    expect(progress.map(([bytes]) => bytes)).toEqual(
      [...new Set(progress.map(([bytes]) => bytes))].sort((a, b) => a - b),
    );
    expect(isFile(await download())).toBe(true);
    expect(requests).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  test('verifies a file by its SHA-256 hash', async () => {
    const sha256 = createHash('sha256').update(FILE).digest('hex');
    expect(isFile(await download({ hash: { sha256: sha256.toUpperCase() } }))).toBe(true);
  });

  test('downloads a file from a server that does not send the content length', async () => {
    serverBehavior = { length: false };
    const totals = new Set<number | undefined>();
    expect(isFile(await download({ onProgress: (_, total) => totals.add(total) }))).toBe(true);
    expect([...totals]).toEqual([undefined]);
  });

  test('downloads a file once for two concurrent calls, and downloads different files concurrently', async () => {
    const both = await Promise.all([download(), download()]);
    expect(both.map(isFile)).toEqual([true, true]);
    expect(requests).toHaveLength(1);
    await Promise.all([download({ name: 'a' }), download({ name: 'b' })]);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', NAME]);
  });

  test('downloads a complete file even if two processes download the file into the same folder at the same time', async () => {
    const both = await Promise.all([download(), download({ store: folderStore(folder) })]);
    expect(both.map(isFile)).toEqual([true, true]);
    expect(FILE.equals(readFileSync(join(folder, NAME)))).toBe(true);
  });
});

describe('fetchFile after an interrupted download', () => {
  const interruptDownload = async (tag?: ServerBehavior['tag']) => {
    serverBehavior = { breaks: 6_000_000, ...(tag !== undefined && { tag }) };
    const error = await failAfter(6_000_000);
    expect(error).toMatchObject({ kind: 'download', path: url });
    expect(error.received).toMatch(/^6000000 bytes of 9000000/);
    expect(error.advice).toContain(`save it as ${folder}/${NAME}`);
    expect(readdirSync(folder).sort()).toEqual([`${NAME}.part`, `${NAME}.part.json`]);
    requests = [];
  };

  test('continues at the byte where the download stopped', async () => {
    await interruptDownload();
    serverBehavior = {};
    const progress: number[] = [];
    expect(isFile(await download({ onProgress: (bytes) => progress.push(bytes) }))).toBe(true);
    expect(requests).toEqual([{ range: 'bytes=6000000-', status: 206, bytes: 3_000_000 }]);
    expect(progress[0]).toBe(6_000_000);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  test('starts over if the server does not support range requests', async () => {
    await interruptDownload();
    serverBehavior = { ranges: false };
    expect(isFile(await download())).toBe(true);
    expect(requests).toEqual([{ range: 'bytes=6000000-', status: 200, bytes: 9_000_000 }]);
  });

  test('starts over if the ETag of the file has changed', async () => {
    await interruptDownload('"old"');
    serverBehavior = { tag: '"new"' };
    expect(isFile(await download())).toBe(true);
    expect(requests.map(({ status }) => status)).toEqual([200]);
  });

  test.each([
    ['its length', Buffer.alloc(9_000_001)],
    ['its hash', Buffer.alloc(9_000_000)],
  ])('without an ETag, detects a changed file by %s and starts over', async (_, old) => {
    serverBehavior = { file: old, breaks: 6_000_000, tag: '' };
    await failAfter(6_000_000);
    requests = [];
    serverBehavior = { tag: '' };
    expect(isFile(await download())).toBe(true);
    expect(requests.map(({ range, status }) => [range, status])).toEqual([
      ['bytes=6000000-', 206],
      [undefined, 200],
    ]);
  });

  test.each([
    ['longer than the file', (part: Uint8Array) => Buffer.concat([part, FILE])],
    ['empty', () => new Uint8Array()],
  ])('starts over if the partial file in the store is %s', async (_, change) => {
    await interruptDownload();
    serverBehavior = {};
    await store.write(`${NAME}.part`, change((await store.read(`${NAME}.part`))!));
    expect(isFile(await download())).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual([undefined]);
  });

  test('resumes again after a second interruption', async () => {
    await interruptDownload();
    serverBehavior = { breaks: 8_000_000 };
    await failAfter(8_000_000);
    serverBehavior = {};
    expect(isFile(await download())).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=6000000-', 'bytes=8000000-']);
  });
});

describe('fetchFile with an invalid file or a failed request', () => {
  test('leaves the stored file unchanged if the server sends a file with a different hash', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    serverBehavior = { file: Buffer.from('<html>moved</html>') };
    const error = await getError(download());
    expect(error).toMatchObject({ kind: 'download', path: url });
    const invalidFile = `, and an invalid file ${folder}/${NAME} of 3 bytes whose hash is not md5 ${MD5}`;
    expect(error.received).toBe(`18 bytes whose hash is not md5 ${MD5}${invalidFile}`);
    expect(readdirSync(folder)).toEqual([NAME]);
    expect(await store.read(NAME)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('replaces a stored file that has an incorrect hash', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    expect(isFile(await download())).toBe(true);
    expect(FILE.equals((await store.read(NAME))!)).toBe(true);
  });

  test.each([404, 403, 500, 416, 204])(
    'reports HTTP status %d, the URL, and the path where the user can put the file',
    async (status) => {
      serverBehavior = { status };
      const error = await getError(download());
      expect(error).toMatchObject({ kind: 'download', path: url });
      expect(error.received).toMatch(status === 416 ? /only part of the file/ : `HTTP ${status}`);
      expect(error.advice).toContain(`download ${url} manually and save it as ${folder}/${NAME}`);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('reports that the stored file is invalid if the network is unavailable', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    const error = await getError(download({ fetch: () => Promise.reject(new Error('no network')) }));
    expect(error.received).toBe(
      `no response (no network), and an invalid file ${folder}/${NAME} of 3 bytes whose hash is not md5 ${MD5}`,
    );
    expect(error.advice).toMatch(/replacing the existing file\.$/);
  });

  test('reports a refused connection', async () => {
    // No server can listen on the client's port of an open connection.
    const connection = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(connection, 'connect');
    const error = await getError(download({ url: `http://127.0.0.1:${connection.localPort}/x` }));
    connection.destroy();
    expect(error).toMatchObject({ kind: 'download', received: 'no response (ECONNREFUSED)' });
    expect(error.advice).toContain('manually');
  });
});

describe('fetchFile with an abort signal', () => {
  test('stops the download when the signal is aborted, and keeps the bytes that were received', async () => {
    const stop = new AbortController();
    const error = await getError(
      download({ signal: stop.signal, onProgress: (bytes) => bytes > 5_000_000 && stop.abort('enough') }),
    );
    expect(error).toMatchObject({ kind: 'aborted', path: url, cause: 'enough' });
    const partialFile = (await store.read(`${NAME}.part`))!;
    expect(partialFile.length).toBeGreaterThan(5_000_000);
    expect(FILE.subarray(0, partialFile.length).equals(partialFile)).toBe(true);
    expect(isFile(await download())).toBe(true);
  });

  test('sends no request if the signal is already aborted, while another call for the same file succeeds', async () => {
    const stopped = getError(download({ signal: AbortSignal.abort() }));
    const other = download();
    expect(await stopped).toMatchObject({ kind: 'aborted' });
    expect(isFile(await other)).toBe(true);
    expect(requests).toHaveLength(1);
  });
});

test('md5() returns the same hash as Node.js for all lengths around the block size', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
      expect(md5(bytes)).toBe(createHash('md5').update(bytes).digest('hex'));
    }),
    { numRuns: 500 },
  );
  for (const length of [0, 55, 56, 57, 63, 64, 65, 119, 120, 128]) {
    expect(md5(FILE.subarray(3, 3 + length))).toBe(
      createHash('md5')
        .update(FILE.subarray(3, 3 + length))
        .digest('hex'),
    );
  }
});

test('downloadWeights shows its progress on one line of the terminal, and can write to a memory store', async () => {
  const lines: string[] = [];
  const output = { isTTY: true, columns: 60, write: (text: string) => lines.push(text) };
  const memory = memoryStore();
  expect(isFile(await downloadWeights({ url, name: NAME, md5: MD5 }, { store: memory }, output))).toBe(true);
  expect(lines[0]).toBe(`\r\u001B[K${NAME} ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 0.0 MB of 9.0 MB`);
  expect(lines.at(-1)).toBe(`\r\u001B[K${NAME} ━━━━━━━━━━━━━━━━ 9.0 MB of 9.0 MB\n`);
  expect(await memory.list()).toEqual([NAME]);
});

test('downloadBar prints a single line if the output is not a terminal', () => {
  const lines: string[] = [];
  const bar = downloadBar({ write: (text: string) => lines.push(text) }, NAME);
  for (const bytes of [0, 1e6, 2e6]) bar(bytes, 2e6);
  expect(lines).toEqual([`${NAME}: downloading 2.0 MB\n`]);
});

test.each<[NodeJS.Platform, { [name: string]: string }, string, string]>([
  ['linux', {}, '/home/ada', '/home/ada/.cache/tfjs-multitask'],
  ['linux', { XDG_CACHE_HOME: '/fast' }, '/home/ada', '/fast/tfjs-multitask'],
  ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/ada', '/home/ada/.cache/tfjs-multitask'],
  ['darwin', {}, '/Users/ada', '/Users/ada/Library/Caches/tfjs-multitask'],
  ['win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\ada', 'D:\\Local\\tfjs-multitask'],
  ['win32', {}, 'C:\\Users\\ada', 'C:\\Users\\ada\\AppData\\Local\\tfjs-multitask'],
])(
  'getCacheFolder returns the cache folder for the platform %s and the environment variables %j',
  (platform, env, home, expected) => {
    expect(getCacheFolder(platform, env, home)).toBe(expected);
  },
);
