import { fault } from '../core/errors.js';
import type { SpawnedWorker, Spawner } from '../core/outside.js';
import type { Filled, Job } from './worker.js';
import { WORKER_SCRIPT } from './workerScript.js';

/** How many workers a machine with `cores` is given: one core is the engine's, and four workers outrun every engine. */
export const crewSize = (cores: number) => Math.min(4, Math.max(1, cores - 1));

/** Throws an `argument` fault unless `count` workers can be had. */
export function checkCount(caller: string, count: number): number {
  if (Number.isInteger(count) && count > 0) return count;
  throw fault({
    kind: 'argument',
    path: `${caller}.count`,
    expected: 'a whole number above zero',
    received: String(count),
    advice: 'For none at all give dataset.withWorkers(null).',
  });
}

interface Waiting {
  readonly resolve: (filled: Filled) => void;
  readonly reject: (error: Error) => void;
}

/** One worker, and who waits for its answers, in their order. */
interface Hand {
  readonly worker: SpawnedWorker;
  readonly waiting: Waiting[];
}

/** The buffers of one batch in the making: its bytes, and its pixels. */
export interface Buffers {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pixels: Float32Array<ArrayBuffer>;
}

/**
 * The workers of a run, and the buffers that go to and fro. Workers start when there is work for them, stay for the
 * next epoch, and end with `close`.
 */
export class Crew {
  readonly #hands = new Map<Spawner, Hand[]>();
  readonly #spare: Filled[] = [];
  #failure: Error | undefined;

  /** Has a worker do a job; rejects with a `worker` fault once one of them is gone, or all were ended. */
  do(spawner: Spawner, job: Job): Promise<Filled> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      try {
        const { worker, waiting } = this.#hand(spawner);
        waiting.push({ resolve, reject });
        worker.post(job, [job.bytes, job.pixels]);
      } catch (cause) {
        reject(this.#fail(cause));
      }
    });
  }

  /** Buffers for `length` values: some that came back, or new ones. What they hold is left over. */
  take(length: number): Buffers {
    const place = this.#spare.findIndex(({ bytes }) => bytes.byteLength === length);
    const { bytes, pixels } = this.#spare.splice(place, place < 0 ? 0 : 1)[0] ?? {
      bytes: new ArrayBuffer(length),
      pixels: new ArrayBuffer(length * 4),
    };
    return { bytes: new Uint8Array(bytes), pixels: new Float32Array(pixels) };
  }

  /** Takes buffers back; whoever still looks at them will see other images. */
  giveBack(buffers: Filled): void {
    this.#spare.push(buffers);
  }

  /** Ends every worker, and forgets the buffers. For good: a batch still being read may not start another. */
  close(): void {
    this.#fail('it was ended');
    for (const { worker } of [...this.#hands.values()].flat()) worker.end();
    this.#hands.clear();
    this.#spare.length = 0;
  }

  /** The worker with the least to do: a new one while all are busy and there may be more. */
  #hand(spawner: Spawner): Hand {
    const hands = this.#hands.get(spawner) ?? [];
    this.#hands.set(spawner, hands);
    const idlest = hands.reduce<Hand | undefined>(
      (best, hand) => (best && best.waiting.length <= hand.waiting.length ? best : hand),
      undefined,
    );
    if (idlest && (idlest.waiting.length === 0 || hands.length >= spawner.count)) return idlest;
    const waiting: Waiting[] = [];
    const worker = spawner.spawn(WORKER_SCRIPT, {
      answered: (answer) => waiting.shift()?.resolve(answer as Filled),
      failed: (cause) => void this.#fail(cause),
    });
    const hand: Hand = { worker, waiting };
    hands.push(hand);
    return hand;
  }

  /** The first failure is everybody's: what is missing from a batch cannot be had from another worker. */
  #fail(cause: unknown): Error {
    this.#failure ??= fault({
      kind: 'worker',
      path: 'worker',
      expected: 'a worker that changes images',
      received: `one that failed (${cause instanceof Error ? cause.message : String(cause)})`,
      advice: 'Give dataset.withWorkers(null) to change them on the main thread, with the same result.',
      cause,
    });
    for (const { waiting } of [...this.#hands.values()].flat()) {
      for (const { reject } of waiting.splice(0)) reject(this.#failure);
    }
    return this.#failure;
  }
}
