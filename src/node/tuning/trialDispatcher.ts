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

/** Object that adds trials to a queue, and waits for their results in the store. */
export interface TrialDispatcher {
  /**
   * Adds a trial to the queue, and waits until it has ended. Adds the trial again if the queue loses it. Returns undefined if
   * `signal` stopped the search, or if the timeout expired before a worker took the trial.
   */
  dispatch(trial: TrialRecord, onProgress: (trial: TrialRecord) => void): Promise<TrialRecord | undefined>;
  close(): Promise<void>;
}

/**
 * Creates the dispatcher that adds the trials of one study to a queue. Results are read from the store and not from the queue, so if the
 * server loses a trial, the dispatcher adds it again.
 *
 * @returns Undefined if `signal` is aborted, or the deadline passes, before the server has answered.
 * @throws A `queue` error if the server does not respond. A `missing-package` error if `bullmq` or `ioredis` is not installed.
 */
export async function createTrialDispatcher(
  store: Store,
  records: StudyRecords,
  {
    code,
    settings: moduleSettings,
    deadline,
    ...options
  }: QueueOptions &
    Pick<TrialJob, 'code' | 'settings'> & {
      /** Time after which no more trials may start, in milliseconds since 1970, as returned by `Date.now()`. */
      readonly deadline: number;
    },
  signal: AbortSignal,
): Promise<TrialDispatcher | undefined> {
  const studyHash = await computeStudyHash(store);
  const config = createQueueConfig(options, studyHash);
  const { Queue } = await loadBullmq();
  if (!(await checkQueueServer(config, signal, deadline))) return undefined;
  const queue = new Queue<TrialJob>(config.name, { connection: config.connection });
  let outage: { since: number; message: string } | undefined;
  queue.on('error', (error: Error) => {
    outage ??= { since: Date.now(), message: error.message };
  });
  const pollInterval = Math.min(1000, 250 * (options.workerTimeout ?? 30));

  const getJobId = (number: number) => `${studyHash}-${number}`;
  /** Removes a trial from the queue. Returns false if a worker has already started the trial. */
  const withdraw = async (number: number): Promise<boolean> => {
    const job = await queue.getJob(getJobId(number));
    if (!job) return true;
    return job.remove().then(
      () => true,
      () => false, // Removing fails if a running worker holds the lock of the job.
    );
  };
  const enqueue = async (number: number) => {
    const jobId = getJobId(number);
    const job = await queue.getJob(jobId);
    const state = job && (await job.getState());
    if (job && state !== 'failed' && state !== 'completed' && state !== 'unknown') return;
    await job?.remove();
    await queue.add(
      'trial',
      { number, study: studyHash, code, settings: moduleSettings },
      { jobId, removeOnComplete: true, attempts: 1 },
    );
  };

  return {
    dispatch: async ({ number }, onProgress) => {
      let requestStart: number | undefined;
      let requestError: unknown;
      let isWithdrawn = false;
      let rowCount = -1;
      for (;;) {
        const trial = await records.readTrial(number);
        if (trial && hasEnded(trial)) return trial;
        if (trial && trial.rows.length !== rowCount) {
          rowCount = trial.rows.length;
          onProgress(trial);
        }
        if (signal.aborted || isWithdrawn) return undefined;
        // The request is not awaited: an unreachable server would block the loop.
        if (requestStart === undefined) {
          requestStart = Date.now();
          (Date.now() < deadline ? enqueue(number) : withdraw(number))
            .then(
              (taken) => {
                outage = undefined;
                isWithdrawn = taken === true;
              },
              (error: unknown) => {
                requestError = error;
              },
            )
            .finally(() => {
              requestStart = undefined;
            });
        }
        // A server that never responds also counts as unreachable.
        const since = Math.min(
          outage?.since ?? Number.POSITIVE_INFINITY,
          requestStart ?? Number.POSITIVE_INFINITY,
        );
        if (Date.now() - since > 1000 * getMaxOutageSeconds(options))
          throw createUnreachableError(config.serverLabel, outage?.message ?? 'no response');
        if (requestError)
          throw createUnreachableError(config.serverLabel, (requestError as Error).message, requestError);
        await new Promise((resolve) => setTimeout(resolve, pollInterval));
      }
    },
    close: async () => {
      await withTimeout(CLOSE_TIMEOUT_MS, queue.close());
      queue.disconnect().catch(() => {}); // This is not awaited, because it may also wait for the server.
    },
  };
}
