import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { About } from '../../bench/contestant.js';
import { type Findings, figuresOf, withFigures } from '../../bench/page.js';
import { type Entrant, medianOf, type Result, race } from '../../bench/race.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** No package index, no wheels: as without a network. */
const OFFLINE = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: '/nowhere', PIP_CONFIG_FILE: '/dev/null' };
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bench/index.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...OFFLINE },
  });

test('the bench prints a training step and a prediction of each engine as JSON', () => {
  const { stdout, status } = bench(
    ...['--json', '--engines', 'wasm,onnx', '--size', '56', '--batch', '2', '--rounds', '5'],
  );
  const { results } = JSON.parse(stdout);
  const figures = { ms: expect.any(Number), median: expect.any(Number), first: expect.any(Number) };
  expect(results).toEqual(
    ['wasm', 'onnx'].flatMap((engine) =>
      ['train', 'predict'].map((what) => ({ engine, what, size: 56, batch: 2, ...figures })),
    ),
  );
  expect(results.every(({ ms, median }: Result) => ms > 0 && ms <= median)).toBe(true);
  expect(status).toBe(0);
});

test('the bench of the feed prints an epoch beside its steps', () => {
  const small = ['--size', '16', '--batch', '4', '--images', '8', '--rounds', '1', '--workers', '0,1'];
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/feed.ts', ...small], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stdout.match(/^step .* workers: \d+\.\d{3}$/gm)).toHaveLength(12);
  expect(status).toBe(0);
});

test('the bench of a backbone prints its forward pass', () => {
  const small = ['--backbone', 'mobileNetV2', '--size', '32', '--batch', '2', '--rounds', '1'];
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/backbone.ts', ...small], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^mobileNetV2 32x32, batch 2, onnx: [\d.]+ ms per image/);
  expect(status).toBe(0);
});

test('an engine that is not there is an error, never another engine', () => {
  const { stdout, stderr, status } = bench('--json', '--engines', 'wasmm');
  expect(stdout).toBe('');
  expect(stderr).toContain('wasmm');
  expect(status).toBe(1);
});

test('keras without a Python is an error that says what to give', () => {
  const { stderr, status } = bench('--engines', 'wasm,keras', '--python', '/nowhere/python');
  expect(stderr).toContain('keras: does not start');
  expect(status).toBe(1);
});

