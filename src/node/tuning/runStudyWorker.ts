import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { hasEnded } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';
import { withTimeout } from '../platform/withTimeout.js';
import { computeCodeHash } from './codeHash.js';
import { openStudy } from './openStudy.js';
import type { SettingsOf, StudyModule } from './studyModule.js';
import { executeTrial } from './trial/executeTrial.js';
import { type StudySettings, toModuleUrl } from './trial/loadStudy.js';
import { STOP_GRACE_MS } from './trial/spawnTrial.js';
import {
  checkQueueServer,
  computeStudyHash,
  createQueueConfig,
  loadBullmq,
  type QueueOptions,
  type TrialJob,
} from './trialQueue.js';
import { resolveTrialResources } from './trialResources.js';

/**
 * Options of {@link runStudyWorker}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunStudyWorkerOptions<M extends StudyModule = StudyModule<Study>> {
  /** Where the study is kept: the folder that all machines share, or a store that leads to the same place. */
  readonly folder: string | Store;
  /** Where trials are handed out. */
  readonly queue: QueueOptions;
  /** Settings of this machine, where its data lies say, over those that the search was begun with. Default none. */
  readonly settings?: Partial<SettingsOf<M>>;
  /** Trials at a time. Default 1. */
  readonly parallel?: number;
  /** Threads of one trial. Default: the machine's, shared equally. */
  readonly threads?: number;
  /** Seconds after which a trial is taken to hang. Default: never. */
  readonly trialTimeout?: number;
  /** Ends the worker: its trials stop after their step, and go on elsewhere. */
  readonly signal?: AbortSignal;
  /** Told what it does, in sentences. */
  readonly log?: (line: string) => void;
}

const OPTION_NAMES = ['folder', 'queue', 'settings', 'parallel', 'threads', 'trialTimeout', 'signal', 'log'];

/**
 * Carries out trials that `runStudy` of another process hands out, until `signal` ends it. Each runs in a process of its own, while this
 * one keeps its place in the queue; what a trial comes to is written once, whoever else tried it too.
 *
 * @typeParam M - Type of the module, as for `runStudy`.
 * @param module - The study's module on this machine.
 * @throws `checkpoint` fault where the study in `folder` is another than the module's, began with another version of the library or with
 *   other data, or where the search has another version of the module or of what that
 *   imports by relative path; `queue` fault where the server does not answer; `missing-package` fault without `bullmq` and `ioredis`.
 * @example
 * ```typescript
 * import { studyWorker } from 'tfjs-multitask/node';
 *
 * await studyWorker('examples/study/search.ts', { folder: '/mnt/study', queue: { url: 'redis://10.0.0.5:6379' } });
 * ```
 * @category Tuner
 */
export function runStudyWorker<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: RunStudyWorkerOptions<M>,
): Promise<void>;
export async function runStudyWorker(module: string | URL, options: RunStudyWorkerOptions): Promise<void> {
  checks.optionNames('runStudyWorker', options, OPTION_NAMES);
  const { queue, log = () => {} } = options;
  const { store, parallel, threads, trialTimeout, signal } = resolveTrialResources('runStudyWorker', options);
  const moduleUrl = toModuleUrl(module);
  const { study, records } = await openStudy(module, store, options.settings);
  const [mark, code] = [await computeStudyHash(store), await computeCodeHash(moduleUrl)];
  const own = createQueueConfig(queue, mark);
  const { Worker } = await loadBullmq();
  await checkQueueServer(own);
  const ending = new AbortController();
  const over = AbortSignal.any([signal, ending.signal]);
  let broken: unknown;
  let foreign: Error | undefined;
  const worker = new Worker<TrialJob>(
    own.name,
    async ({ data }) => {
      if (data.study !== mark) {
        // Its own workers may take it; the search hands it out again.
        if (foreign === undefined) {
          foreign = createError({
            kind: 'checkpoint',
            path: `queue ${own.name}`,
            expected: `trials of the study in ${store.label}`,
            received: 'a trial of another study',
            advice: 'Give each study its own queue name.',
          });
          log(foreign.message);
        }
        throw foreign;
      }
      if (data.code !== code) {
        broken ??= createError({
          kind: 'checkpoint',
          path: moduleUrl,
          expected: 'the same code as the search, in this module and its relative imports',
          received: 'another version of the code',
          advice: 'Copy the code of the search to this machine, and start the worker again.',
        });
        ending.abort();
        throw broken;
      }
      const trial = await records.readTrial(data.number);
      if (!trial || hasEnded(trial)) return; // somebody was faster
      log(`trial ${trial.number} begins`);
      const settings = { ...data.settings, ...options.settings } as StudySettings;
      const place = { study, records, store, moduleUrl, settings, threads, trialTimeout, signal: over };
      const ended = await executeTrial(place, trial).catch((error: unknown) => {
        broken ??= error; // a full disk here is no reason to try the next trial here
        ending.abort();
        throw error;
      });
      if (!ended) throw new Error('stopped'); // it is handed out again
      log(
        `trial ${trial.number} ${ended.state}${ended.reason === undefined ? '' : `: ${ended.reason.split('\n')[0]}`}`,
      );
    },
    {
      connection: own.connection,
      concurrency: parallel,
      lockDuration: own.lockDuration,
      stalledInterval: own.stalledInterval,
      maxStalledCount: 1_000_000, // a machine may go as often as it likes
    },
  );
  worker.on('error', (error) => log(error.message));
  log(`waiting for trials of ${store.label} at ${own.serverLabel}`);
  await new Promise<void>((resolve) => {
    if (over.aborted) resolve();
    else over.addEventListener('abort', () => resolve(), { once: true });
  });
  // A server that is away cannot be told.
  await withTimeout(STOP_GRACE_MS + 5000, worker.close());
  worker.close(true).catch(() => {});
  if (broken !== undefined) throw broken;
}
