import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMultitaskError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import {
  deserializeError,
  type MessageFromTrial,
  type MessageToTrial,
  type ParentRequest,
  serializeError,
  serveStoreRequest,
  type TrialSpec,
} from './trialMessages.js';

/** What a trial needs of the process that looks after it. */
export interface SpawnTrialOptions {
  readonly spec: TrialSpec;
  /** What the trial may read and write. */
  readonly store: Store;
  /** Keeps what it prints. */
  onOutput(bytes: Uint8Array): Promise<void>;
  /** Seconds after which it is taken to hang, or undefined. */
  readonly trialTimeout: number | undefined;
  /** Tells it to stop after the step in progress; one that has not after {@link STOP_GRACE_MS} is killed. */
  readonly signal: AbortSignal;
  /** Notes an epoch; answers why the trial should end now. */
  onEpoch(row: Extract<ParentRequest, { row: unknown }>['row']): Promise<string | undefined>;
  /** Notes that it was ended by the pruner, before this. */
  onPruned(reason: string): void;
}

/** How the process ended: by itself, or `failed`, and why. */
export type TrialExit = { readonly failure?: string };

/** Milliseconds for what a process printed last. */
const OUTPUT_DRAIN_MS = 1000;

/** Seconds that a timer can count: about 25 days. */
const MAX_TIMER_SECONDS = 2_147_483;

/** Milliseconds for a trial to stop after its step: a longer step is lost, with what came after the last checkpoint. */
export const STOP_GRACE_MS = 60_000;

/** What a store says of a name that a trial chose badly, where any other fault of a file means that nothing can be kept. */
const BAD_NAME_CODES = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EINVAL'];

/** Lines of what a trial printed that are kept for the reason of its end. */
const MAX_REASON_LINES = 8;

/**
 * Runs one trial in a process of its own, whatever becomes of that.
 *
 * @throws `file` fault of the store.
 */
export function spawnTrial(care: SpawnTrialOptions): Promise<TrialExit> {
  const { spec, store, onOutput, trialTimeout, signal, onEpoch, onPruned } = care;
  const child = fork(getTrialEntryPath(), {
    execArgv: process.execArgv, // how TypeScript is read, if the study is written in it
    serialization: 'advanced', // bytes as they are
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = captureOutput(child, onOutput);
  const tell = (message: MessageToTrial) => {
    if (child.connected) child.send(message, () => {}); // one that is gone needs no answer
  };
  let grace: NodeJS.Timeout | undefined;
  const stop = () => {
    tell({ stop: true });
    grace ??= setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  };
  return new Promise<TrialExit>((resolve, reject) => {
    let end: TrialExit | undefined;
    let broken: unknown;
    let pending: Promise<unknown> = Promise.resolve();
    const timer =
      trialTimeout === undefined || trialTimeout > MAX_TIMER_SECONDS
        ? undefined
        : setTimeout(() => {
            end ??= { failure: `it took longer than ${trialTimeout} s` }; // one that said it is done only ends
            child.kill('SIGKILL');
          }, trialTimeout * 1000);
    const over = () => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal.removeEventListener('abort', stop);
    };
    child.on('message', (message: MessageFromTrial) => {
      if ('asked' in message) {
        const { id, asked } = message;
        const answer =
          'row' in asked
            ? onEpoch(asked.row)
            : 'pruned' in asked
              ? Promise.resolve(onPruned(asked.pruned))
              : serveStoreRequest(store, asked);
        const settled = answer.then(
          (value) => tell({ id, answer: value }),
          (error: unknown) => {
            tell({ id, failed: serializeError(error) });
            if (!isMultitaskError(error) || error.kind !== 'file') return;
            const { code = error.received } = Object(error.cause) as Partial<NodeJS.ErrnoException>;
            if ('store' in asked && BAD_NAME_CODES.includes(code)) return;
            broken = error;
            child.kill('SIGKILL');
          },
        );
        pending = Promise.all([pending, settled]);
        return;
      }
      end ??= 'failed' in message ? { failure: truncateMessage(deserializeError(message.failed)) } : {};
      child.kill('SIGKILL'); // engines keep threads alive; everything is written
    });
    child.once('error', (error) => {
      end ??= { failure: error.message };
    });
    const ended = async (code: number | null, by: NodeJS.Signals | null) => {
      over();
      await pending; // what it reported last is written before it is over,
      await output.flush(); // and what it printed
      if (broken !== undefined) reject(broken);
      else resolve(end ?? { failure: describeExit(code, by, output.getLastLines()) });
    };
    child.once('close', ended);
    // A process that it began may hold its output open for ever.
    child.once('exit', (code, by) => setTimeout(() => void ended(code, by), OUTPUT_DRAIN_MS).unref());
    signal.addEventListener('abort', stop);
    tell({ task: spec });
    if (signal.aborted) stop();
  });
}

/** The file that a process begins with: of the sources, or of the built package. */
function getTrialEntryPath(): string {
  const sources = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(sources ? './trialProcess.ts' : './trial.js', import.meta.url));
}

/** What a process printed. */
interface ProcessOutput {
  /** Its last words. */
  getLastLines(): string;
  /** Resolves when all that was heard is kept, or cannot be. */
  flush(): Promise<void>;
}

/** Keeps what a process prints. */
function captureOutput(
  { stdout, stderr }: ChildProcess,
  printed: SpawnTrialOptions['onOutput'],
): ProcessOutput {
  let last: string[] = [];
  let writing = Promise.resolve();
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      last = [...last, ...bytes.toString('utf8').split('\n')]
        .filter((line) => line.trim() !== '')
        .slice(-MAX_REASON_LINES);
      writing = writing.then(() => printed(new Uint8Array(bytes)).catch(() => {}));
    });
  }
  return { getLastLines: () => last.join('\n'), flush: () => writing };
}

function describeExit(code: number | null, by: NodeJS.Signals | null, said: string): string {
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

const truncateMessage = ({ message }: Error) => message.split('\n').slice(0, 4).join('\n').slice(0, 600);
