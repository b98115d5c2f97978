import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectImageIds } from '../../src/core/records/answerSelection.js';
import type { GradCamRecord } from '../../src/core/records/runRecord.js';
import { createRng } from '../../src/entries/node.js';
import { folderStore, sharpEncoder, watchRun, writeReport } from '../../src/node/index.js';
import { AGE, GENDER, GRADE, HOSTILE, type Made, madeRun } from '../report/runs.js';
import { browser as name } from './page.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const scratch = mkdtempSync(join(tmpdir(), 'report-'));
let chrome: Browser;

beforeAll(async () => {
  if (!name) return;
  const executablePath = execFileSync('which', [name], { encoding: 'utf8' }).trim();
  chrome = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 0, // the limit of a test is the one for what hangs
  });
});
afterAll(async () => {
  await chrome?.close();
  rmSync(scratch, { recursive: true });
});

/** A folder as a run leaves it, pictures for every image that a page may show and `cams` more. */
async function folderOf(folder: string, made: Made, cams = 0): Promise<string> {
  const { images: _, ...run } = madeRun(made);
  const store = folderStore(join(scratch, folder));
  const encode = await sharpEncoder();
  const random = createRng(5, 'noise'); // nothing compresses worse
  const noise = async (file: string) => {
    const data = Uint8Array.from({ length: 96 * 96 * 3 }, () => random.nextInt(256));
    await store.write(file, await encode({ data, height: 96, width: 96, channels: 3 }));
    return file;
  };
  // All at once: a file waits for the disk.
  const pictures = await Promise.all(
    selectImageIds(run).map(async (id, i) => ({ id, file: await noise(`pictures/${i}.jpg`) })),
  );
  const gradCams: GradCamRecord[] = await Promise.all(
    Array.from({ length: cams }, async (_, i) => ({
      id: run.answers[i]!.id,
      task: run.tasks[i % run.tasks.length]!.name,
      toward: 'higher',
      image: await noise(`cams/${i}.jpg`),
    })),
  );
  await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...run, pictures, gradCams })));
  return join(scratch, folder);
}

/** Opens a page, and hears what it says and asks for. */
async function opened(url: string, width = 1280) {
  const page = await chrome.newPage({ viewport: { width, height: 900 } });
  page.setDefaultTimeout(0);
  const said: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) asked.push(request.url());
  });
  await page.goto(url);
  return { page, said, asked };
}

const url = (path: string) => pathToFileURL(path).href;

