import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRng } from 'tfjs-multitask';
import { expect, test } from 'vitest';
import { type BenchmarkRun, formatTables, replaceTables } from '../../bench/benchmarksPage.js';
import { checkParameters } from '../../bench/checkParameters.js';
import { compareCheckouts, formatComparisons, isSlower } from '../../bench/compareCommits.js';
import type { EngineInfo, EngineProcess } from '../../bench/engineProcess.js';
import { MIN_SIZES, NETWORKS, parseNetworkChoice, TRAINED_LAYERS } from '../../bench/networks.js';
import { bootstrapMedian, computeMedian } from '../../bench/statistics.js';
import { type RunningEngine, type Timing, timeEngines } from '../../bench/timeEngines.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Settings with which pip finds neither a package index nor wheels, as if there were no network. */
const OFFLINE = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: '/nowhere', PIP_CONFIG_FILE: '/dev/null' };
const runBench = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bench/index.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...OFFLINE },
  });

test('the bench command with --json prints the times of a training step and a prediction for each engine', () => {
  const { stdout, status } = runBench(
    ...['--json', '--engines', 'wasm,onnx', '--size', '56', '--batch', '2', '--rounds', '5'],
  );
  const { results, machine } = JSON.parse(stdout);
  const figures = {
    ...{ ms: expect.any(Number), median: expect.any(Number), first: expect.any(Number) },
    firstSeconds: expect.any(Number),
    ...(process.platform === 'linux' ? { peakMemory: expect.any(Number) } : {}),
  };
  const network = { network: 'model-a', train: 'all', parameters: 455234, trainableParameters: 454338 };
  expect(results).toEqual(
    ['wasm', 'onnx'].flatMap((engine) =>
      ['train', 'predict'].map((what) => ({ engine, what, ...network, size: 56, batch: 2, ...figures })),
    ),
  );
  expect(results.every(({ ms, median }: Timing) => ms > 0 && ms <= median)).toBe(true);
  expect(
    results.every(({ first, firstSeconds }: Timing) => Math.abs(first / 1e3 - firstSeconds) <= 1e-3),
  ).toBe(true);
  expect(machine).toMatch(/matrix product \d+ GFLOP\/s/);
  expect(status).toBe(0);
});

test('the bench:input command prints the time of an epoch relative to the time of its training steps', () => {
  const small = ['--size', '16', '--batch', '4', '--images', '8', '--rounds', '1', '--workers', '0,1'];
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'bench/inputPipeline.ts', ...small],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  expect(stdout.match(/^step .* workers: \d+\.\d{3}$/gm)).toHaveLength(12);
  expect(status).toBe(0);
});

test('the bench command measures training steps, augmented epochs and epochs on cached features of a network with frozen layers', () => {
  const { stdout, status } = runBench(
    ...['--json', '--engines', 'wasm', '--network', 'mobilenetv2', '--train', 'heads', '--size', '32'],
    ...['--batch', '2', '--images', '4', '--rounds', '5', '--what', 'epoch,train,cachedEpoch'],
  );
  const { results } = JSON.parse(stdout) as { results: Timing[] };
  expect(results.map(({ what, images }) => [what, images])).toEqual([
    ['train', undefined],
    ['epoch', 4],
    ['cachedEpoch', 4],
  ]);
  const network = { network: 'mobilenetv2', train: 'heads', size: 32, batch: 2 };
  expect(results).toEqual(
    results.map((result) => ({ ...result, ...network, parameters: 2590082, trainableParameters: 332098 })),
  );
  expect(status).toBe(0);
});

test('the bench command rejects options that do not fit the network', () => {
  const errors = [
    [['--network', 'vgg16'], '--network: expected one of model-a, resnet50'],
    [
      ['--network', 'mobilenetv2', '--train', 'conv5'],
      '--train: expected all or heads for the network mobilenetv2',
    ],
    [['--what', 'trian'], '--what: expected train, predict, epoch, cachedEpoch, received "trian"'],
    [['--what', 'cachedEpoch'], '--what cachedEpoch: expected a network with frozen layers'],
  ] as const;
  for (const [options, message] of errors) {
    const { stderr, status } = runBench('--engines', 'wasm', ...options);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  }
});

