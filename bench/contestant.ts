import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './turns.js';

/** What is timed: one training step on a batch, or the answers for a batch. */
export type What = 'train' | 'predict';

/** What is asked of a contestant. It trains on the batch that it was started with. */
export interface Job {
  readonly what: What;
  readonly batch: number;
}

/** Who runs. */
export interface About {
  readonly device: 'CPU' | 'GPU';
  /** For people: `2`, `its own choice`. */
  readonly threads: string;
  readonly does: readonly What[];
  /** By package or runtime. */
  readonly versions: { readonly [name: string]: string };
}

/** An engine in a process of its own, which lives through all rounds. */
export interface Contestant {
  readonly engine: string;
  /** Waits until it is ready; an engine that does not start fails here. */
  about(): Promise<About>;
  /** Does it once, and says how long it took: milliseconds for the whole batch. */
  time(job: Job): Promise<number>;
  /** The most memory that the process has held so far, in bytes; undefined where the system does not tell (only Linux does). */
  peak(): number | undefined;
  close(): void;
}

export interface ContestantOptions {
  readonly size: number;
  /** Of training. */
  readonly batch: number;
  /** For an engine that is a Python program. */
  readonly python?: string | undefined;
  /** Trains on a dataset of so many images instead of one batch again and again. Its steps then do not wait for each other. */
  readonly images?: number;
}

/** Engines that are Python programs. */
export const PYTHON_ENGINES = ['keras', 'torch'] as const;
export type PythonEngine = (typeof PYTHON_ENGINES)[number];
export const isPython = (engine: string): engine is PythonEngine =>
  (PYTHON_ENGINES as readonly string[]).includes(engine);

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Starts the process of an engine: `keras` and `torch` in Python, `onnx-cuda` and the like as ONNX Runtime with that
 * provider, any other name as an engine of this library. A line of JSON goes in (`{"what":"train","batch":32}`), a line
 * comes out (`{"ms":812.4}`, or `{"error":"…"}`): so engines of two languages take turns under the same clock rules.
 */
export function contestant(engine: string, { size, batch, python, images }: ContestantOptions): Contestant {
  const sizes = [size, batch, ...(images === undefined ? [] : [images])].map(String);
  const provider = /^onnx-(.+)$/.exec(engine)?.[1];
  const script = (name: string, ...first: string[]) =>
    start(process.execPath, [...process.execArgv, file(name), ...first, ...sizes]);
  const child = isPython(engine)
    ? start(needPython(engine, python), ['-B', file(`${engine}_model_a.py`), ...sizes])
    : provider === undefined
      ? script('engine.ts', engine)
      : script('provider.ts', provider);
  return speaking(engine, child);
}

/** A contestant that lives in `child`, which answers as turns.ts and turns.py do. */
export function speaking(engine: string, child: ChildProcess): Contestant {
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error(`${engine}: does not start: ${cause.message}`)));
    child.once('close', (code, signal) =>
      reject(new Error(`${engine}: ended with ${signal ?? `code ${code}`}`)),
    );
  });
  ended.catch(() => {}); // told by whoever waits for an answer; an end after the last one is no fault
  child.stdin!.on('error', () => {}); // the same news, a second time

  const ask = async (request: Request): Promise<Exclude<Answer, { error: string }>> => {
    child.stdin!.write(`${JSON.stringify(request)}\n`);
    for (;;) {
      const { value, done } = await answers.next();
      if (done) return ended;
      if (!value.startsWith('{')) continue; // a library that prints
      const answer = JSON.parse(value) as Answer;
      if ('error' in answer) throw new Error(`${engine}: ${answer.error}`);
      return answer;
    }
  };
  return {
    engine,
    about: async () => ((await ask({ what: 'about' })) as { about: About }).about,
    time: async (job) => ((await ask(job)) as { ms: number }).ms,
    peak: () => {
      if (process.platform !== 'linux') return undefined;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
    },
    close: () => void child.kill(),
  };
}

/** A process that is spoken to in lines. */
export function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function needPython(engine: string, python: string | undefined): string {
  if (python !== undefined) return python;
  throw new Error(`${engine}: expected a Python to run it with, received none.`);
}
