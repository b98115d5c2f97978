import type { EngineInfo, EngineProcess, Job, Operation } from './engineProcess.js';
import { computeMedian } from './statistics.js';

/** Times of one engine for one job. */
export interface Timing {
  readonly engine: string;
  readonly what: Operation;
  readonly size: number;
  readonly batch: number;
  /** Minimum of all rounds, in milliseconds per image. */
  readonly ms: number;
  /** Median of all rounds, in milliseconds per image. */
  readonly median: number;
  /** Time of the first call in the process for the whole batch, in milliseconds. Includes compilation. */
  readonly first: number;
}

/** Engine that has been started. */
export interface RunningEngine {
  readonly process: EngineProcess;
  readonly info: EngineInfo;
}

export interface TimeEnginesOptions {
  readonly size: number;
  readonly jobs: readonly Job[];
  /** Number of rounds after the warm-up. */
  readonly rounds: number;
  /** Callback for an engine that fails. The engine is then skipped. If the callback throws, the measurement ends with that error. */
  readonly onFailure: (engine: string, error: Error) => void;
}

/** Number of rounds at the start that are not counted. Keras traces its graph in the first round, and is still slower in the second. */
const WARM_UPS = 2;
/** Returns the number of calls per round. A prediction for a single image is short, so it is repeated. */
const countCalls = ({ batch }: Job) => (batch === 1 ? 10 : 1);

/** Measures the jobs of all engines. The engines take turns, and every round starts with a different engine. */
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