test('parseNetworkChoice accepts all layers and the heads of each network, and conv5 only for resnet50', () => {
  const isAccepted = (network: string, train: string) => {
    try {
      return parseNetworkChoice(network, train).network === network;
    } catch {
      return false;
    }
  };
  const accepted = NETWORKS.map((network) => TRAINED_LAYERS.filter((train) => isAccepted(network, train)));
  expect(accepted).toEqual(
    NETWORKS.map((network) => (network === 'resnet50' ? ['all', 'conv5', 'heads'] : ['all', 'heads'])),
  );
  expect(Object.keys(MIN_SIZES)).toEqual([...NETWORKS]);
});

test('checkParameters rejects engines whose networks have different numbers of parameters', () => {
  const withParameters = (total: number, trainable: number) => ({ ...CPU, parameters: { total, trainable } });
  const [info, other] = [withParameters(10, 8), withParameters(10, 9)];
  expect(() =>
    checkParameters([
      ['wasm', info],
      ['keras', info],
      ['a', CPU],
    ]),
  ).not.toThrow();
  expect(() =>
    checkParameters([
      ['wasm', info],
      ['keras', other],
    ]),
  ).toThrow('keras: expected a network of 10 parameters, 8 of them trainable, as in wasm, received 10');
});

test('the bench command rejects an engine that does not exist, and does not run another engine instead', () => {
  const { stdout, stderr, status } = runBench('--json', '--engines', 'wasmm');
  expect(stdout).toBe('');
  expect(stderr).toContain('wasmm');
  expect(status).toBe(1);
});

test('the bench command rejects the path of a Python interpreter that does not exist', () => {
  const { stderr, status } = runBench('--engines', 'wasm,keras', '--python', '/nowhere/python');
  expect(stderr).toContain('keras: does not start');
  expect(status).toBe(1);
});

