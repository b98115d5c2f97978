/**
 * Measures networks on several engines: milliseconds per image for a training step, a prediction or an epoch, and peak memory.
 *
 * - `npm run bench`: all installed engines, Model A, 64x64, batch 16.
 * - `npm run bench -- --network resnet50 --train conv5 --size 128`: another network, of which only some layers are trained.
 * - `npm run --silent bench -- --json --size 64 --batch 16 --engines wasm,native --python PATH`: one line of JSON.
 * - `npm run bench -- --write`: everything; rewrites the tables of docs/benchmarks.md.
 * - `npm run bench -- --against COMMIT`: this checkout compared with a commit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BenchmarkRun, formatTables, replaceTables } from './benchmarksPage.js';
import { checkParameters } from './checkParameters.js';
import {
  type Comparison,
  checkOut,
  compareCheckouts,
  formatComparisons,
  isSlower,
  MAX_RATIO,
} from './compareCommits.js';
import {
  type EngineInfo,
  type EngineProcessOptions,
  isPythonEngine,
  type Job,
  OPERATIONS,
  type Operation,
  PYTHON_ENGINES,
  startEngine,
} from './engineProcess.js';
import { describeMachine, findGpu } from './machine.js';
import { measureMatrixProduct } from './matrixProduct.js';
import {
  describeTrained,
  MIN_SIZES,
  NETWORK_NAMES,
  NETWORKS,
  type NetworkChoice,
  parseNetworkChoice,
  TRAINED_LAYERS,
} from './networks.js';
import { measurePeakMemory } from './peakMemory.js';
import { getDefaultEnvironment, preparePython } from './pythonEnvironment.js';
import { type RunningEngine, type Timing, timeEngines } from './timeEngines.js';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    against: { type: 'string' },
    network: { type: 'string', default: 'model-a' },
    train: { type: 'string', default: 'all' },
    what: { type: 'string', default: 'train,predict' },
    images: { type: 'string' },
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
  console.log(`usage: npm run bench -- [--json | --write] [--network NAME] [--train LAYERS] [--what a,b] [--size N] [--batch N]
                       [--images N] [--engines a,b] [--rounds N] [--python PATH | --env DIR]
       npm run bench -- --against COMMIT [--json] [--network NAME] [--train LAYERS] [--what a,b] [--size N] [--batch N]
                       [--engines a,b] [--rounds N] [--calls N]
Engines: wasm, onnx, native, keras, torch, torch-compile, and with a GPU webgpu, onnx-cuda, onnx-webgpu (ONNX Runtime's execution
providers, prediction only). Default: all installed engines. If an engine in --engines fails to start, the benchmark fails.
wasm:1 is wasm with one thread, wasm:2 with two threads; onnx:1 and onnx:2 work the same way.
Each result is the minimum of N rounds (at least 5, default 7). In each round, the engines take turns.
--network  ${NETWORKS.join(', ')}; default model-a
--train    trained layers: ${TRAINED_LAYERS.join(', ')}; default all. The other layers are frozen. conv5 is a stage of resnet50.
--what     operations: ${OPERATIONS.join(', ')}; default train,predict. epoch trains on --images images that are augmented in
           every epoch; keras uses ImageDataGenerator. cachedEpoch caches the outputs of the frozen layers (needs --train heads or conv5).
--images   number of images of an epoch, default 256
--write    measures all networks, Model A at 64x64 and 128x128, epochs and memory; rewrites the tables of docs/benchmarks.md
--env      virtual environment of keras and torch; default ${getDefaultEnvironment()}.
           With --env or --write it is created if it is missing, and updated if it lacks the pinned versions.
--python   Python interpreter that has keras and torch already
--against  compares this checkout with COMMIT on wasm and onnx: median ratio of N rounds (at least 2, default 10) of
           --calls calls (default 5), with its 95 % bootstrap interval. Exits with 1 if an interval is above 1 and reaches ${MAX_RATIO}.`);
  process.exit(0);
}

const parseInteger = (
  option: 'size' | 'batch' | 'images' | 'rounds' | 'calls',
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

/** Returns the operations of `--what` in the order in which they are measured. */
function parseOperations(choice: NetworkChoice, allowed: readonly Operation[] = OPERATIONS): Operation[] {
  const requested = args.what.split(',').map((name) => name.trim());
  const unknown = requested.find((name) => !(allowed as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const option = args.against === undefined ? '--what' : '--what with --against';
    throw new Error(`${option}: expected ${allowed.join(', ')}, received ${JSON.stringify(unknown)}.`);
  }
  if (requested.includes('cachedEpoch') && choice.train === 'all') {
    throw new Error(
      '--what cachedEpoch: expected a network with frozen layers, received --train all. Pass --network resnet50 --train heads.',
    );
  }
  return OPERATIONS.filter((operation) => requested.includes(operation));
}

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

interface Measurement extends NetworkChoice {
  readonly size: number;
  readonly jobs: readonly Job[];
  /** Number of images of an epoch. */
  readonly images: number;
}

interface Measured {
  readonly timings: readonly Timing[];
  readonly infos: readonly (readonly [engine: string, info: EngineInfo])[];
}

/** Measures the jobs. Epochs need other datasets than steps, so each kind of epoch runs in separate processes. */
async function measure(
  pythons: Map<string, string | undefined>,
  { jobs, images, ...measurement }: Measurement,
): Promise<Measured> {
  const batch = Math.max(...jobs.map((job) => job.batch));
  const groups = [
    { unit: 'step', isInGroup: ({ what }: Job) => what === 'train' || what === 'predict' },
    { unit: 'epoch', isInGroup: ({ what }: Job) => what === 'epoch', images },
    { unit: 'cachedEpoch', isInGroup: ({ what }: Job) => what === 'cachedEpoch', images },
  ] as const;
  const results: Measured[] = [];
  for (const { isInGroup, ...group } of groups) {
    const groupJobs = jobs.filter(isInGroup);
    if (groupJobs.length === 0) continue;
    results.push(await measureJobs(pythons, groupJobs, { ...measurement, ...group, batch }));
  }
  return {
    timings: results.flatMap(({ timings }) => timings),
    infos: results.flatMap(({ infos }) => infos),
  };
}

/** Starts the engines one after the other, and measures their jobs. An engine that fails to start is removed from `pythons`. */
async function measureJobs(
  pythons: Map<string, string | undefined>,
  jobs: readonly Job[],
  setup: EngineProcessOptions,
): Promise<Measured> {
  const engines: RunningEngine[] = [];
  const started: { close(): void }[] = [];
  try {
    for (const [engine, python] of pythons) {
      const reason = findMissingUnit(engine, setup.unit);
      if (reason !== undefined) {
        skip(`${engine}: ${reason}`);
        continue;
      }
      const engineProcess = startEngine(engine, { ...setup, python });
      started.push(engineProcess);
      try {
        engines.push({ process: engineProcess, info: await engineProcess.readInfo() });
      } catch (error) {
        pythons.delete(engine);
        handleFailure(engine, error as Error);
      }
    }
    checkParameters(engines.map(({ process, info }) => [process.engine, info]));
    const { network, train, size, images } = setup;
    const timings = await timeEngines(engines, {
      ...{ network, train, size, jobs },
      ...(images === undefined ? {} : { images }),
      rounds: parseRounds(),
      onFailure: handleFailure,
    });
    return { timings, infos: engines.map(({ process, info }) => [process.engine, info] as const) };
  } finally {
    for (const each of started) each.close();
  }
}

/** Returns why an engine cannot train for epochs of a kind, or undefined if it can. */
function findMissingUnit(engine: string, unit: EngineProcessOptions['unit']): string | undefined {
  if (unit === 'cachedEpoch' && isPythonEngine(engine))
    return 'no epoch on cached features: it has no cache.';
  if (unit !== 'epoch') return undefined;
  if (engine.startsWith('torch')) return 'no epoch with augmentation: PyTorch has none without torchvision.';
  return engine.startsWith('onnx-') ? 'no epoch: it only predicts.' : undefined;
}

/** Replaces a path in a command line argument by a placeholder, because paths of the user must not be published. */
const removePath = (argument: string) => {
  const [path] = [args.python, args.env].filter((each) => each !== undefined && argument.endsWith(each));
  return path ? argument.replace(path, path === args.python ? 'PATH' : 'DIR') : argument;
};

/** Networks of the page in addition to Model A. All of them are measured at one size. */
const PAGE_NETWORKS: readonly NetworkChoice[] = [
  { network: 'mobilenetv2', train: 'all' },
  { network: 'efficientnetb0', train: 'all' },
  { network: 'resnet50', train: 'all' },
  { network: 'resnet50', train: 'conv5' },
  { network: 'resnet50', train: 'heads' },
  { network: 'residual', train: 'all' },
];
const MODEL_A: NetworkChoice = { network: 'model-a', train: 'all' };

async function writePage(pythons: Map<string, string | undefined>): Promise<void> {
  const [batch, memoryImages, sizes] = [32, 5000, [64, 128]];
  const images = parseInteger('images', 1, 256);
  const infos = new Map<string, EngineInfo>();
  const startTime = new Date();
  const machine = describeMachine(await measureMatrixProduct());
  const measureForPage = async (measurement: Omit<Measurement, 'images'>) => {
    const { network, train, size } = measurement;
    const name = `${NETWORK_NAMES[network]}${describeTrained(train)}, ${size}x${size}`;
    log(name);
    const firstSkipped = skipped.length;
    // An engine that fails for one network is measured again for the next one.
    const measured = await measure(new Map(pythons), { ...measurement, images });
    skipped.push(...skipped.splice(firstSkipped).map((line) => `${name}: ${line}`));
    // The first description of an engine is that of the process for steps, whose operations include training.
    for (const [engine, info] of measured.infos) if (!infos.has(engine)) infos.set(engine, info);
    return measured.timings;
  };

  const timings: Timing[] = [];
  for (const size of sizes) {
    const jobs: readonly Job[] = [
      { what: 'train', batch },
      { what: 'predict', batch },
      { what: 'predict', batch: 1 },
    ];
    timings.push(...(await measureForPage({ ...MODEL_A, size, jobs })));
  }
  const size = Math.max(...sizes);
  const networks: Timing[] = [];
  const networkJobs = (['train', 'predict'] as const).map((what) => ({ what, batch: 16 }));
  for (const choice of PAGE_NETWORKS) {
    networks.push(...(await measureForPage({ ...choice, size, jobs: networkJobs })));
  }
  const epochs: Timing[] = [];
  for (const epochSize of sizes) {
    epochs.push(...(await measureForPage({ ...MODEL_A, size: epochSize, jobs: [{ what: 'epoch', batch }] })));
  }
  const frozen = { network: 'resnet50', train: 'heads' } as const;
  epochs.push(...(await measureForPage({ ...frozen, size, jobs: [{ what: 'cachedEpoch', batch }] })));

  const memory = new Map<string, number>();
  for (const [engine, python] of pythons) {
    if (!infos.get(engine)?.operations.includes('train')) continue;
    log(`memory of ${engine}`);
    try {
      const engineProcess = startEngine(engine, { ...MODEL_A, size, batch, images: memoryImages, python });
      const bytes = await measurePeakMemory(engineProcess, batch);
      if (bytes !== undefined) memory.set(engine, bytes);
    } catch (error) {
      handleFailure(engine, error as Error);
    }
  }
  const page = new URL('../docs/benchmarks.md', import.meta.url);
  const run: BenchmarkRun = {
    date: startTime.toISOString().slice(0, 10),
    command: ['npm run bench --', ...process.argv.slice(2).map(removePath)].join(' '),
    rounds: parseRounds(),
    memoryRun: { size, batch, images: memoryImages },
    ...{ machine, gpu, timings, networks, epochs, infos, memory, skipped },
  };
  writeFileSync(page, replaceTables(readFileSync(page, 'utf8'), formatTables(run)));
  log(`docs/benchmarks.md written, in ${Math.round((Date.now() - startTime.getTime()) / 1e3)} s`);
}

/** Returns the network, the size and the operations that the options select. */
function parseMeasurement(allowed?: readonly Operation[]) {
  const choice = parseNetworkChoice(args.network, args.train);
  const operations = parseOperations(choice, allowed);
  const size = parseInteger('size', MIN_SIZES[choice.network]);
  return { ...choice, operations, size, batch: parseInteger('batch', 1) };
}

/** Describes the measured network for a heading: `ResNet50, conv5 and heads trained, 128x128, batch 16`. */
const describeMeasurement = ({ network, train, size, batch }: ReturnType<typeof parseMeasurement>) =>
  `${NETWORK_NAMES[network]}${describeTrained(train)}, ${size}x${size}, batch ${batch}`;

async function printTimings(pythons: Map<string, string | undefined>): Promise<void> {
  const measurement = parseMeasurement();
  const { operations, batch, ...choice } = measurement;
  const rounds = parseRounds();
  const gflops = await measureMatrixProduct();
  const machine = describeMachine(gflops);
  const { timings } = await measure(pythons, {
    ...choice,
    images: parseInteger('images', 1, 256),
    jobs: operations.map((what) => ({ what, batch })),
  });
  if (args.json) return console.log(JSON.stringify({ results: timings, leftOut: skipped, machine, gflops }));
  console.log(machine);
  console.log(describeMeasurement(measurement));
  const { parameters, trainableParameters } = timings[0] ?? {};
  if (parameters !== undefined && trainableParameters !== undefined) {
    const [total, trained] = [parameters, trainableParameters].map((count) => count.toLocaleString('en'));
    console.log(`${total} parameters in all engines, ${trained} of them trained`);
  }
  console.log(
    `ms per image, minimum and median of ${rounds} rounds; seconds of the first call; peak memory in GiB`,
  );
  for (const { engine, what, ms, median, firstSeconds, peakMemory } of timings) {
    const memory = peakMemory === undefined ? '-' : (peakMemory / 2 ** 30).toFixed(2);
    const cells = [ms.toFixed(2), median.toFixed(2), firstSeconds.toFixed(1), memory];
    console.log(`${engine.padEnd(14)}${what.padEnd(12)}${cells.map((cell) => cell.padStart(10)).join('')}`);
  }
}

async function printComparison(revision: string): Promise<void> {
  const measurement = parseMeasurement(['train', 'predict']);
  const { operations, ...setup } = measurement;
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
      const start = (checkout: string) => () => startEngine(engine, { ...setup, checkout });
      comparisons.push(
        ...(await compareCheckouts({
          ...setup,
          ...{ engine, operations, rounds, calls },
          start: start(root),
          startBase: start(folder),
        })),
      );
    }
    if (args.json) console.log(JSON.stringify({ against: commit, results: comparisons }));
    else {
      console.log(
        `${describeMeasurement(measurement)}, this checkout / ${commit}: ms per image and their ratio, median of ${rounds} rounds`,
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
    parseMeasurement(); // Rejects invalid options before Python environments are created.
    const pythons = await preparePythons([...new Set(requestedEngines ?? getDefaultEngines())]);
    await (args.write ? writePage : printTimings)(pythons);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
