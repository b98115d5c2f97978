import { createError } from '../core/errors/errors.js';
import type { SpawnedWorker, Spawner } from '../core/platform/platform.js';
import type { AugmentationJob, AugmentationResult } from './worker.js';
import { WORKER_SCRIPT } from './workerScript.js';

/** How many workers a machine with `cores` is given: one core is the engine's, and four workers outrun every engine. */
export const getDefaultWorkerCount = (cores: number) => Math.min(4, Math.max(1, cores - 1));

/** Advice for an invalid number of workers. */
export const WORKER_COUNT_ADVICE = 'For no workers, call dataset.withWorkers(null).';

interface PendingJob {
  readonly resolve: (filled: AugmentationResult) => void;
  readonly reject: (error: Error) => void;
}

/** One worker, and who waits for its answers, in their order. */
interface PoolWorker {
  readonly worker: SpawnedWorker;
  readonly pendingJobs: PendingJob[];
}

/** The buffers of one batch in the making: its bytes, and its pixels. */
export interface BatchBuffers {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pixels: Float32Array<ArrayBuffer>;
}

/**
 * The workers of a run, and the buffers that go to and fro. Workers start when there is work for them, stay for the
 * next epoch, and end with `close`.
 */
export class WorkerPool {
  readonly #workers = new Map<Spawner, PoolWorker[]>();
  readonly #freeBuffers: AugmentationResult[] = [];
  #failure: Error | undefined;

  /** Has a worker do a job; rejects with a `worker` fault once one of them is gone, or all were ended. */
  run(spawner: Spawner, job: AugmentationJob): Promise<AugmentationResult> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      try {
        const { worker, pendingJobs } = this.#selectWorker(spawner);
        pendingJobs.push({ resolve, reject });
        worker.postMessage(job, [job.bytes, job.pixels]);
      } catch (cause) {
        reject(this.#fail(cause));
      }
    });
  }

  /** Buffers for `length` values: some that came back, or new ones. What they hold is left over. */
  acquireBuffers(length: number): BatchBuffers {
    const place = this.#freeBuffers.findIndex(({ bytes }) => bytes.byteLength === length);
    const { bytes, pixels } = this.#freeBuffers.splice(place, place < 0 ? 0 : 1)[0] ?? {
      bytes: new ArrayBuffer(length),
      pixels: new ArrayBuffer(length * 4),
    };
    return { bytes: new Uint8Array(bytes), pixels: new Float32Array(pixels) };
  }

  /** Takes buffers back; whoever still looks at them will see other images. */
  releaseBuffers(buffers: AugmentationResult): void {
    this.#freeBuffers.push(buffers);
  }

  /** Ends every worker, and forgets the buffers. For good: a batch still being read may not start another. */
  close(): void {
    this.#fail('it was ended');
    for (const { worker } of [...this.#workers.values()].flat()) worker.terminate();
    this.#workers.clear();
    this.#freeBuffers.length = 0;
  }

  /** The worker with the least to do: a new one while all are busy and there may be more. */
  #selectWorker(spawner: Spawner): PoolWorker {
    const hands = this.#workers.get(spawner) ?? [];
    this.#workers.set(spawner, hands);
    const idlest = hands.reduce<PoolWorker | undefined>(
      (best, hand) => (best && best.pendingJobs.length <= hand.pendingJobs.length ? best : hand),
      undefined,
    );
    if (idlest && (idlest.pendingJobs.length === 0 || hands.length >= spawner.maxWorkers)) return idlest;
    const pendingJobs: PendingJob[] = [];
    const worker = spawner.spawn(WORKER_SCRIPT, {
      onMessage: (answer) => pendingJobs.shift()?.resolve(answer as AugmentationResult),
      onError: (cause) => void this.#fail(cause),
    });
    const hand: PoolWorker = { worker, pendingJobs };
    hands.push(hand);
    return hand;
  }

  /** The first failure is everybody's: what is missing from a batch cannot be had from another worker. */
  #fail(cause: unknown): Error {
    this.#failure ??= createError({
      kind: 'worker',
      path: 'worker',
      expected: 'a worker that augments images',
      received: `a worker that failed (${cause instanceof Error ? cause.message : String(cause)})`,
      advice: 'Call dataset.withWorkers(null) to augment on the main thread, with the same result.',
      cause,
    });
    for (const { pendingJobs } of [...this.#workers.values()].flat()) {
      for (const { reject } of pendingJobs.splice(0)) reject(this.#failure);
    }
    return this.#failure;
  }
}
