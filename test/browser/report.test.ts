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
import { AGE, type CreateRunOptions, createRun, GENDER, GRADE, HOSTILE } from '../report/createRun.js';
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
    timeout: 0, // The time limit of the test ends a browser that hangs.
  });
});
afterAll(async () => {
  await chrome?.close();
  rmSync(scratch, { recursive: true });
});

/** Writes a run folder with every picture that a page can show, and `cams` heat maps. */
async function createRunFolder(folder: string, runOptions: CreateRunOptions, cams = 0): Promise<string> {
  const { images: _, ...run } = createRun(runOptions);
  const store = folderStore(join(scratch, folder));
  const encode = await sharpEncoder();
  const random = createRng(5, 'noise'); // Noise gives the largest files.
  const noise = async (file: string) => {
    const data = Uint8Array.from({ length: 96 * 96 * 3 }, () => random.nextInt(256));
    await store.write(file, await encode({ data, height: 96, width: 96, channels: 3 }));
    return file;
  };
  // The files are written concurrently, because each waits for the disk.
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

/** Opens a page, and records its console messages and requests. */
async function openPage(url: string, width = 1280) {
  const page = await chrome.newPage({ viewport: { width, height: 900 } });
  page.setDefaultTimeout(0);
  const messages: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => messages.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => messages.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) requests.push(request.url());
  });
  await page.goto(url);
  return { page, messages, requests };
}

const url = (path: string) => pathToFileURL(path).href;

describe.skipIf(!name)('report.html in Chromium', () => {
  const kinds = [AGE, GENDER, GRADE];

  test('opens from disk without errors or requests, and is smaller than 5 MB with every figure and 200 images', async () => {
    const folder = await createRunFolder('many', { tasks: kinds, images: 300 }, 160);
    const path = await writeReport(folder);
    expect(readFileSync(path).length).toBeLessThan(5e6);
    const { page, messages, requests } = await openPage(url(path));
    expect(messages).toEqual([]);
    expect(requests).toEqual([url(path)]);
    const seen = await page.evaluate(() => ({
      figures: Array.from(
        document.querySelectorAll('figure'),
        (figure) =>
          [
            figure.getAttribute('data-figure'),
            figure.querySelector('svg')!.getBoundingClientRect().width > 200,
          ] as const,
      ),
      pictures: Array.from(document.images, (image) => image.complete && image.naturalWidth > 0),
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

  test('blocks scripts and requests through its Content Security Policy, so that injected content is harmless', async () => {
    let requestCount = 0;
    const server = createServer((_, response) => {
      requestCount++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { page } = await openPage(url(await writeReport(await createRunFolder('closed', { images: 20 }))));
    const refused = await page.evaluate(async (elsewhere) => {
      const directives = new Set<string>();
      // Violations are reported asynchronously. After the time limit, those received so far are compared.
      const reported = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          if (directives.add(effectiveDirective).size === 6) resolve();
        });
        setTimeout(resolve, 20_000);
      });
      const injected = document.createElement('div');
      injected.innerHTML = `<img src="${elsewhere}"><iframe src="${elsewhere}"></iframe><b onclick="window.hacked = 1">b</b><object data="${elsewhere}"></object>`;
      document.body.append(injected);
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 1';
      document.body.append(script);
      injected.querySelector('b')!.click();
      await fetch(elsewhere).catch(() => {});
      await reported;
      return { directives: [...directives].sort(), hacked: (globalThis as any).hacked };
    }, elsewhere);
    expect(refused.hacked).toBeUndefined();
    expect(refused.directives).toEqual(
      ['connect-src', 'frame-src', 'img-src', 'object-src', 'script-src-attr', 'script-src-elem'].sort(),
    );
    expect(requestCount).toBe(0);
    await page.close();
    server.close();
  });

  test('keeps every heading on the same printed page as its content', async () => {
    const folder = await createRunFolder('printed', { tasks: kinds }, 6);
    const { page } = await openPage(url(await writeReport(folder)));
    await page.emulateMedia({ media: 'print' });
    const seen = await page.evaluate(() => ({
      breaks: Array.from(
        document.querySelectorAll('h2, h3'),
        (element) => getComputedStyle(element).breakAfter,
      ),
      whole: Array.from(
        document.querySelectorAll('p, figure, dl'),
        (element) => getComputedStyle(element).breakInside,
      ),
      tables: Array.from(
        document.querySelectorAll('.scroll'),
        (element) => getComputedStyle(element).overflowX,
      ),
    }));
    expect(new Set(seen.breaks)).toEqual(new Set(['avoid']));
    expect(new Set(seen.whole)).toEqual(new Set(['avoid']));
    expect(new Set(seen.tables)).toEqual(new Set(['visible']));
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
    await page.close();
  });

  test.each([1280, 400])(
    'has no serious axe violations and no horizontal overflow at a page width of %i pixels',
    async (width) => {
      const folder = await createRunFolder('axe', { tasks: kinds }, 2);
      const { page } = await openPage(url(await writeReport(folder)), width);
      await page.evaluate(readFileSync(AXE, 'utf8'));
      const seriousViolations = await page.evaluate(async () => {
        const { violations } = await (globalThis as any).axe.run(document);
        return violations
          .filter(({ impact }: { impact: string }) => ['serious', 'critical'].includes(impact))
          .map(
            ({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
              `${id}: ${nodes[0]!.html.slice(0, 200)}`,
          );
      });
      expect(seriousViolations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.close();
    },
  );

  test('shows names and labels that contain HTML as plain text', async () => {
    const hostile = (i: number) => HOSTILE[i % HOSTILE.length]!;
    const tasks = [
      { ...AGE, name: HOSTILE[1]!, unit: HOSTILE[2]! },
      { ...GRADE, name: HOSTILE[3]!, labels: HOSTILE },
    ];
    const folder = await createRunFolder(
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
    const { page, messages, requests } = await openPage(url(path), 400);
    expect(messages).toEqual([]);
    expect(requests).toEqual([url(path)]);
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

  test('is updated while watchRun serves the run, and requests no other URLs', async () => {
    const folder = await createRunFolder('watched', { epochs: 0, images: 0 });
    const store = folderStore(folder);
    const { stopped: _, ...running } = JSON.parse(new TextDecoder().decode(await store.read('run.json')));
    await store.write('run.json', new TextEncoder().encode(JSON.stringify(running)));
    const watch = await watchRun(folder, { refresh: 1 });
    const { page, messages, requests } = await openPage(watch.url);
    await page.getByText('No epoch has ended yet.').waitFor();
    await store.write(
      'history.csv',
      new TextEncoder().encode('epoch,val_loss,age_loss,val_age_loss\n1,4,3,4\n2,3,2,3\n3,2'),
    );
    await page.getByText('Epoch 2 of 2 has the best val_loss, 3.').waitFor();
    expect(messages).toEqual([]);
    // A browser requests the favicon of every site.
    expect([...new Set(requests)].filter((url) => !url.endsWith('/favicon.ico'))).toEqual([watch.url]);
    await page.close();
    await watch.close();
  });
});
