import type { About, Contestant, Job, What } from './contestant.js';

/** An engine's figures for one job. */
export interface Result {
  readonly engine: string;
  readonly what: What;
  readonly size: number;
  readonly batch: number;
  /** Milliseconds per image, the smallest of all rounds. */
  readonly ms: number;
  /** The same, the median of all rounds. */
  readonly median: number;
  /** Milliseconds of the very first call, for the whole batch: with whatever an engine does once. */
  readonly first: number;
}

/** Somebody who is ready. */
export interface Entrant {
  readonly contestant: Contestant;
  readonly about: About;
}

export interface RaceOptions {
  readonly size: number;
  readonly jobs: readonly Job[];
  readonly rounds: number;
  /** Told who fails, who then leaves the race; what it throws ends the race. */
  readonly failed: (engine: string, error: Error) => void;
}

const WARM_UPS = 2; // Keras traces its graph in the first, and settles in the second
/** Single images are short: so many in a row, each of which counts. */
const callsOf = ({ batch }: Job) => (batch === 1 ? 10 : 1);

/** Everyone's times. In every round the engines take turns, and another one begins. */
export async function race(
  entrants: readonly Entrant[],
  { size, jobs, rounds, failed }: RaceOptions,
): Promise<Result[]> {
  const running = new Set(entrants);
  const times = new Map<Entrant, Map<Job, number[]>>();
  for (const each of entrants) {
    const does = jobs.filter(({ what }) => each.about.does.includes(what));
    times.set(each, new Map(does.map((job) => [job, []])));
  }
  for (let round = 0; round < WARM_UPS + rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      const now = entrants[(round + turn) % entrants.length]!;
      if (!running.has(now)) continue;
      try {
        for (const [job, own] of times.get(now)!) {
          for (let call = callsOf(job); call > 0; call--) own.push(await now.contestant.time(job));
        }
      } catch (error) {
        running.delete(now);
        failed(now.contestant.engine, error as Error);
      }
    }
  }
  return entrants
    .filter((each) => running.has(each))
    .flatMap((each) =>
      [...times.get(each)!].map(([job, own]): Result => {
        const { what, batch } = job;
        const counted = own.slice(WARM_UPS * callsOf(job)).sort((a, b) => a - b);
        const perImage = (ms: number) => Number((ms / batch).toFixed(3));
        return {
          ...{ engine: each.contestant.engine, what, size, batch },
          ms: perImage(counted[0]!),
          median: perImage(medianOf(counted)),
          first: Number(own[0]!.toFixed(1)),
        };
      }),
    );
}

/** Of numbers in order, at least one. */
export function medianOf(sorted: readonly number[]): number {
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
}
