import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { branch, flatten, imagesInMemory, multiTask, regression } from '../../src/entries/node.js';
import { folderStore, recordRun, watchRun } from '../../src/node/index.js';
import { createReportPage } from '../../src/report/pages/createReport.js';

vi.mock('../../src/report/pages/createReport.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/report/pages/createReport.js')>();
  return { ...original, createReportPage: vi.fn(original.createReportPage) };
});

const folder = mkdtempSync(join(tmpdir(), 'watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const store = folderStore(folder);
const image = { data: new Uint8Array(48).fill(9), height: 4, width: 4, channels: 3 };
const train = imagesInMemory([{ image, labels: { age: 1 } }]);
const model = multiTask({ input: [4, 4, 3] })
  .task('age', regression({ unit: 'years' }), branch([flatten()]))
  .build();
const write = (name: string, text: string) => store.write(name, new TextEncoder().encode(text));

beforeEach(async () => {
  await recordRun(store, model, { name: 'watched', datasetName: 'one image', train, images: false });
  await write('history.csv', 'epoch,loss,age_loss\n1,4,4\n');
  vi.mocked(createReportPage).mockClear();
});

test('watchRun draws the page once an epoch for any number of clients', async () => {
  const watch = await watchRun(folder);
  const load = async (headers: { [name: string]: string } = {}) => {
    const response = await fetch(watch.url, { headers });
    return { status: response.status, etag: response.headers.get('etag')!, body: await response.text() };
  };
  const pages = await Promise.all(Array.from({ length: 20 }, () => load()));
  expect(new Set(pages.map(({ body, status, etag }) => JSON.stringify([status, etag, body]))).size).toBe(1);
  expect(pages[0]!.body).toContain('</html>');
  expect(createReportPage).toHaveBeenCalledTimes(1);
  const { etag } = pages[0]!;
  expect(await load({ 'if-none-match': `"another", ${etag}` })).toEqual({ status: 304, etag, body: '' });
  expect((await load({ 'if-none-match': '"another"' })).status).toBe(200);

  // A line that is being written does not change the page, nor does a file that is written again with the same contents.
  await write('history.csv', 'epoch,loss,age_loss\n1,4,4\n2,3');
  await write('run.json', new TextDecoder().decode(await store.read('run.json')));
  expect((await load({ 'if-none-match': etag })).status).toBe(304);
  expect(createReportPage).toHaveBeenCalledTimes(1);

  await write('history.csv', 'epoch,loss,age_loss\n1,4,4\n2,3,3\n');
  const next = await Promise.all(Array.from({ length: 20 }, () => load({ 'if-none-match': etag })));
  expect(new Set(next.map(({ status }) => status))).toEqual(new Set([200]));
  expect(next[0]!.etag).not.toBe(etag);
  expect(createReportPage).toHaveBeenCalledTimes(2);
  await watch.close();
});

test('watchRun does not draw a record again that cannot be drawn, until the record changes', async () => {
  vi.mocked(createReportPage).mockImplementationOnce(() => {
    throw new Error('no figure');
  });
  const watch = await watchRun(folder);
  for (let i = 0; i < 3; i++) {
    const response = await fetch(watch.url);
    expect([response.status, await response.text()]).toEqual([503, 'no figure\n']);
  }
  expect(createReportPage).toHaveBeenCalledTimes(1);
  await write('history.csv', 'epoch,loss,age_loss\n1,4,4\n2,3,3\n');
  expect((await fetch(watch.url)).status).toBe(200);
  await store.remove('run.json');
  expect((await fetch(watch.url)).status).toBe(503);
  await watch.close();
});
