import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMultitaskError } from '../../core/errors.js';
import type { Store } from '../../core/outside.js';
import { type Asked, type FromTrial, heard, sayable, served, type Task, type ToTrial } from './messages.js';

/** What a trial needs of the process that looks after it. */
export interface TrialCare {
  readonly task: Task;
  /** The trial's own folder. */
  readonly store: Store;
  /** Seconds after which it is taken to hang, or undefined. */
  readonly limit: number | undefined;
  /** Tells it to stop after the step in progress. */
  readonly signal: AbortSignal;
  /** Notes an epoch; answers why the trial should end now. */
  report(row: Extract<Asked, { row: unknown }>['row']): Promise<string | undefined>;
}

/** How the process ended: by itself, or `failed`, and why. */
export type TrialEnd = { readonly failed?: string };

/** Lines of what a trial printed that are kept for the reason of its end. */
const LAST = 8;

/**
 * Runs one trial in a process of its own, whatever becomes of that.
 *
 * @throws `file` fault of the store.
 */
export function runTrial({ task, store, limit, signal, report }: TrialCare): Promise<TrialEnd> {
  const child = fork(entry(), {
    execArgv: process.execArgv, // how TypeScript is read, if the study is written in it
    serialization: 'advanced', // bytes as they are
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const said = listened(child, store);
  const tell = (message: ToTrial) => {
    if (child.connected) child.send(message, () => {}); // one that is gone needs no answer
  };
  const stop = () => tell({ stop: true });
  return new Promise<TrialEnd>((resolve, reject) => {
    let end: TrialEnd | undefined;
    let broken: unknown;
    const timer =
      limit === undefined
        ? undefined
        : setTimeout(() => {
            end = { failed: `it took longer than ${limit} s` };
            child.kill('SIGKILL');
          }, limit * 1000);
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
    child.on('message', async (message: FromTrial) => {
      if ('asked' in message) {
        const { id, asked } = message;
        const answer = 'row' in asked ? report(asked.row) : served(store, asked);
        await answer.then(
          (value) => tell({ id, answer: value }),
          (error: unknown) => {
            tell({ id, failed: sayable(error) });
            if (!isMultitaskError(error) || error.kind !== 'file') return;
            broken = error;
            child.kill('SIGKILL');
          },
        );
        return;
      }
      end ??= 'failed' in message ? { failed: firstLines(heard(message.failed)) } : {};
      child.kill('SIGKILL'); // engines keep threads alive; everything is written
    });
    child.once('error', (error) => {
      end ??= { failed: error.message };
    });
    child.once('close', (code, by) => {
      over();
      if (broken !== undefined) reject(broken);
      else resolve(end ?? { failed: deathOf(code, by, said()) });
    });
    signal.addEventListener('abort', stop);
    tell({ task });
    if (signal.aborted) stop();
  });
}

/** The file that a process begins with: of the sources, or of the built package. */
function entry(): string {
  const sources = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(sources ? './trialProcess.ts' : './trial.js', import.meta.url));
}

/** Keeps what a process prints, and answers its last words. */
function listened({ stdout, stderr }: ChildProcess, store: Store): () => string {
  let last: string[] = [];
  let writing = Promise.resolve();
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      last = [...last, ...bytes.toString('utf8').split('\n')]
        .filter((line) => line.trim() !== '')
        .slice(-LAST);
      writing = writing.then(() => store.append('output.txt', new Uint8Array(bytes)).catch(() => {}));
    });
  }
  return () => last.join('\n');
}

function deathOf(code: number | null, by: NodeJS.Signals | null, said: string): string {
  const how =
    /heap out of memory/.test(said) || by === 'SIGABRT'
      ? 'it ran out of memory'
      : by === 'SIGKILL'
        ? 'it was killed, as the system does when memory runs out'
        : by !== null
          ? `it was ended by ${by}`
          : `it ended with code ${code}`;
  return said ? `${how}: ${said.slice(-600)}` : how;
}

const firstLines = ({ message }: Error) => message.split('\n').slice(0, 4).join('\n').slice(0, 600);