test('the bench command rejects a Python environment that cannot be created, and suggests the --python option', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const offline = runBench('--engines', 'torch', '--env', join(folder, 'env'));
    expect(offline.stderr).toMatch(/^torch: .*--python PATH/m);
    expect(offline.status).toBe(1);
    writeFileSync(join(folder, 'thesis.txt'), '');
    const { stderr, status } = runBench('--engines', 'torch', '--env', folder);
    expect(stderr).toContain('expected a virtual environment, or an empty folder');
    expect(status).toBe(1);
    expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const CPU: EngineInfo = {
  device: 'CPU',
  threads: '1',
  operations: ['train', 'predict'],
  versions: { 'Node.js': '20' },
};

/** Returns a process whose calls take the time that `time` returns. */
const createProcess = (engine: string, time: EngineProcess['time'], info = CPU): EngineProcess => ({
  ...{ engine, time, readInfo: async () => info, readPeakMemory: () => 1, close: () => {} },
});

/** Creates an engine whose successive calls take 1, 2, 3, ... ms. Each call appends the name of the engine to `order`. */
function createCountingEngine(
  engine: string,
  info: EngineInfo,
  order: string[],
  lastCall = Number.POSITIVE_INFINITY,
): RunningEngine {
  let calls = 0;
  const time = async () => {
    order.push(engine);
    if (++calls > lastCall) throw new Error(`${engine}: out of memory`);
    return calls;
  };
  return { process: createProcess(engine, time, info), info };
}

test('timeEngines alternates between the engines, starts each round with a different engine, and does not time warm-up calls', async () => {
  const order: string[] = [];
  const failures: string[] = [];
  const results = await timeEngines(
    [
      createCountingEngine('a', CPU, order),
      createCountingEngine('b', CPU, order),
      createCountingEngine('c', CPU, order, 3),
    ],
    {
      ...{ network: 'residual', train: 'all', size: 64 },
      jobs: [{ what: 'train', batch: 2 }],
      rounds: 5,
      onFailure: (engine) => failures.push(engine),
    },
  );
  expect(order.slice(0, 9).join('')).toBe('abcbcacab');
  // Calls 3 to 7 count. Their minimum and median, for two images, are 3 and 5 ms.
  const network = { network: 'residual', train: 'all' };
  const figures = { ms: 1.5, median: 2.5, first: 1, firstSeconds: 0.001, peakMemory: 1 };
  const result = { what: 'train', ...network, size: 64, batch: 2, ...figures };
  expect(results).toEqual([
    { engine: 'a', ...result },
    { engine: 'b', ...result },
  ]);
  expect(failures).toEqual(['c']);
});

test('timeEngines times only the operations that an engine supports', async () => {
  const jobs = [
    { what: 'train', batch: 2 },
    { what: 'predict', batch: 2 },
  ] as const;
  const engines = [createCountingEngine('a', { ...CPU, operations: ['predict'] }, [])];
  const results = await timeEngines(engines, {
    ...{ network: 'model-a', train: 'all', size: 64, jobs, rounds: 5, onFailure: () => {} },
  });
  expect(results.map(({ what }) => what)).toEqual(['predict']);
});

test('timeEngines finishes training before it predicts, divides epochs by their images, and returns the numbers of parameters', async () => {
  const order: string[] = [];
  let peakMemory = 0;
  const info: EngineInfo = {
    ...CPU,
    operations: ['train', 'predict', 'epoch'],
    parameters: { total: 10, trainable: 8 },
  };
  const engine = {
    info,
    process: {
      ...createProcess('a', async ({ what }) => {
        order.push(what);
        return 100;
      }),
      readPeakMemory: () => ++peakMemory,
    },
  };
  const setup = { network: 'model-a', train: 'all', size: 64, rounds: 5, onFailure: () => {} } as const;
  const steps = (['train', 'predict'] as const).map((what) => ({ what, batch: 2 }));
  const results = await timeEngines([engine], { ...setup, jobs: steps });
  expect(order).toEqual([...Array(7).fill('train'), ...Array(7).fill('predict')]);
  expect(results.map((result) => result.peakMemory)).toEqual([1, 2]);
  expect(results[0]).toMatchObject({ parameters: 10, trainableParameters: 8, ms: 50 });
  const [epoch] = await timeEngines([engine], { ...setup, images: 4, jobs: [{ what: 'epoch', batch: 2 }] });
  expect(epoch).toMatchObject({ what: 'epoch', images: 4, ms: 25 });
});

test('computeMedian returns the middle value, or the mean of the two middle values', () => {
  expect(computeMedian([1])).toBe(1);
  expect(computeMedian([1, 2, 4, 8])).toBe(3);
  expect(computeMedian([1, 2, 8])).toBe(2);
});

const choice = { network: 'model-a', train: 'all' } as const;
const train = { what: 'train', ...choice, size: 64, batch: 32 } as const;
const time = (ms: number, median: number, first: number) => ({
  ms,
  median,
  first,
  firstSeconds: first / 1e3,
});
const conv5 = { ...train, network: 'resnet50', train: 'conv5', size: 128, batch: 16 } as const;
const counts = { parameters: 24116418, trainableParameters: 15504706 };
const epoch = { ...train, what: 'epoch', images: 256 } as const;
const RUN: BenchmarkRun = {
  date: '2026-01-02',
  command: 'npm run bench -- --write',
  machine: 'A computer, 2 cores.',
  gpu: undefined,
  rounds: 5,
  timings: [
    { engine: 'wasm', ...train, ...time(30, 31.25, 1100) },
    { engine: 'onnx', ...train, ...time(8, 10, 2820) },
    { engine: 'keras', ...train, ...time(4, 5, 3000) },
    { engine: 'keras', ...train, what: 'predict', ...time(1.5, 1.5, 50) },
  ],
  networks: [
    { engine: 'onnx', ...conv5, ...time(9, 10, 4321), ...counts, peakMemory: 1.5 * 2 ** 30 },
    { engine: 'keras', ...conv5, ...time(10, 11, 3000), ...counts },
    { engine: 'torch-compile', ...conv5, ...time(20, 21, 9000), ...counts, peakMemory: 2 ** 30 },
    { engine: 'onnx', ...conv5, what: 'predict', ...time(3, 3.5, 100), ...counts },
    { engine: 'keras', ...conv5, what: 'predict', ...time(6, 7, 100), ...counts },
  ],
  epochs: [
    { engine: 'onnx', ...epoch, ...time(5, 6, 3000) },
    { engine: 'keras', ...epoch, ...time(20, 22, 5000) },
    { engine: 'onnx', ...conv5, train: 'heads', what: 'cachedEpoch', images: 256, ...time(0.125, 0.25, 900) },
  ],
  infos: new Map(['wasm', 'onnx', 'keras'].map((engine) => [engine, CPU])),
  memory: new Map([['wasm', 3 * 2 ** 30]]),
  memoryRun: { size: 128, batch: 32, images: 5000 },
  skipped: ['native: not installed.'],
};

test('formatTables prints times relative to Keras, the time of the first step, the memory use, and the omitted engines', () => {
  const page = formatTables(RUN);
  expect(page).toMatch(/\| wasm +\| CPU +\| +30\.0 \| +31\.3 \| +7\.50 \|/);
  expect(page).toMatch(/\| Keras +\| CPU +\| +4\.00 \| +5\.00 \| +1\.00 \|/);
  // 2820 ms minus one step of 32 x 10 ms is 2.5 s, which is 2.5 wasm steps of 32 x 31.25 ms.
  expect(page).toContain('this number of steps of wasm: 2.5 at 64x64.');
  expect(page).toMatch(/\| wasm +\| 3\.00 \|/);
  expect(page).toContain('- native: not installed.');
  expect(page).toContain('GPU: none.');
});

test('formatTables prints the training steps, first steps, memory and parameters of the other networks', () => {
  const page = formatTables(RUN);
  const name = 'ResNet50, conv5 and heads trained';
  expect(page).toContain('### Training step of other networks, 128x128, batch 16');
  const lines = page.split('\n').map((line) => line.replace(/ +/g, ' '));
  expect(lines).toContain(`| ${name} | onnx | 9.00 | 10.0 | 0.90 | 4.3 | 1.50 | 24,116,418 | 15,504,706 |`);
  expect(lines).toContain(`| ${name} | Keras | 10.0 | 11.0 | 1.00 | 3.0 | - | 24,116,418 | 15,504,706 |`);
  expect(lines).toContain(
    `| ${name} | PyTorch, torch.compile | 20.0 | 21.0 | 2.00 | 9.0 | 1.00 | 24,116,418 | 15,504,706 |`,
  );
  expect(lines).toContain(`| ${name} | onnx | 3.00 | 3.50 | 0.50 |`);
});

test('formatTables prints epochs with augmentation relative to Keras, and epochs on cached features without a ratio', () => {
  const lines = formatTables(RUN)
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));
  expect(lines).toContain('### A whole epoch with augmentation');
  expect(lines.join('\n')).toContain('Rotation by up to 20 degrees, zoom by up to 10 % and horizontal flips');
  expect(lines).toContain('| Model A | 64x64 | 256 | 32 | onnx | 5.00 | 6.00 | 0.25 |');
  expect(lines).toContain('| ResNet50, heads trained | 128x128 | 256 | 16 | onnx | 0.125 | 0.250 |');
});

