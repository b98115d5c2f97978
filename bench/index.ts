/**
 * Model A on one engine beside another: milliseconds per image of a training step, and of a prediction.
 *
 *   npm run bench                                            (what is installed, 64x64, batch 16)
 *   npm run --silent bench -- --json --size 64 --batch 16 --engines wasm,native --python PATH
 *   npm run bench -- --write                                 (everything; rewrites docs/benchmarks.md)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type About, contestant, isPython, type Job, PYTHON_ENGINES } from './contestant.js';
import { defaultEnvironment, pythonOf } from './environment.js';
import { gpuOf, machine } from './machine.js';
import { peakOf } from './memory.js';
import { figuresOf, withFigures } from './page.js';
import { type Entrant, type Result, race } from './race.js';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    size: { type: 'string', default: '64' },
    batch: { type: 'string', default: '16' },
    engines: { type: 'string' },
    python: { type: 'string' },
    env: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    help: { type: 'boolean', default: false },
  },
});

if (args.help) {
  console.log(`usage: npm run bench -- [--json | --write] [--size N] [--batch N] [--engines a,b] [--rounds N]
                       [--python PATH | --env DIR]
Engines: wasm, onnx, native, keras, torch, and with a GPU webgpu, onnx-cuda, onnx-webgpu (ONNX Runtime's own providers,
prediction only). Without --engines all that are there; one that is named and does not start is an error.
wasm:1 is wasm on one thread, wasm:2 on two; onnx too.
Each figure is the smallest of N rounds (at least 5, default 7) in which the engines take turns.
--write   64x64 and 128x128, batch 32 and single images, and memory; rewrites the figures of docs/benchmarks.md
--env     keras and torch run in a virtual environment in DIR, which is made when it is not there, and used again while
          it has the pinned versions; default ${defaultEnvironment()}, which --write makes
--python  or in this one, as it is`);
  process.exit(0);
}

const whole = (option: 'size' | 'batch' | 'rounds', least: number): number => {
  const value = Number(args[option]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(
    `--${option}: expected a whole number of at least ${least}, received ${JSON.stringify(args[option])}.`,
  );
};

const log = (line: string) => console.error(line);
const leftOut: string[] = [];
const leaveOut = (line: string) => {
  leftOut.push(line.split('\n')[0]!);
  log(`left out: ${line}`);
};
const gpu = gpuOf();

/** Whoever is named must run; of everybody else some are not there. */
const named = args.engines
  ?.split(',')
  .map((name) => name.trim())
  .filter(Boolean);
if (named && args.python !== undefined && !named.includes('keras')) named.push('keras');
const failed = (_: string, error: Error) => {
  if (named) throw error;
  leaveOut(error.message);
};

function everybody(): string[] {
  const onGpu = ['webgpu', 'onnx-webgpu', 'onnx-cuda'];
  if (gpu === undefined)
    leaveOut(`${onGpu.join(', ')}, and native on CUDA: no NVIDIA GPU here (asked nvidia-smi).`);
  return ['wasm', 'onnx', 'native', ...(gpu === undefined ? [] : onGpu), ...PYTHON_ENGINES];
}

/** The Python of each engine that needs one; those that have none are left out, or throw when they are named. */
async function withPythons(engines: readonly string[]): Promise<Map<string, string | undefined>> {
  const ready = new Map<string, string | undefined>();
  const folder = args.env ?? defaultEnvironment();
  const make = args.write || args.env !== undefined;
  for (const engine of engines) {
    try {
      const own = !isPython(engine) || args.python !== undefined;
      ready.set(engine, own ? args.python : await pythonOf(folder, engine, { make, log }));
    } catch (error) {
      failed(engine, error as Error);
    }
  }
  return ready;
}

/** Starts everyone, one after the other, and lets them race. */
async function measure(pythons: Map<string, string | undefined>, size: number, jobs: readonly Job[]) {
  const batch = Math.max(...jobs.map((job) => job.batch));
  const entrants: Entrant[] = [];
  const closing: { close(): void }[] = [];
  try {
    for (const [engine, python] of pythons) {
      const each = contestant(engine, { size, batch, python });
      closing.push(each);
      try {
        entrants.push({ contestant: each, about: await each.about() });
      } catch (error) {
        pythons.delete(engine);
        failed(engine, error as Error);
      }
    }
    const results = await race(entrants, { size, jobs, rounds: whole('rounds', 5), failed });
    return { results, about: entrants.map((each) => [each.contestant.engine, each.about] as const) };
  } finally {
    for (const each of closing) each.close();
  }
}

/** The page need not tell where somebody keeps things. */
const withoutPath = (arg: string) => {
  const [path] = [args.python, args.env].filter((each) => each !== undefined && arg.endsWith(each));
  return path ? arg.replace(path, path === args.python ? 'PATH' : 'DIR') : arg;
};

async function writePage(pythons: Map<string, string | undefined>): Promise<void> {
  const [batch, images, sizes] = [32, 5000, [64, 128]];
  const about = new Map<string, About>();
  const [where, started] = [machine(), new Date()];
  const jobs: readonly Job[] = [
    { what: 'train', batch },
    { what: 'predict', batch },
    { what: 'predict', batch: 1 },
  ];
  const results: Result[] = [];
  for (const size of sizes) {
    log(`${size}x${size}`);
    const found = await measure(pythons, size, jobs);
    results.push(...found.results);
    for (const [engine, who] of found.about) about.set(engine, who);
  }
  const memory = new Map<string, number>();
  const size = Math.max(...sizes);
  for (const [engine, python] of pythons) {
    if (!about.get(engine)?.does.includes('train')) continue;
    log(`memory of ${engine}`);
    try {
      const bytes = await peakOf(contestant(engine, { size, batch, images, python }), batch);
      if (bytes !== undefined) memory.set(engine, bytes);
    } catch (error) {
      failed(engine, error as Error);
    }
  }
  const page = new URL('../docs/benchmarks.md', import.meta.url);
  const figures = figuresOf({
    date: started.toISOString().slice(0, 10),
    command: ['npm run bench --', ...process.argv.slice(2).map(withoutPath)].join(' '),
    machine: where,
    rounds: whole('rounds', 5),
    memoryRun: { size, batch, images },
    ...{ gpu, results, about, memory, leftOut },
  });
  writeFileSync(page, withFigures(readFileSync(page, 'utf8'), figures));
  log(`docs/benchmarks.md written, in ${Math.round((Date.now() - started.getTime()) / 1e3)} s`);
}

async function printOne(pythons: Map<string, string | undefined>): Promise<void> {
  const [size, batch, rounds] = [whole('size', 56), whole('batch', 1), whole('rounds', 5)];
  const { results } = await measure(pythons, size, [
    { what: 'train', batch },
    { what: 'predict', batch },
  ]);
  if (args.json) return console.log(JSON.stringify({ results, leftOut }));
  console.log(
    `Model A, ${size}x${size}, batch ${batch}: ms per image, minimum and median of ${rounds} rounds`,
  );
  for (const { engine, what, ms, median } of results) {
    console.log(
      `${engine.padEnd(14)}${what.padEnd(8)}${ms.toFixed(2).padStart(10)}${median.toFixed(2).padStart(10)}`,
    );
  }
}

try {
  const pythons = await withPythons([...new Set(named ?? everybody())]);
  await (args.write ? writePage : printOne)(pythons);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
