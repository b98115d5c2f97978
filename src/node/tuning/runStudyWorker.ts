import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import { escapeText } from '../../core/errors/escapeText.js';
import type { Store } from '../../core/platform/platform.js';
import { hasEnded } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';
import { withTimeout } from '../platform/withTimeout.js';
import { computeCodeHash } from './codeHash.js';
import { openStudy } from './openStudy.js';
import type { SettingsOf, StudyModule } from './studyModule.js';
import { executeTrial } from './trial/executeTrial.js';
import type { StudySettings } from './trial/loadStudy.js';
import { STOP_GRACE_MS } from './trial/spawnTrial.js';
import { resolveTrialResources } from './trial/trialResources.js';
import {
  CLOSE_TIMEOUT_MS,
  checkQueueServer,
  computeStudyHash,
  createQueueConfig,
  loadBullmq,
  type QueueOptions,
  type TrialJob,
} from './trialQueue.js';

/**
 * Options for {@link runStudyWorker}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunStudyWorkerOptions<M extends StudyModule = StudyModule<Study>> {
  /** Folder of the study that all machines share, or a store with the same contents. */
  readonly folder: string | Store;
  /** Queue to which the search adds trials. */
  readonly queue: QueueOptions;
  /**
   * Settings that override those of the search on this machine, for example the path of the data folder. Default: the settings
   * of the search.
   */
  readonly settings?: Partial<SettingsOf<M>>;
  /** Number of trials that this worker runs at a time. Default: 1. */
  readonly parallel?: number;
  /** Number of threads that one trial may use. Default: the number of threads of the machine, divided by `parallel`. */
  readonly threads?: number;
  /** Time limit of each trial in seconds. A trial that exceeds this limit fails. Default: no limit. */
  readonly trialTimeout?: number;
  /** Signal that stops the worker after the current training steps. Other workers resume its trials. */
  readonly signal?: AbortSignal;
  /** Callback that receives log lines. */
  readonly log?: (line: string) => void;
}

const OPTION_NAMES: checks.OptionNames<RunStudyWorkerOptions> = {
  folder: true,
  queue: true,
  settings: true,
  parallel: true,
  threads: true,
  trialTimeout: true,
  signal: true,
  log: true,
};

/**
 * Runs trials of a search that `runStudy` started in another process, until `signal` is aborted. Each trial runs in its own
 * process, and this process keeps the connection to the queue. The result of a trial is written only once, even if several
 * workers ran the trial.
 *
 * @typeParam M - Type of the study's module, `typeof import('./my-study.js')`.
 * @param module - Path or URL of the study's module on this machine.
 * @throws A `checkpoint` error if the study in `folder` differs from the study of the module, for example in its library version
 *   or `digest`, or if the search uses different code in the module or its relative imports. A `queue` error if the server does
 *   not respond. A `missing-package` error if `bullmq` or `ioredis` is not installed.
 * @example
 * ```typescript
 * import { runStudyWorker } from 'tfjs-multitask/node';
 *
 * await runStudyWorker('examples/study/search.ts', { folder: '/mnt/study', queue: { url: 'redis://10.0.0.5:6379' } });
 * ```
 * @category Tuner
 */
export function runStudyWorker<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: RunStudyWorkerOptions<M>,
): Promise<void>;
export async function runStudyWorker(module: string | URL, options: RunStudyWorkerOptions): Promise<void> {
  checks.options('runStudyWorker', options, OPTION_NAMES, {
    advice:
      "Write runStudyWorker('search.ts', { folder: 'out/study', queue: { url: 'redis://10.0.0.5:6379' } }).",
  });
  const { queue, log: logLine = () => {} } = options;
  checks.callable('runStudyWorker.log', logLine, { advice: 'Write log: console.log.' });
  const log = (line: string) => logLine(escapeText(line));
  const resources = resolveTrialResources('runStudyWorker', options);
  const { store, parallel } = resources;
  const { study, records, moduleUrl } = await openStudy(module, store, options.settings);
  const [studyHash, code] = [await computeStudyHash(store), await computeCodeHash(moduleUrl)];
  const config = createQueueConfig(queue, studyHash);
  const { Worker } = await loadBullmq();
  if (!(await checkQueueServer(config, resources.signal))) return;
  const failureController = new AbortController();
  const stopSignal = AbortSignal.any([resources.signal, failureController.signal]);
  let workerError: unknown;
  let otherStudyError: Error | undefined;
  const executions = new Set<Promise<unknown>>();
  const worker = new Worker<TrialJob>(
    config.name,
    async ({ data }) => {
      if (data.study !== studyHash) {
        // The search adds the trial to the queue again, so that a worker of the right study can take it.
        if (otherStudyError === undefined) {
          otherStudyError = createError({
            kind: 'checkpoint',
            path: `queue ${config.name}`,
            expected: `trials of the study in ${store.label}`,
            received: 'a trial of a different study',
            advice: 'Use a different queue name for each study.',
          });
          log(otherStudyError.message);
        }
        throw otherStudyError;
      }
      if (data.code !== code) {
        workerError ??= createError({
          kind: 'checkpoint',
          path: moduleUrl,
          expected: 'the same code as the search in this module and its relative imports',
          received: 'a different version of the code',
          advice: 'Copy the code of the search to this machine, and start the worker again.',
        });
        failureController.abort();
        throw workerError;
      }
      const trial = await records.readTrial(data.number);
      if (!trial || hasEnded(trial)) return; // Another worker has already run the trial.
      log(`trial ${trial.number} begins`);
      const settings = { ...data.settings, ...options.settings } as StudySettings;
      const environment = { ...resources, study, records, moduleUrl, settings, signal: stopSignal };
      const execution = executeTrial(environment, trial);
      executions.add(execution);
      const ended = await execution
        .catch((error: unknown) => {
          workerError ??= error; // An error on this machine, such as a full disk, would also break the next trial.
          failureController.abort();
          throw error;
        })
        .finally(() => executions.delete(execution));
      if (!ended) throw new Error('stopped'); // The search adds the trial to the queue again.
      log(
        `trial ${trial.number} ${ended.state}${ended.reason === undefined ? '' : `: ${ended.reason.split('\n')[0]}`}`,
      );
    },
    {
      connection: config.connection,
      concurrency: parallel,
      lockDuration: config.lockDuration,
      stalledInterval: config.stalledInterval,
      maxStalledCount: 1_000_000, // The worker of a trial may be lost any number of times.
    },
  );
  worker.on('error', (error) => log(error.message));
  log(`waiting for trials of ${store.label} at ${config.serverLabel}`);
  await new Promise<void>((resolve) => {
    if (stopSignal.aborted) resolve();
    else stopSignal.addEventListener('abort', () => resolve(), { once: true });
  });
  const closed = worker.close();
  await withTimeout(STOP_GRACE_MS + 5000, Promise.allSettled(executions));
  // An unreachable server does not acknowledge that the worker is closed, so the wait is limited.
  await withTimeout(CLOSE_TIMEOUT_MS, closed);
  worker.close(true).catch(() => {});
  if (workerError !== undefined) throw workerError;
}