test('formatTables prints no sections for networks and epochs that were not measured', () => {
  const page = formatTables({ ...RUN, networks: [], epochs: [] });
  expect(page).not.toContain('other networks');
  expect(page).not.toContain('epoch');
});

test('formatTables prints no ratios if there are no Keras times, and prints the GPU name for times measured on a GPU', () => {
  const [wasm] = RUN.timings;
  const page = formatTables({
    ...RUN,
    gpu: 'A GPU (driver 1)',
    timings: [wasm!],
    infos: new Map([['wasm', { ...CPU, device: 'GPU' }]]),
  });
  expect(page).toMatch(/\| wasm +\| A GPU \(driver 1\) \| +30\.0 \| +31\.3 \| +- \|/);
  expect(page).not.toContain('compiling');
});

test('replaceTables replaces the generated part of a page, and leaves the rest unchanged', () => {
  const page = readFileSync(join(ROOT, 'docs', 'benchmarks.md'), 'utf8');
  const written = replaceTables(page, 'TABLES');
  expect(written).toContain('-->\n\nTABLES\n\n<!--');
  expect(replaceTables(written, 'TABLES')).toBe(written);
  const introduction = page.slice(0, page.indexOf('<!--'));
  expect(introduction).toContain('## How it is measured');
  expect(written.startsWith(introduction)).toBe(true);
  expect(() => replaceTables('# Benchmarks', 'TABLES')).toThrow('received a page without them');
});

test('bootstrapMedian returns the same interval for the same seed', () => {
  const ratios = [0.98, 0.99, 1, 1.01, 1.02, 1.03, 1.04];
  const interval = bootstrapMedian(ratios, { seed: 1 });
  expect(bootstrapMedian(ratios, { seed: 1 })).toEqual(interval);
  expect(interval.low).toBeGreaterThanOrEqual(0.98);
  expect(interval.low).toBeLessThan(1.01);
  expect(interval.high).toBeGreaterThan(1.01);
  expect(interval.high).toBeLessThanOrEqual(1.04);
});

