/**
 * Measures Model A on several engines: milliseconds per image for a training step and for a prediction.
 *
 * npm run bench                                            (all installed engines, 64x64, batch 16) npm run --silent bench -- --json --size
 * 64 --batch 16 --engines wasm,native --python PATH npm run bench -- --write                                 (everything; rewrites the
 * tables of docs/benchmarks.md) npm run bench -- --against COMMIT                        (this checkout compared with a commit)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTables, replaceTables } from './benchmarksPage.js';
import {
  type Comparison,
  checkOut,
  compareCheckouts,
  formatComparisons,
  isSlower,
  MAX_RATIO,
} from './compareCommits.js';
import { type EngineInfo, isPythonEngine, type Job, PYTHON_ENGINES, startEngine } from './engineProcess.js';
import { describeMachine, findGpu } from './machine.js';
import { measurePeakMemory } from './peakMemory.js';
import { getDefaultEnvironment, preparePython } from './pythonEnvironment.js';
import { type RunningEngine, type Timing, timeEngines } from './timeEngines.js';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    against: { type: 'string' },
    size: { type: 'string', default: '64' },
    batch: { type: 'string', default: '16' },
    engines: { type: 'string' },
    python: { type: 'string' },
    env: { type: 'string' },
    rounds: { type: 'string' },
    calls: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});

if (args.help) {
  console.log(`usage: npm run bench -- [--json | --write] [--size N] [--batch N] [--engines a,b] [--rounds N]
                       [--python PATH | --env DIR]
       npm run bench -- --against COMMIT [--json] [--size N] [--batch N] [--engines a,b] [--rounds N] [--calls N]
Engines: wasm, onnx, native, keras, torch, and with a GPU webgpu, onnx-cuda, onnx-webgpu (ONNX Runtime's execution
providers, prediction only). Default: all installed engines. If an engine in --engines fails to start, the benchmark fails.
wasm:1 is wasm with one thread, wasm:2 with two threads; onnx:1 and onnx:2 work the same way.
Each result is the minimum of N rounds (at least 5, default 7). In each round, the engines take turns.
--write    measures 64x64 and 128x128, batch 32 and single images, and memory; rewrites the tables of docs/benchmarks.md
--env      virtual environment of keras and torch; default ${getDefaultEnvironment()}.
           With --env or --write it is created if it is missing, and updated if it lacks the pinned versions.
--python   Python interpreter that has keras and torch already
--against  compares this checkout with COMMIT on wasm and onnx: median ratio of N rounds (at least 2, default 10) of
           --calls calls (default 5), with its 95 % bootstrap interval. Exits with 1 if an interval is above 1 and reaches ${MAX_RATIO}.`);
  process.exit(0);
}

const parseInteger = (
  option: 'size' | 'batch' | 'rounds' | 'calls',
  min: number,
  defaultValue?: number,
): number => {
  const value = Number(args[option] ?? defaultValue);
  if (Number.isInteger(value) && value >= min) return value;
  throw new Error(
    `--${option}: expected an integer of at least ${min}, received ${JSON.stringify(args[option])}.`,
  );
};
const parseRounds = () => parseInteger('rounds', 5, 7);

const log = (line: string) => console.error(line);
const skipped: string[] = [];
const skip = (line: string) => {
  skipped.push(line.split('\n')[0]!);
  log(`left out: ${line}`);
};
const gpu = findGpu();

const requestedEngines = args.engines
  ?.split(',')
  .map((name) => name.trim())
  .filter(Boolean);
if (requestedEngines && args.python !== undefined && !requestedEngines.includes('keras')) {
  requestedEngines.push('keras');
}
/** Handles the failure of an engine: the benchmark ends if the engine was requested with `--engines`, otherwise the engine is skipped. */
const handleFailure = (_: string, error: Error) => {
  if (requestedEngines) throw error;
  skip(error.message);
};

function getDefaultEngines(): string[] {
  const gpuEngines = ['webgpu', 'onnx-webgpu', 'onnx-cuda'];
  if (gpu === undefined) {
    skip(`${gpuEngines.join(', ')}, and native on CUDA: nvidia-smi finds no NVIDIA GPU on this machine.`);
  }
  return ['wasm', 'onnx', 'native', ...(gpu === undefined ? [] : gpuEngines), ...PYTHON_ENGINES];
}

/** Returns the available engines, with the Python interpreter of each engine that is a Python program. */
async function preparePythons(engines: readonly string[]): Promise<Map<string, string | undefined>> {
  const pythons = new Map<string, string | undefined>();
  const folder = args.env ?? getDefaultEnvironment();
  const create = args.write || args.env !== undefined;
  for (const engine of engines) {
    try {
      const isReady = !isPythonEngine(engine) || args.python !== undefined;
      pythons.set(engine, isReady ? args.python : await preparePython(folder, engine, { create, log }));
    } catch (error) {
      handleFailure(engine, error as Error);
    }
  }
  return pythons;
}

