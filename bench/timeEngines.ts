import type { EngineInfo, EngineProcess, Job, Operation } from './engineProcess.js';
import { computeMedian } from './statistics.js';

/** The times of one engine in one job. */
export interface Timing {
  readonly engine: string;
  readonly what: Operation;
  readonly size: number;
  readonly batch: number;
  /** Milliseconds per image: the minimum of all rounds. */
  readonly ms: number;
  /** Milliseconds per image: the median of all rounds. */
  readonly median: number;
  /** Milliseconds of the first call of the process for the whole batch. Includes compilation. */
  readonly first: number;
}

/** An engine that has started. */
export interface RunningEngine {
  readonly process: EngineProcess;
  readonly info: EngineInfo;
}

export interface TimeEnginesOptions {
  readonly size: number;
  readonly jobs: readonly Job[];
  /** Rounds after the warm-up. */
  readonly rounds: number;
  /** Called when an engine fails, which is then skipped. If the function throws, the measurement ends with that error. */
  readonly onFailure: (engine: string, error: Error) => void;
}

/** Rounds that are not counted. Keras traces its graph in the first, and is still slower in the second. */
const WARM_UPS = 2;
/** A prediction for a single image is short, so each round makes several. */
const countCalls = ({ batch }: Job) => (batch === 1 ? 10 : 1);

/** Times the jobs of all engines. The engines take turns, and every round starts with another engine. */
export async function timeEngines(
  engines: readonly RunningEngine[],
  { size, jobs, rounds, onFailure }: TimeEnginesOptions,
): Promise<Timing[]> {
  const running = new Set(engines);
  const times = new Map<RunningEngine, Map<Job, number[]>>();
  for (const engine of engines) {
    const engineJobs = jobs.filter(({ what }) => engine.info.operations.includes(what));
    times.set(engine, new Map(engineJobs.map((job) => [job, []])));
  }
  for (let round = 0; round < WARM_UPS + rounds; round++) {
    for (let turn = 0; turn < engines.length; turn++) {
      const engine = engines[(round + turn) % engines.length]!;
      if (!running.has(engine)) continue;
      try {
        for (const [job, jobTimes] of times.get(engine)!) {
          for (let call = countCalls(job); call > 0; call--) jobTimes.push(await engine.process.time(job));
        }
      } catch (error) {
        running.delete(engine);
        onFailure(engine.process.engine, error as Error);
      }
    }
  }
  return engines
    .filter((engine) => running.has(engine))
    .flatMap((engine) =>
      [...times.get(engine)!].map(([job, jobTimes]): Timing => {
        const { what, batch } = job;
        const counted = jobTimes.slice(WARM_UPS * countCalls(job));
        const perImage = (ms: number) => Number((ms / batch).toFixed(3));
        return {
          ...{ engine: engine.process.engine, what, size, batch },
          ms: perImage(Math.min(...counted)),
          median: perImage(computeMedian(counted)),
          first: Number(jobTimes[0]!.toFixed(1)),
        };
      }),
    );
}