test('bootstrapMedian covers the true median of normal samples in at least 90 of 100 trials', () => {
  const random = createRng(1, 'normal samples');
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const values = Array.from({ length: 10 }, () => 1 + 0.02 * random.normal());
    const { low, high } = bootstrapMedian(values, { seed: trial, samples: 1000 });
    if (low <= 1 && 1 <= high) covered++;
  }
  expect(covered).toBeGreaterThanOrEqual(180);
});

test('bootstrapMedian returns the same value as both bounds if all samples are equal', () => {
  expect(bootstrapMedian([1.5, 1.5, 1.5], { seed: 7, samples: 100 })).toEqual({ low: 1.5, high: 1.5 });
});

/** Compares processes whose calls take `ms` and `baseMs`. Returns the order of all calls. */
async function compare(ms: number, baseMs: number) {
  const order: string[] = [];
  const start = (side: string, duration: number) => () => {
    order.push(`start ${side}`);
    return createProcess(side, async ({ what }) => {
      order.push(`${what} ${side}`);
      return duration;
    });
  };
  const comparisons = await compareCheckouts({
    ...{ engine: 'wasm', network: 'model-a', train: 'all', size: 64, batch: 2, rounds: 2, calls: 2 },
    operations: ['train', 'predict'],
    start: start('current', ms),
    startBase: start('base', baseMs),
  });
  return { comparisons, order };
}

test('compareCheckouts starts new processes in each round, and alternates which checkout runs first', async () => {
  const { order } = await compare(10, 10);
  const starts = order.filter((line) => line.startsWith('start'));
  expect(starts).toEqual(['start current', 'start base', 'start base', 'start current']);
  const [first, second] = [order.slice(2, 18), order.slice(20)];
  const calls = (operation: string, sides: readonly string[]) => sides.map((side) => `${operation} ${side}`);
  const [forth, back] = [
    ['current', 'base'],
    ['base', 'current'],
  ] as const;
  // Two warm-up calls and two timed calls of each operation.
  const firstRound = [...forth, ...back, ...forth, ...back];
  const secondRound = [...back, ...forth, ...back, ...forth];
  expect(first).toEqual([...calls('train', firstRound), ...calls('predict', firstRound)]);
  expect(second).toEqual([...calls('train', secondRound), ...calls('predict', secondRound)]);
});

test('compareCheckouts returns the time ratio of this checkout to the other checkout', async () => {
  const { comparisons } = await compare(11, 10);
  const setup = { network: 'model-a', train: 'all', size: 64, batch: 2 };
  const ratio = { ratio: 1.1, interval: { low: 1.1, high: 1.1 }, ms: 5.5, baseMs: 5 };
  expect(comparisons).toEqual([
    { engine: 'wasm', what: 'train', ...setup, ...ratio },
    { engine: 'wasm', what: 'predict', ...setup, ...ratio },
  ]);
  expect(formatComparisons(comparisons, 'abc1234').split('\n').slice(0, 2)).toEqual([
    'engine  operation     ms  abc1234 ms  ratio   95 % interval',
    'wasm    train      5.500       5.000  1.100  1.100 to 1.100',
  ]);
});

test('isSlower returns true only if the whole interval is above 1 and its upper bound is at least 1.03', async () => {
  const [{ comparisons: slower }, { comparisons: equal }] = [await compare(11, 10), await compare(10, 10)];
  expect(slower.map(isSlower)).toEqual([true, true]);
  expect(equal.map(isSlower)).toEqual([false, false]);
  const isSlowerWithin = (low: number, high: number) => isSlower({ ...slower[0]!, interval: { low, high } });
  expect(isSlowerWithin(1.02, 1.2)).toBe(true);
  expect(isSlowerWithin(1.005, 1.02)).toBe(false);
  expect(isSlowerWithin(0.98, 1.2)).toBe(false);
  expect(isSlowerWithin(0.9, 0.95)).toBe(false);
});

test('the bench command with --against rejects a Git revision that does not exist', () => {
  const { stderr, status } = runBench('--against', 'no-such-commit');
  expect(stderr).toContain('--against: expected a commit of this repository, received "no-such-commit"');
  expect(status).toBe(1);
});