test('an environment that cannot be made is an error that says what to give', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const without = bench('--engines', 'torch', '--env', join(folder, 'env'));
    expect(without.stderr).toMatch(/^torch: .*--python PATH/m);
    expect(without.status).toBe(1);
    writeFileSync(join(folder, 'thesis.txt'), '');
    const { stderr, status } = bench('--engines', 'torch', '--env', folder);
    expect(stderr).toContain('expected a virtual environment, or an empty folder');
    expect(status).toBe(1);
    expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const CPU: About = { device: 'CPU', threads: '1', does: ['train', 'predict'], versions: { 'Node.js': '20' } };

/** An engine whose calls take 1, 2, 3, … ms; `order` is told of each. */
function counting(engine: string, about: About, order: string[], last = Number.POSITIVE_INFINITY): Entrant {
  let calls = 0;
  const time = async () => {
    order.push(engine);
    if (++calls > last) throw new Error(`${engine}: out of memory`);
    return calls;
  };
  return { contestant: { engine, about: async () => about, time, peak: () => 1, close: () => {} }, about };
}

test('engines take turns, another begins each round, and warm-ups do not count', async () => {
  const order: string[] = [];
  const failures: string[] = [];
  const results = await race(
    [counting('a', CPU, order), counting('b', CPU, order), counting('c', CPU, order, 3)],
    {
      size: 64,
      jobs: [{ what: 'train', batch: 2 }],
      rounds: 5,
      failed: (engine) => failures.push(engine),
    },
  );
  expect(order.slice(0, 9).join('')).toBe('abcbcacab');
  // Calls 3 to 7 count: 3 and 5 ms are their minimum and median, for two images.
  const result = { what: 'train', size: 64, batch: 2, ms: 1.5, median: 2.5, first: 1 };
  expect(results).toEqual([
    { engine: 'a', ...result },
    { engine: 'b', ...result },
  ]);
  expect(failures).toEqual(['c']);
});

test('an engine that only predicts is asked for nothing else', async () => {
  const jobs = [
    { what: 'train', batch: 2 },
    { what: 'predict', batch: 2 },
  ] as const;
  const entrants = [counting('a', { ...CPU, does: ['predict'] }, [])];
  const results = await race(entrants, { size: 64, jobs, rounds: 5, failed: () => {} });
  expect(results.map(({ what }) => what)).toEqual(['predict']);
});

test('a median is the middle one, or lies between the two', () => {
  expect(medianOf([1])).toBe(1);
  expect(medianOf([1, 2, 4, 8])).toBe(3);
  expect(medianOf([1, 2, 8])).toBe(2);
});

const train = { what: 'train', size: 64, batch: 32 } as const;
const FINDINGS: Findings = {
  date: '2026-01-02',
  command: 'npm run bench -- --write',
  machine: 'A computer, 2 cores.',
  gpu: undefined,
  rounds: 5,
  results: [
    { engine: 'wasm', ...train, ms: 30, median: 31.25, first: 1100 },
    { engine: 'onnx', ...train, ms: 8, median: 10, first: 2820 },
    { engine: 'keras', ...train, ms: 4, median: 5, first: 3000 },
    { engine: 'keras', ...train, what: 'predict', ms: 1.5, median: 1.5, first: 50 },
  ],
  about: new Map(['wasm', 'onnx', 'keras'].map((engine) => [engine, CPU])),
  memory: new Map([['wasm', 3 * 2 ** 30]]),
  memoryRun: { size: 128, batch: 32, images: 5000 },
  leftOut: ['native: not installed.'],
};

test('the page has ratios to Keras, the first step in steps of wasm, memory and who is left out', () => {
  const page = figuresOf(FINDINGS);
  expect(page).toMatch(/\| wasm +\| CPU +\| +30\.0 \| +31\.3 \| +7\.50 \|/);
  expect(page).toMatch(/\| Keras +\| CPU +\| +4\.00 \| +5\.00 \| +1\.00 \|/);
  // 2820 ms less a step of 32 x 10 ms is 2.5 s, and 2.5 steps of wasm's 32 x 31.25 ms.
  expect(page).toContain('in steps of wasm: 2.5 at 64x64.');
  expect(page).toMatch(/\| wasm +\| 3\.00 \|/);
  expect(page).toContain('- native: not installed.');
  expect(page).toContain('GPU: none.');
});

test('without Keras there is no ratio; a figure of a GPU bears its name', () => {
  const [wasm] = FINDINGS.results;
  const page = figuresOf({
    ...FINDINGS,
    gpu: 'A GPU (driver 1)',
    results: [wasm!],
    about: new Map([['wasm', { ...CPU, device: 'GPU' }]]),
  });
  expect(page).toMatch(/\| wasm +\| A GPU \(driver 1\) \| +30\.0 \| +31\.3 \| +- \|/);
  expect(page).not.toContain('compiling');
});

test('writing replaces what stands between the marks, and nothing else', () => {
  const page = readFileSync(join(ROOT, 'docs', 'benchmarks.md'), 'utf8');
  const written = withFigures(page, 'FIGURES');
  expect(written).toContain('-->\n\nFIGURES\n\n<!--');
  expect(withFigures(written, 'FIGURES')).toBe(written);
  const own = page.slice(0, page.indexOf('<!--'));
  expect(own).toContain('## How it is measured');
  expect(written.startsWith(own)).toBe(true);
  expect(() => withFigures('# Benchmarks', 'FIGURES')).toThrow('received a page without');
});
