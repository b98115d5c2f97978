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

/** Options for {@link spawnTrial}. */
export interface SpawnTrialOptions {
  readonly spec: TrialSpec;
  /** Store that the trial may read and write. */
  readonly store: Store;
  /** Saves output that the process has printed. */
  onOutput(bytes: Uint8Array): Promise<void>;
  /** Time limit of the trial in seconds. If the trial exceeds this limit, it fails. Undefined means no limit. */
  readonly trialTimeout: number | undefined;
  /**
   * Signal that stops the trial after the current training step. If the trial has not stopped after {@link STOP_GRACE_MS}, its process
   * is killed.
   */
  readonly signal: AbortSignal;
  /** Saves the history row of an epoch. Returns the pruner's reason if the trial must stop now, or undefined if it may continue. */
  onEpoch(row: Extract<ParentRequest, { row: unknown }>['row']): Promise<string | undefined>;
  /** Records the pruner's reason if the trial was already stopped by the pruner in an earlier process. */
  onPruned(reason: string): void;
}

/** Result of a trial's process. `failure` is the reason why the trial failed. The field is absent if the trial ended without an error. */
export type TrialExit = { readonly failure?: string };

/** Time in milliseconds to wait for the remaining output after a process has exited. */
const OUTPUT_DRAIN_MS = 1000;

/** Longest delay in seconds that `setTimeout` supports: about 25 days. */
const MAX_TIMER_SECONDS = 2_147_483;

/**
 * Time in milliseconds that a stopped trial has to finish its current step before its process is killed. A killed trial loses the
 * progress since its last checkpoint.
 */
export const STOP_GRACE_MS = 60_000;

/**
 * Node error codes for an invalid file name, which is a mistake in the trial's code. All other file errors mean that the store cannot be
 * written.
 */
const BAD_NAME_CODES = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EINVAL'];

/** Number of output lines, counted from the end, that are included in the reason for a failure. */
const MAX_REASON_LINES = 8;

/**
 * Runs one trial in its own process, and waits until the process exits. If the trial fails, returns the failure and does not
 * throw.
 *
 * @throws A `file` error if the store cannot be written.
 */
export function spawnTrial(options: SpawnTrialOptions): Promise<TrialExit> {
  const { spec, store, onOutput, trialTimeout, signal, onEpoch, onPruned } = options;
  const child = fork(getTrialEntryPath(), {
    execArgv: process.execArgv, // The flags may contain the loader for a study in TypeScript.
    serialization: 'advanced', // This mode transfers bytes without converting them to JSON.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = captureOutput(child, onOutput);
  const sendToChild = (message: MessageToTrial) => {
    if (child.connected) child.send(message, () => {}); // Errors are ignored: the process may have ended meanwhile.
  };
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    sendToChild({ stop: true });
    graceTimer ??= setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  };
  return new Promise<TrialExit>((resolve, reject) => {
    let exit: TrialExit | undefined;
    let storeError: unknown;
    let pending: Promise<unknown> = Promise.resolve();
    const timer =
      trialTimeout === undefined || trialTimeout > MAX_TIMER_SECONDS
        ? undefined
        : setTimeout(() => {
            // If the trial has already reported its end, that result is kept.
            exit ??= { failure: `it took longer than ${trialTimeout} s` };
            child.kill('SIGKILL');
          }, trialTimeout * 1000);
    const cleanUp = () => {
      clearTimeout(timer);
      clearTimeout(graceTimer);
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
        const replied = answer.then(
          (value) => sendToChild({ id, answer: value }),
          (error: unknown) => {
            sendToChild({ id, failed: serializeError(error) });
            if (!isMultitaskError(error) || error.kind !== 'file') return;
            const { code = error.received } = Object(error.cause) as Partial<NodeJS.ErrnoException>;
            if ('store' in asked && BAD_NAME_CODES.includes(code)) return;
            storeError = error;
            child.kill('SIGKILL');
          },
        );
        pending = Promise.all([pending, replied]);
        return;
      }
      exit ??= 'failed' in message ? { failure: truncateMessage(deserializeError(message.failed)) } : {};
      child.kill('SIGKILL'); // The threads of an engine would keep the process alive. All results are already written.
    });
    child.once('error', (error) => {
      exit ??= { failure: error.message };
    });
    const ended = async (code: number | null, signalName: NodeJS.Signals | null) => {
      cleanUp();
      await pending; // The last reports and the last output must be written before the trial counts as ended.
      await output.flush();
      if (storeError !== undefined) reject(storeError);
      else resolve(exit ?? { failure: describeExit(code, signalName, output.getLastLines()) });
    };
    child.once('close', ended);
    // A child process of the trial may keep the output open forever.
    child.once('exit', (code, signalName) =>
      setTimeout(() => void ended(code, signalName), OUTPUT_DRAIN_MS).unref(),
    );
    signal.addEventListener('abort', stop);
    sendToChild({ task: spec });
    if (signal.aborted) stop();
  });
}

/** Returns the path of the entry script of a trial's process. The path differs between the source code and the built package. */
function getTrialEntryPath(): string {
  const isSource = import.meta.url.endsWith('.ts');
  return fileURLToPath(new URL(isSource ? './trialProcess.ts' : './trial.js', import.meta.url));
}

/** Captured output of a process. */
interface ProcessOutput {
  /** Returns the last lines of the output. */
  getLastLines(): string;
  /** Waits until all received output has been saved, or saving has failed. */
  flush(): Promise<void>;
}

/** Saves the output of a process while the process runs, and keeps the last lines for error messages. */
function captureOutput(
  { stdout, stderr }: ChildProcess,
  onOutput: SpawnTrialOptions['onOutput'],
): ProcessOutput {
  let lastLines: string[] = [];
  let writing = Promise.resolve();
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      lastLines = [...lastLines, ...bytes.toString('utf8').split('\n')]
        .filter((line) => line.trim() !== '')
        .slice(-MAX_REASON_LINES);
      writing = writing.then(() => onOutput(new Uint8Array(bytes)).catch(() => {}));
    });
  }
  return { getLastLines: () => lastLines.join('\n'), flush: () => writing };
}

function describeExit(code: number | null, signalName: NodeJS.Signals | null, lastLines: string): string {
  const description =
    /heap out of memory/.test(lastLines) || signalName === 'SIGABRT'
      ? 'it ran out of memory'
      : signalName === 'SIGKILL'
        ? 'it was killed, probably because the system ran out of memory'
        : signalName !== null
          ? `it was ended by ${signalName}`
          : `it ended with code ${code}`;
  return lastLines ? `${description}: ${lastLines.slice(-600)}` : description;
}

const truncateMessage = ({ message }: Error) => message.split('\n').slice(0, 4).join('\n').slice(0, 600);
