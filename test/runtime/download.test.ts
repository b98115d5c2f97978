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
import { faultOf } from '../bad-input/faultOf.js';

const random = createRng(1, 'download');
/** More than one portion of what is put to the store at a time. */
const FILE = Buffer.from(Uint8Array.from({ length: 9_000_000 }, () => random.nextInt(256)));
const MD5 = createHash('md5').update(FILE).digest('hex');
const NAME = 'weights.h5';

/** What the server does, and what it was asked. */
interface Behaviour {
  readonly file?: Buffer;
  /** Bytes after which the server falls silent, until the connection breaks. */
  readonly breaks?: number;
  readonly ranges?: boolean;
  readonly tag?: string | undefined;
  readonly status?: number;
  readonly length?: boolean;
}
let behaviour: Behaviour = {};
let asked: { readonly range: string | undefined; readonly status: number; readonly bytes: number }[] = [];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { file = FILE, breaks, ranges = true, tag = '"1"', status, length = true } = behaviour;
  const wanted = request.headers['if-range'];
  const range = ranges && (wanted === undefined || wanted === tag) ? request.headers.range : undefined;
  const from = range ? Number(range.match(/bytes=(\d+)-/)![1]) : 0;
  const code = status ?? (range ? 206 : 200);
  const end = breaks ?? file.length;
  asked.push({ range: request.headers.range, status: code, bytes: end - from });
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
  behaviour = {};
  asked = [];
  server = createServer(answer).listen(0, '127.0.0.1');
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
/** A download whose connection breaks after so many bytes, once the client has had them all. */
const breaking = (bytes: number) =>
  failing(download({ onProgress: (had) => void (had === bytes && server.closeAllConnections()) }));
/** The fault that a download ends with. Its bytes, should it give any, are not for a message. */
const failing = (call: Promise<Uint8Array>) => faultOf(() => call.then(({ length }) => `${length} bytes`));
const same = (bytes: Uint8Array) => FILE.equals(bytes);

