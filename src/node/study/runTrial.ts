import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMultitaskError } from '../../core/errors.js';
import type { Store } from '../../core/outside.js';
import { type Asked, type FromTrial, heard, sayable, served, type Task, type ToTrial } from './messages.js';

/** What a trial needs of the process that looks after it. */
export interface TrialCare {
  readonly task: Task;
  /** What the trial may read and write. */
  readonly store: Store;
  /** Keeps what it prints. */
  printed(bytes: Uint8Array): Promise<void>;
  /** Seconds after which it is taken to hang, or undefined. */
  readonly trialTimeout: number | undefined;
  /** Tells it to stop after the step in progress; one that has not after {@link GRACE} is killed. */
  readonly signal: AbortSignal;
  /** Notes an epoch; answers why the trial should end now. */
  report(row: Extract<Asked, { row: unknown }>['row']): Promise<string | undefined>;
  /** Notes that it was ended by the pruner, before this. */
  pruned(reason: string): void;
}

/** How the process ended: by itself, or `failed`, and why. */
export type TrialEnd = { readonly failed?: string };

/** Milliseconds for what a process printed last. */
const OUTPUT = 1000;

/** Seconds that a timer can count: about 25 days. */
const LONGEST = 2_147_483;

/** Milliseconds for a trial to stop after its step: a longer step is lost, with what came after the last checkpoint. */
export const GRACE = 60_000;

/** What a store says of a name that a trial chose badly, where any other fault of a file means that nothing can be kept. */
const ILL_NAMED = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EINVAL'];

/** Lines of what a trial printed that are kept for the reason of its end. */
const LAST = 8;

/**
 * Runs one trial in a process of its own, whatever becomes of that.
 *
 * @throws `file` fault of the store.
 */
export function runTrial(care: TrialCare): Promise<TrialEnd> {
  const { task, store, printed, trialTimeout, signal, report, pruned } = care;
  const child = fork(entry(), {
    execArgv: process.execArgv, // how TypeScript is read, if the study is written in it
    serialization: 'advanced', // bytes as they are
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = listened(child, printed);
  const tell = (message: ToTrial) => {
    if (child.connected) child.send(message, () => {}); // one that is gone needs no answer
  };
  let grace: NodeJS.Timeout | undefined;
  const stop = () => {
    tell({ stop: true });
    grace ??= setTimeout(() => child.kill('SIGKILL'), GRACE);
  };
  return new Promise<TrialEnd>((resolve, reject) => {
    let end: TrialEnd | undefined;
    let broken: unknown;
    let pending: Promise<unknown> = Promise.resolve();
    const timer =
      trialTimeout === undefined || trialTimeout > LONGEST
        ? undefined
        : setTimeout(() => {
            end ??= { failed: `it took longer than ${trialTimeout} s` }; // one that said it is done only ends
            child.kill('SIGKILL');
          }, trialTimeout * 1000);
    const over = () => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal.removeEventListener('abort', stop);
    };
    child.on('message', (message: FromTrial) => {
      if ('asked' in message) {
        const { id, asked } = message;
        const answer =
          'row' in asked
            ? report(asked.row)
            : 'pruned' in asked
              ? Promise.resolve(pruned(asked.pruned))
              : served(store, asked);
        const settled = answer.then(
          (value) => tell({ id, answer: value }),
          (error: unknown) => {
            tell({ id, failed: sayable(error) });
            if (!isMultitaskError(error) || error.kind !== 'file') return;
            if ('store' in asked && ILL_NAMED.includes(error.received)) return;
            broken = error;
            child.kill('SIGKILL');
          },
        );
        pending = Promise.all([pending, settled]);
        return;
      }
      end ??= 'failed' in message ? { failed: firstLines(heard(message.failed)) } : {};
      child.kill('SIGKILL'); // engines keep threads alive; everything is written
    });
    child.once('error', (error) => {
      end ??= { failed: error.message };
    });
    const ended = async (code: number | null, by: NodeJS.Signals | null) => {
      over();
      await pending; // what it reported last is written before it is over,
      await output.written(); // and what it printed
      if (broken !== undefined) reject(broken);
      else resolve(end ?? { failed: deathOf(code, by, output.last()) });
    };
    child.once('close', ended);
    // A process that it began may hold its output open for ever.
    child.once('exit', (code, by) => setTimeout(() => void ended(code, by), OUTPUT).unref());
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

/** What a process printed. */
interface Output {
  /** Its last words. */
  last(): string;
  /** Resolves when all that was heard is kept, or cannot be. */
  written(): Promise<void>;
}

/** Keeps what a process prints. */
function listened({ stdout, stderr }: ChildProcess, printed: TrialCare['printed']): Output {
  let last: string[] = [];
  let writing = Promise.resolve();
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      last = [...last, ...bytes.toString('utf8').split('\n')]
        .filter((line) => line.trim() !== '')
        .slice(-LAST);
      writing = writing.then(() => printed(new Uint8Array(bytes)).catch(() => {}));
    });
  }
  return { last: () => last.join('\n'), written: () => writing };
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