describe.skipIf(!name)('report.html in Chromium', () => {
  const kinds = [AGE, GENDER, GRADE];

  test('opens from the disk without an error or a request, with every figure and 200 pictures, in less than 5 MB', async () => {
    const folder = await folderOf('many', { tasks: kinds, images: 300 }, 160);
    const path = await writeReport(folder);
    expect(readFileSync(path).length).toBeLessThan(5e6);
    const { page, said, asked } = await opened(url(path));
    expect(said).toEqual([]);
    expect(asked).toEqual([url(path)]);
    const seen = await page.evaluate(() => ({
      figures: Array.from(
        document.querySelectorAll('figure'),
        (one) =>
          [
            one.getAttribute('data-figure'),
            one.querySelector('svg')!.getBoundingClientRect().width > 200,
          ] as const,
      ),
      pictures: Array.from(document.images, (one) => one.complete && one.naturalWidth > 0),
      cut: document.documentElement.scrollWidth > innerWidth,
      fonts: Array.from(document.fonts, ({ family, weight, status }) => `${family} ${weight} ${status}`),
    }));
    expect(seen.pictures.length).toBeGreaterThan(200);
    expect(seen.pictures.every(Boolean)).toBe(true);
    const files = (await folderStore(folder).list('figures/')).filter((file) => file.endsWith('.svg'));
    expect(seen.figures.map(([figure]) => `figures/${figure}.svg`).sort()).toEqual(files);
    expect(seen.figures.every(([, large]) => large)).toBe(true);
    expect(seen.cut).toBe(false);
    expect(seen.fonts).toEqual(['Inter 400 loaded', 'Inter 600 loaded']);
    for (const file of files)
      await sharp((await folderStore(folder).read(file.replace('.svg', '.png')))!).metadata();
    await page.close();
  });

  test('forbids itself scripts and requests, so that nothing that slipped in could do harm', async () => {
    let heard = 0;
    const server = createServer((_, response) => {
      heard++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { page } = await opened(url(await writeReport(await folderOf('closed', { images: 20 }))));
    const refused = await page.evaluate(async (elsewhere) => {
      const directives = new Set<string>();
      // Told in the page's own time; should one never be, what was is shown.
      const told = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          if (directives.add(effectiveDirective).size === 6) resolve();
        });
        setTimeout(resolve, 20_000);
      });
      const slipped = document.createElement('div');
      slipped.innerHTML = `<img src="${elsewhere}"><iframe src="${elsewhere}"></iframe><b onclick="window.hacked = 1">b</b><object data="${elsewhere}"></object>`;
      document.body.append(slipped);
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 1';
      document.body.append(script);
      slipped.querySelector('b')!.click();
      await fetch(elsewhere).catch(() => {});
      await told;
      return { directives: [...directives].sort(), hacked: (globalThis as any).hacked };
    }, elsewhere);
    expect(refused.hacked).toBeUndefined();
    expect(refused.directives).toEqual(
      ['connect-src', 'frame-src', 'img-src', 'object-src', 'script-src-attr', 'script-src-elem'].sort(),
    );
    expect(heard).toBe(0);
    await page.close();
    server.close();
  });

  test('prints with every heading beside what it heads', async () => {
    const folder = await folderOf('printed', { tasks: kinds }, 6);
    const { page } = await opened(url(await writeReport(folder)));
    await page.emulateMedia({ media: 'print' });
    const seen = await page.evaluate(() => ({
      breaks: Array.from(document.querySelectorAll('h2, h3'), (one) => getComputedStyle(one).breakAfter),
      whole: Array.from(
        document.querySelectorAll('p, figure, dl'),
        (one) => getComputedStyle(one).breakInside,
      ),
      tables: Array.from(document.querySelectorAll('.scroll'), (one) => getComputedStyle(one).overflowX),
    }));
    expect(new Set(seen.breaks)).toEqual(new Set(['avoid']));
    expect(new Set(seen.whole)).toEqual(new Set(['avoid']));
    expect(new Set(seen.tables)).toEqual(new Set(['visible']));
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
    await page.close();
  });

  test.each([1280, 400])(
    'axe finds no serious fault at %i pixels, and nothing is wider than the page',
    async (width) => {
      const folder = await folderOf('axe', { tasks: kinds }, 2);
      const { page } = await opened(url(await writeReport(folder)), width);
      await page.evaluate(readFileSync(AXE, 'utf8'));
      const faults = await page.evaluate(async () => {
        const { violations } = await (globalThis as any).axe.run(document);
        return violations
          .filter(({ impact }: { impact: string }) => ['serious', 'critical'].includes(impact))
          .map(
            ({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
              `${id}: ${nodes[0]!.html.slice(0, 200)}`,
          );
      });
      expect(faults).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.close();
    },
  );

  test('shows hostile names and labels as text', async () => {
    const hostile = (i: number) => HOSTILE[i % HOSTILE.length]!;
    const tasks = [
      { ...AGE, name: HOSTILE[1]!, unit: HOSTILE[2]! },
      { ...GRADE, name: HOSTILE[3]!, labels: HOSTILE },
    ];
    const folder = await folderOf(
      'hostile',
      {
        name: HOSTILE[0]!,
        tasks,
        id: (i) => `${i}${hostile(i)}`,
        groups: (i) => ({ [HOSTILE[5]!]: hostile(i) }),
      },
      3,
    );
    const path = await writeReport([folder, folder]);
    const { page, said, asked } = await opened(url(path), 400);
    expect(said).toEqual([]);
    expect(asked).toEqual([url(path)]);
    const seen = await page.evaluate(() => ({
      hacked: (globalThis as any).hacked,
      foreign: document.querySelectorAll(
        'script, iframe, img:not([src^="data:image/"]), [onerror], [onmouseover]',
      ).length,
      text: document.body.textContent,
      width: document.documentElement.scrollWidth,
    }));
    expect(seen.hacked).toBeUndefined();
    expect(seen.foreign).toBe(0);
    expect(seen.text).toContain('<script>window.hacked = 1</script>');
    expect(seen.width).toBeLessThanOrEqual(400);
    await page.close();
  });

  test('grows while it is watched, and asks for nothing but itself', async () => {
    const folder = await folderOf('watched', { epochs: 0, images: 0 });
    const store = folderStore(folder);
    const { stopped: _, ...running } = JSON.parse(new TextDecoder().decode(await store.read('run.json')));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify(running)));
    const watch = await watchRun(folder, { refresh: 1 });
    const { page, said, asked } = await opened(watch.url);
    await page.getByText('No epoch has ended yet.').waitFor();
    await store.write(
      'history.csv',
      new TextEncoder().encode('epoch,val_loss,age_loss,val_age_loss\n1,4,3,4\n2,3,2,3\n3,2'),
    );
    await page.getByText('Epoch 2 of 2 has the best val_loss, 3.').waitFor();
    expect(said).toEqual([]);
    // A browser asks every site for its icon by itself.
    expect([...new Set(asked)].filter((one) => !one.endsWith('/favicon.ico'))).toEqual([watch.url]);
    await page.close();
    await watch.close();
  });
});
