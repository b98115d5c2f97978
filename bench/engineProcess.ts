import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AUGMENTATION } from './augmentation.js';
import type { NetworkChoice, ParameterCount } from './networks.js';
import type { Answer, Request } from './protocol.js';

/**
 * Measured operations:
 *
 * - `train`: a training step on a batch.
 * - `predict`: the predictions for a batch.
 * - `epoch`: a training epoch over a dataset of images that are augmented in every epoch.
 * - `cachedEpoch`: a training epoch of the trainable layers on cached outputs of the frozen layers.
 */
export const OPERATIONS = ['train', 'predict', 'epoch', 'cachedEpoch'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** One measured call of an engine. Training always uses the batch size with which the engine was started. */
export interface Job {
  readonly what: Operation;
  readonly batch: number;
}

/** Network and data of an engine process, which receives them as JSON. */
export interface EngineSetup extends NetworkChoice {
  /** Height and width of the images in pixels. */
  readonly size: number;
  /** Batch size of training. */
  readonly batch: number;
  /** Number of images in the training dataset. With the number of images in a batch, every step has the same images. */
  readonly images: number;
  /** Unit of training: each request runs one step, an augmented epoch, or an epoch on cached features. */
  readonly unit: 'step' | 'epoch' | 'cachedEpoch';
  readonly augmentation: typeof AUGMENTATION;
}

/** Device, threads and versions that an engine reports. */
export interface EngineInfo {
  readonly device: 'CPU' | 'GPU';
  /** Number of threads, or a phrase: `2`, `its own choice`. */
  readonly threads: string;
  readonly operations: readonly Operation[];
  /** Versions, keyed by package or runtime. */
  readonly versions: { readonly [name: string]: string };
  readonly parameters?: ParameterCount;
}

/** Engine in a separate process, which runs until `close` is called. */
export interface EngineProcess {
  readonly engine: string;
  /** Waits until the engine is ready. Rejects if the engine fails to start. */
  readInfo(): Promise<EngineInfo>;
  /** Runs a job once, and returns the time of the whole batch in milliseconds. */
  time(job: Job): Promise<number>;
  /** Peak memory of the process so far, in bytes. Undefined on systems other than Linux. */
  readPeakMemory(): number | undefined;
  close(): void;
}

export interface EngineProcessOptions extends NetworkChoice {
  /** Height and width of the images in pixels. */
  readonly size: number;
  /** Batch size of training. */
  readonly batch: number;
  /** Unit of training. Default: `step`. */
  readonly unit?: EngineSetup['unit'];
  /** Number of images in the training dataset. Default: one batch, which is used for every step. */
  readonly images?: number | undefined;
  /** Path of the Python interpreter. Required for an engine that is a Python program. */
  readonly python?: string | undefined;
  /** Folder of the checkout whose library is measured. Only for engines of this library. Default: this checkout. */
  readonly checkout?: string | undefined;
}

/** Engines that are Python programs. */
export const PYTHON_ENGINES = ['keras', 'torch', 'torch-compile'] as const;
export type PythonEngine = (typeof PYTHON_ENGINES)[number];
export const isPythonEngine = (engine: string): engine is PythonEngine =>
  (PYTHON_ENGINES as readonly string[]).includes(engine);

/** Python program of each engine that is one. */
const PYTHON_SCRIPTS: { readonly [E in PythonEngine]: string } = {
  keras: 'keras_engine.py',
  torch: 'torch_engine.py',
  'torch-compile': 'torch_engine.py',
};

const resolvePath = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Starts the process of an engine: `keras`, `torch` and `torch-compile` run in Python, `onnx-cuda` and other `onnx-...` names run ONNX
 * Runtime with that execution provider, any other name is an engine of this library.
 *
 * Each process receives its name and an {@link EngineSetup} as arguments, reads requests as lines of JSON (`{"what":"train","batch":32}`),
 * and writes one line per request (`{"ms":812.4}` or `{"error":"..."}`). In this way, engines of both languages are measured by the same
 * rules.
 *
 * @throws Error if the engine needs Python and `python` is missing.
 */
export function startEngine(
  engine: string,
  { python, checkout, network, train, size, batch, ...options }: EngineProcessOptions,
): EngineProcess {
  const { images = batch, unit = 'step' } = options;
  const setup: EngineSetup = { network, train, size, batch, images, unit, augmentation: AUGMENTATION };
  const processArguments = [engine, JSON.stringify(setup)];
  const startScript = (name: string, options?: SpawnOptions) =>
    startProcess(process.execPath, [...process.execArgv, resolvePath(name), ...processArguments], options);
  const child = isPythonEngine(engine)
    ? startProcess(requirePython(engine, python), [
        '-B',
        resolvePath(PYTHON_SCRIPTS[engine]),
        ...processArguments,
      ])
    : engine.startsWith('onnx-')
      ? startScript('onnxProvider.ts')
      : startScript('engine.ts', checkout === undefined ? {} : { env: selectCheckout(checkout) });
  return connectEngine(engine, child);
}

/** Maximum time for the response to one request. A compiler can take so long that it would stop the whole benchmark. */
const MAX_MINUTES = 15;

/** Returns an object that controls the engine in the process `child`, which implements the protocol in protocol.ts or protocol.py. */
function connectEngine(engine: string, child: ChildProcess): EngineProcess {
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  let isTooSlow = false;
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error(`${engine}: does not start: ${cause.message}`)));
    child.once('close', (code, signal) =>
      reject(
        new Error(
          isTooSlow
            ? `${engine}: no response within ${MAX_MINUTES} minutes`
            : `${engine}: ended with ${signal ?? `code ${code}`}`,
        ),
      ),
    );
  });
  ended.catch(() => {}); // A pending request reports the error. It is not an error if the process ends after the last request.
  child.stdin!.on('error', () => {}); // `ended` reports the same failure.

  const ask = async (request: Request): Promise<Exclude<Answer, { error: string }>> => {
    child.stdin!.write(`${JSON.stringify(request)}\n`);
    const timer = setTimeout(() => {
      isTooSlow = true;
      child.kill();
    }, MAX_MINUTES * 60_000);
    try {
      return await readAnswer();
    } finally {
      clearTimeout(timer);
    }
  };
  const readAnswer = async () => {
    for (;;) {
      const { value, done } = await answers.next();
      if (done) return ended;
      if (!value.startsWith('{')) continue; // Some libraries print to standard output.
      const answer = JSON.parse(value) as Answer;
      if ('error' in answer) throw new Error(`${engine}: ${answer.error}`);
      return answer;
    }
  };
  return {
    engine,
    readInfo: async () => ((await ask({ what: 'info' })) as { info: EngineInfo }).info,
    time: async (job) => ((await ask(job)) as { ms: number }).ms,
    readPeakMemory: () => {
      if (process.platform !== 'linux') return undefined;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
    },
    close: () => void child.kill(),
  };
}

/** Starts a process whose standard input and output are pipes. Its standard error is printed. */
function startProcess(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
}

/**
 * Returns the environment variables with which engine.ts measures the library of a checkout, compiled with the settings of that checkout.
 */
const selectCheckout = (checkout: string) => ({
  ...process.env,
  BENCH_CHECKOUT: checkout,
  TSX_TSCONFIG_PATH: join(checkout, 'tsconfig.json'),
});

function requirePython(engine: string, python: string | undefined): string {
  if (python !== undefined) return python;
  throw new Error(
    `${engine}: expected the path of a Python interpreter, received no path. Pass --python PATH.`,
  );
}