/** Starts the engines one after the other, and measures their jobs. An engine that fails to start is removed from `pythons`. */
async function measure(pythons: Map<string, string | undefined>, size: number, jobs: readonly Job[]) {
  const batch = Math.max(...jobs.map((job) => job.batch));
  const engines: RunningEngine[] = [];
  const started: { close(): void }[] = [];
  try {
    for (const [engine, python] of pythons) {
      const engineProcess = startEngine(engine, { size, batch, python });
      started.push(engineProcess);
      try {
        engines.push({ process: engineProcess, info: await engineProcess.readInfo() });
      } catch (error) {
        pythons.delete(engine);
        handleFailure(engine, error as Error);
      }
    }
    const timings = await timeEngines(engines, {
      size,
      jobs,
      rounds: parseRounds(),
      onFailure: handleFailure,
    });
    return { timings, infos: engines.map(({ process, info }) => [process.engine, info] as const) };
  } finally {
    for (const each of started) each.close();
  }
}

/** Replaces a path in a command line argument by a placeholder, because paths of the user must not be published. */
const removePath = (argument: string) => {
  const [path] = [args.python, args.env].filter((each) => each !== undefined && argument.endsWith(each));
  return path ? argument.replace(path, path === args.python ? 'PATH' : 'DIR') : argument;
};

async function writePage(pythons: Map<string, string | undefined>): Promise<void> {
  const [batch, images, sizes] = [32, 5000, [64, 128]];
  const infos = new Map<string, EngineInfo>();
  const [machine, startTime] = [describeMachine(), new Date()];
  const jobs: readonly Job[] = [
    { what: 'train', batch },
    { what: 'predict', batch },
    { what: 'predict', batch: 1 },
  ];
  const timings: Timing[] = [];
  for (const size of sizes) {
    log(`${size}x${size}`);
    const measured = await measure(pythons, size, jobs);
    timings.push(...measured.timings);
    for (const [engine, info] of measured.infos) infos.set(engine, info);
  }
  const memory = new Map<string, number>();
  const size = Math.max(...sizes);
  for (const [engine, python] of pythons) {
    if (!infos.get(engine)?.operations.includes('train')) continue;
    log(`memory of ${engine}`);
    try {
      const bytes = await measurePeakMemory(startEngine(engine, { size, batch, images, python }), batch);
      if (bytes !== undefined) memory.set(engine, bytes);
    } catch (error) {
      handleFailure(engine, error as Error);
    }
  }
  const page = new URL('../docs/benchmarks.md', import.meta.url);
  const tables = formatTables({
    date: startTime.toISOString().slice(0, 10),
    command: ['npm run bench --', ...process.argv.slice(2).map(removePath)].join(' '),
    rounds: parseRounds(),
    memoryRun: { size, batch, images },
    ...{ machine, gpu, timings, infos, memory, skipped },
  });
  writeFileSync(page, replaceTables(readFileSync(page, 'utf8'), tables));
  log(`docs/benchmarks.md written, in ${Math.round((Date.now() - startTime.getTime()) / 1e3)} s`);
}

async function printTimings(pythons: Map<string, string | undefined>): Promise<void> {
  const [size, batch, rounds] = [parseInteger('size', 56), parseInteger('batch', 1), parseRounds()];
  const { timings } = await measure(pythons, size, [
    { what: 'train', batch },
    { what: 'predict', batch },
  ]);
  if (args.json) return console.log(JSON.stringify({ results: timings, leftOut: skipped }));
  console.log(
    `Model A, ${size}x${size}, batch ${batch}: ms per image, minimum and median of ${rounds} rounds`,
  );
  for (const { engine, what, ms, median } of timings) {
    console.log(
      `${engine.padEnd(14)}${what.padEnd(8)}${ms.toFixed(2).padStart(10)}${median.toFixed(2).padStart(10)}`,
    );
  }
}

async function printComparison(revision: string): Promise<void> {
  const [size, batch] = [parseInteger('size', 56), parseInteger('batch', 1)];
  const [rounds, calls] = [parseInteger('rounds', 2, 10), parseInteger('calls', 1)];
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { folder, commit, remove } = checkOut(root, revision);
  const stop = () => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const comparisons: Comparison[] = [];
    for (const engine of requestedEngines ?? ['wasm', 'onnx']) {
      log(`${engine}: ${rounds} rounds`);
      const start = (checkout: string) => () => startEngine(engine, { size, batch, checkout });
      comparisons.push(
        ...(await compareCheckouts({
          ...{ engine, size, batch, rounds, calls },
          start: start(root),
          startBase: start(folder),
        })),
      );
    }
    if (args.json) console.log(JSON.stringify({ against: commit, results: comparisons }));
    else {
      console.log(
        `Model A, ${size}x${size}, batch ${batch}, this checkout / ${commit}: ms per image and their ratio, median of ${rounds} rounds`,
      );
      console.log(formatComparisons(comparisons, commit));
    }
    for (const { engine, what } of comparisons.filter(isSlower)) {
      log(
        `${engine}, ${what}: slower than ${commit}: the interval of the ratio is above 1 and reaches ${MAX_RATIO}.`,
      );
      process.exitCode = 1;
    }
  } finally {
    remove();
  }
}

try {
  if (args.against !== undefined) await printComparison(args.against);
  else {
    const pythons = await preparePythons([...new Set(requestedEngines ?? getDefaultEngines())]);
    await (args.write ? writePage : printTimings)(pythons);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
