import type { Store } from '../../core/platform/platform.js';
import { hasEnded, type TrialRecord } from '../../tuner/results/trialRecord.js';
import type { StudyRecords } from '../../tuner/studyRecords.js';
import { withTimeout } from '../platform/withTimeout.js';
import {
  CLOSE_TIMEOUT_MS,
  checkQueueServer,
  computeStudyHash,
  createQueueConfig,
  createUnreachableError,
  getMaxOutageSeconds,
  loadBullmq,
  type QueueOptions,
  type TrialJob,
} from './trialQueue.js';

/** Hands trials out, and waits for what stands in the store. */
export interface TrialDispatcher {
  /**
   * The trial at its end, however often it was handed out; undefined when `signal` stopped the search, or the time was over before a
   * worker took it.
   */
  dispatch(trial: TrialRecord, noted: (trial: TrialRecord) => void): Promise<TrialRecord | undefined>;
  close(): Promise<void>;
}

/** The delivery of one study. The store is the truth: a server that lost its jobs is given them again. */
export async function createTrialDispatcher(
  store: Store,
  records: StudyRecords,
  {
    code,
    settings: given,
    deadline,
    ...options
  }: QueueOptions &
    Pick<TrialJob, 'code' | 'settings'> & {
      /** When no further trial may begin, as `Date.now()` counts. */
      readonly deadline: number;
    },
  signal: AbortSignal,
): Promise<TrialDispatcher> {
  const study = await computeStudyHash(store);
  const settings = createQueueConfig(options, study);
  const { Queue } = await loadBullmq();
  await checkQueueServer(settings);
  const queue = new Queue<TrialJob>(settings.name, { connection: settings.connection });
  let silent: { since: number; message: string } | undefined;
  queue.on('error', (error: Error) => {
    silent ??= { since: Date.now(), message: error.message };
  });
  const every = Math.min(1000, 250 * (options.workerTimeout ?? 30));

  const idOf = (number: number) => `${study}-${number}`;
  /** Takes back what no worker has begun; false where one has. */
  const takeBack = async (number: number): Promise<boolean> => {
    const job = await queue.getJob(idOf(number));
    if (!job) return true;
    return job.remove().then(
      () => true,
      () => false, // a worker holds its lock, and lives
    );
  };
  const hand = async (number: number) => {
    const jobId = idOf(number);
    const job = await queue.getJob(jobId);
    const state = job && (await job.getState());
    if (job && state !== 'failed' && state !== 'completed' && state !== 'unknown') return;
    await job?.remove();
    await queue.add(
      'trial',
      { number, study, code, settings: given },
      { jobId, removeOnComplete: true, attempts: 1 },
    );
  };

  return {
    dispatch: async ({ number }, noted) => {
      let asking: number | undefined;
      let broken: unknown;
      let back = false;
      let rows = -1;
      for (;;) {
        const trial = await records.readTrial(number);
        if (trial && hasEnded(trial)) return trial;
        if (trial && trial.rows.length !== rows) {
          rows = trial.rows.length;
          noted(trial);
        }
        if (signal.aborted || back) return undefined;
        // A server that is away answers when it is back: nothing waits for it here.
        if (asking === undefined) {
          asking = Date.now();
          (Date.now() < deadline ? hand(number) : takeBack(number))
            .then(
              (taken) => {
                silent = undefined;
                back = taken === true;
              },
              (error: unknown) => {
                broken = error;
              },
            )
            .finally(() => {
              asking = undefined;
            });
        }
        // One that answers nothing, not even no, is away too.
        const since = Math.min(silent?.since ?? Number.POSITIVE_INFINITY, asking ?? Number.POSITIVE_INFINITY);
        if (Date.now() - since > 1000 * getMaxOutageSeconds(options))
          throw createUnreachableError(settings.serverLabel, silent?.message ?? 'no answer');
        if (broken) throw createUnreachableError(settings.serverLabel, (broken as Error).message, broken);
        await new Promise((resolve) => setTimeout(resolve, every));
      }
    },
    close: async () => {
      await withTimeout(CLOSE_TIMEOUT_MS, queue.close());
      queue.disconnect().catch(() => {}); // it may wait for the server too
    },
  };
}
