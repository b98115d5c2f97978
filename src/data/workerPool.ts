import { createError } from '../core/errors/errors.js';
import type { SpawnedWorker, Spawner } from '../core/platform/platform.js';
import type { AugmentationJob, AugmentationResult } from './worker.js';
import { WORKER_SCRIPT } from './workerScript.js';

/**
 * Returns the default number of workers. One core is reserved for the engine, and the maximum is four, because four workers prepare images
 * faster than any engine consumes them.
 */
export const getDefaultWorkerCount = (cores: number) => Math.min(4, Math.max(1, cores - 1));

/** Advice for an invalid number of workers. */
export const WORKER_COUNT_ADVICE = 'To use no workers, call dataset.withWorkers(null).';

interface PendingJob {
  readonly resolve: (filled: AugmentationResult) => void;
  readonly reject: (error: Error) => void;
}

/** Worker of the pool and its pending jobs, in the order in which they were sent. */
interface PoolWorker {
  readonly worker: SpawnedWorker;
  readonly pendingJobs: PendingJob[];
}

/** Buffers of one batch: the image bytes that the worker reads, and the pixels that it writes. */
export interface BatchBuffers {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pixels: Float32Array<ArrayBuffer>;
}

/**
 * Worker threads of a training run, and the buffers that are transferred between them and the main thread. Workers start when a job needs
 * them, keep running for later epochs, and stop when `close` is called.
 */
export class WorkerPool {
  readonly #workers = new Map<Spawner, PoolWorker[]>();
  readonly #freeBuffers: AugmentationResult[] = [];
  #failure: Error | undefined;

  /** Runs a job in a worker. Rejects with a `worker` error if any worker has failed or the pool is closed. */
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

  /** Returns buffers for `length` pixel values. Existing buffers are reused if possible, so their contents are undefined. */
  acquireBuffers(length: number): BatchBuffers {
    const index = this.#freeBuffers.findIndex(({ bytes }) => bytes.byteLength === length);
    const { bytes, pixels } = this.#freeBuffers.splice(index, index < 0 ? 0 : 1)[0] ?? {
      bytes: new ArrayBuffer(length),
      pixels: new ArrayBuffer(length * 4),
    };
    return { bytes: new Uint8Array(bytes), pixels: new Float32Array(pixels) };
  }

  /** Returns buffers to the pool, which reuses them for later batches. */
  releaseBuffers(buffers: AugmentationResult): void {
    this.#freeBuffers.push(buffers);
  }

  /**
   * Terminates all workers and frees the buffers. The pool rejects jobs afterwards, so that a batch whose images are still being read does
   * not start a worker.
   */
  close(): void {
    this.#fail('the worker pool was closed');
    for (const { worker } of [...this.#workers.values()].flat()) worker.terminate();
    this.#workers.clear();
    this.#freeBuffers.length = 0;
  }

  /** Returns an idle worker, or a new worker if the spawner's limit is not reached, otherwise the worker with the fewest pending jobs. */
  #selectWorker(spawner: Spawner): PoolWorker {
    const workers = this.#workers.get(spawner) ?? [];
    this.#workers.set(spawner, workers);
    const leastBusy = workers.reduce<PoolWorker | undefined>(
      (best, other) => (best && best.pendingJobs.length <= other.pendingJobs.length ? best : other),
      undefined,
    );
    if (leastBusy && (leastBusy.pendingJobs.length === 0 || workers.length >= spawner.maxWorkers))
      return leastBusy;
    const pendingJobs: PendingJob[] = [];
    const worker = spawner.spawn(WORKER_SCRIPT, {
      onMessage: (answer) => pendingJobs.shift()?.resolve(answer as AugmentationResult),
      onError: (cause) => void this.#fail(cause),
    });
    const poolWorker: PoolWorker = { worker, pendingJobs };
    workers.push(poolWorker);
    return poolWorker;
  }

  /** Rejects all pending jobs after a worker has failed, because the images that were sent to this worker cannot be recovered. */
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