describe('a file', () => {
  test('is downloaded once, whole, with progress; then it comes from the store', async () => {
    const heard: [number, number | undefined][] = [];
    expect(same(await download({ onProgress: (...numbers) => heard.push(numbers) }))).toBe(true);
    expect(heard.at(0)).toEqual([0, FILE.length]);
    expect(heard.at(-1)).toEqual([FILE.length, FILE.length]);
    expect(heard.map(([bytes]) => bytes)).toEqual(
      [...new Set(heard.map(([bytes]) => bytes))].sort((a, b) => a - b),
    );
    expect(same(await download())).toBe(true);
    expect(asked).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  test('may be known by its SHA-256', async () => {
    const sha256 = createHash('sha256').update(FILE).digest('hex');
    expect(same(await download({ hash: { sha256: sha256.toUpperCase() } }))).toBe(true);
  });

  test('may come from a server that does not say how long it is', async () => {
    behaviour = { length: false };
    const totals = new Set<number | undefined>();
    expect(same(await download({ onProgress: (_, total) => totals.add(total) }))).toBe(true);
    expect([...totals]).toEqual([undefined]);
  });

  test('is fetched once for two that want it at a time; two files do not wait for one another', async () => {
    const both = await Promise.all([download(), download()]);
    expect(both.map(same)).toEqual([true, true]);
    expect(asked).toHaveLength(1);
    await Promise.all([download({ name: 'a' }), download({ name: 'b' })]);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', NAME]);
  });

  test('is whole for two processes that download it into one folder', async () => {
    const both = await Promise.all([download(), download({ store: folderStore(folder) })]);
    expect(both.map(same)).toEqual([true, true]);
    expect(FILE.equals(readFileSync(join(folder, NAME)))).toBe(true);
  });
});

describe('a download that breaks', () => {
  const broken = async (tag?: Behaviour['tag']) => {
    behaviour = { breaks: 6_000_000, ...(tag !== undefined && { tag }) };
    const error = await breaking(6_000_000);
    expect(error).toMatchObject({ kind: 'download', path: url });
    expect(error.received).toMatch(/^6000000 bytes of 9000000/);
    expect(error.advice).toContain(`put it at ${folder}/${NAME}`);
    expect(readdirSync(folder).sort()).toEqual([`${NAME}.part`, `${NAME}.part.json`]);
    asked = [];
  };

  test('goes on where it stopped', async () => {
    await broken();
    behaviour = {};
    const heard: number[] = [];
    expect(same(await download({ onProgress: (bytes) => heard.push(bytes) }))).toBe(true);
    expect(asked).toEqual([{ range: 'bytes=6000000-', status: 206, bytes: 3_000_000 }]);
    expect(heard[0]).toBe(6_000_000);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  test('begins anew where the server knows no ranges', async () => {
    await broken();
    behaviour = { ranges: false };
    expect(same(await download())).toBe(true);
    expect(asked).toEqual([{ range: 'bytes=6000000-', status: 200, bytes: 9_000_000 }]);
  });

  test('begins anew when the file has changed, which the server says by its mark', async () => {
    await broken('"old"');
    behaviour = { tag: '"new"' };
    expect(same(await download())).toBe(true);
    expect(asked.map(({ status }) => status)).toEqual([200]);
  });

  test.each([
    ['its length', Buffer.alloc(9_000_001)],
    ['its hash', Buffer.alloc(9_000_000)],
  ])('or, without a mark, by %s', async (_, old) => {
    behaviour = { file: old, breaks: 6_000_000, tag: '' };
    await breaking(6_000_000);
    asked = [];
    behaviour = { tag: '' };
    expect(same(await download())).toBe(true);
    expect(asked.map(({ range, status }) => [range, status])).toEqual([
      ['bytes=6000000-', 206],
      [undefined, 200],
    ]);
  });

  test.each([
    ['longer than the file', (part: Uint8Array) => Buffer.concat([part, FILE])],
    ['of nothing', () => new Uint8Array()],
  ])('with a part that has become one %s, it begins anew', async (_, change) => {
    await broken();
    behaviour = {};
    await store.write(`${NAME}.part`, change((await store.read(`${NAME}.part`))!));
    expect(same(await download())).toBe(true);
    expect(asked.map(({ range }) => range)).toEqual([undefined]);
  });

  test('keeps its part when it breaks again', async () => {
    await broken();
    behaviour = { breaks: 8_000_000 };
    await breaking(8_000_000);
    behaviour = {};
    expect(same(await download())).toBe(true);
    expect(asked.map(({ range }) => range)).toEqual(['bytes=6000000-', 'bytes=8000000-']);
  });
});

describe('what is not the file', () => {
  test('leaves no trace, neither of itself nor on what stood there', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    behaviour = { file: Buffer.from('<html>moved</html>') };
    const error = await failing(download());
    expect(error).toMatchObject({ kind: 'download', path: url });
    const there = `, and at ${folder}/${NAME} 3 bytes whose hash is not md5 ${MD5}`;
    expect(error.received).toBe(`18 bytes whose hash is not md5 ${MD5}${there}`);
    expect(readdirSync(folder)).toEqual([NAME]);
    expect(await store.read(NAME)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('is replaced in the store by what is', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    expect(same(await download())).toBe(true);
    expect(FILE.equals((await store.read(NAME))!)).toBe(true);
  });

  test.each([404, 403, 500, 416, 204])('HTTP %d names the URL, and where to put the file', async (status) => {
    behaviour = { status };
    const error = await failing(download());
    expect(error).toMatchObject({ kind: 'download', path: url });
    expect(error.received).toMatch(status === 416 ? /a part of it/ : `HTTP ${status}`);
    expect(error.advice).toContain(`download ${url} by hand and put it at ${folder}/${NAME}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('put there by hand is named with its fault where there is no network', async () => {
    await store.write(NAME, new Uint8Array([1, 2, 3]));
    const error = await failing(download({ fetch: () => Promise.reject(new Error('no network')) }));
    expect(error.received).toBe(
      `no answer (no network), and at ${folder}/${NAME} 3 bytes whose hash is not md5 ${MD5}`,
    );
    expect(error.advice).toMatch(/in place of what is there\.$/);
  });

  test('nor is no network', async () => {
    // At the other end of a connection nobody listens, nor can while it stands.
    const held = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(held, 'connect');
    const error = await failing(download({ url: `http://127.0.0.1:${held.localPort}/x` }));
    held.destroy();
    expect(error).toMatchObject({ kind: 'download', received: 'no answer (ECONNREFUSED)' });
    expect(error.advice).toContain('by hand');
  });
});

describe('a signal', () => {
  test('stops a download, and what has come is kept', async () => {
    const stop = new AbortController();
    const error = await failing(
      download({ signal: stop.signal, onProgress: (bytes) => bytes > 5_000_000 && stop.abort('enough') }),
    );
    expect(error).toMatchObject({ kind: 'aborted', path: url, cause: 'enough' });
    const kept = (await store.read(`${NAME}.part`))!;
    expect(kept.length).toBeGreaterThan(5_000_000);
    expect(FILE.subarray(0, kept.length).equals(kept)).toBe(true);
    expect(same(await download())).toBe(true);
  });

  test('given before stops it before it asks; the other that waits for the same file gets it', async () => {
    const stopped = failing(download({ signal: AbortSignal.abort() }));
    const other = download();
    expect(await stopped).toMatchObject({ kind: 'aborted' });
    expect(same(await other)).toBe(true);
    expect(asked).toHaveLength(1);
  });
});

test('MD5 is that of Node, for every length around its blocks', () => {
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

test('pretrained weights show a line on the terminal, and come from a store in memory as well', async () => {
  const lines: string[] = [];
  const output = { isTTY: true, columns: 60, write: (text: string) => lines.push(text) };
  const given = memoryStore();
  expect(same(await downloadWeights({ url, name: NAME, md5: MD5 }, { store: given }, output))).toBe(true);
  expect(lines[0]).toBe(`\r\u001B[K${NAME} ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 0.0 MB of 9.0 MB`);
  expect(lines.at(-1)).toBe(`\r\u001B[K${NAME} ━━━━━━━━━━━━━━━━ 9.0 MB of 9.0 MB\n`);
  expect(await given.list()).toEqual([NAME]);
});

test('elsewhere than on a terminal there is one line', () => {
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
])('the cache on %s with %j', (platform, env, home, expected) => {
  expect(getCacheFolder(platform, env, home)).toBe(expected);
});
