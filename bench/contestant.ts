import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What is timed: one training step on a batch, or the answers for a batch. */
export type What = 'train' | 'predict';

/** An engine in a process of its own, which lives through all rounds. */
export interface Contestant {
  readonly engine: string;
  /** Does it once, and says how long it took: milliseconds for the whole batch. */
  time(what: What): Promise<number>;
  close(): void;
}

export interface ContestantOptions {
  readonly size: number;
  readonly batch: number;
  /** A Python that has Keras, for the engine `keras`. */
  readonly python?: string | undefined;
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Starts the process of an engine. A line of JSON goes in (`{"what":"train"}`), a line comes out (`{"ms":812.4}`, or
 * `{"error":"…"}`): so engines of two languages take turns under the same clock rules.
 */
export function contestant(engine: string, { size, batch, python }: ContestantOptions): Contestant {
  const sizes = [String(size), String(batch)];
  const child =
    engine === 'keras'
      ? start(needPython(python), [file('keras_model_a.py'), ...sizes])
      : start(process.execPath, [...process.execArgv, file('engine.ts'), engine, ...sizes]);
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error(`${engine}: does not start: ${cause.message}`)));
    child.once('close', (code) => reject(new Error(`${engine}: ended with code ${code}`)));
  });
  ended.catch(() => {}); // told by whoever waits for an answer; an end after the last one is no fault
  child.stdin!.on('error', () => {}); // the same news, a second time

  const answer = async (): Promise<number> => {
    for (;;) {
      const { value, done } = await answers.next();
      if (done) return ended;
      if (!value.startsWith('{')) continue; // a library that prints
      const { ms, error } = JSON.parse(value) as { ms?: number; error?: string };
      if (ms === undefined) throw new Error(`${engine}: ${error}`);
      return ms;
    }
  };
  return {
    engine,
    time: (what) => {
      child.stdin!.write(`${JSON.stringify({ what })}\n`);
      return answer();
    },
    close: () => void child.stdin!.end(),
  };
}

function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function needPython(python: string | undefined): string {
  if (python !== undefined) return python;
  throw new Error('keras: expected --python PATH, a Python with Keras and TensorFlow, received none.');
}
