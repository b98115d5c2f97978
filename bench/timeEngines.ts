import type { EngineInfo, EngineProcess, Job, Operation } from './engineProcess.js';
import type { NetworkChoice } from './networks.js';
import { computeMedian } from './statistics.js';

/** Times of one engine for one job. */
export interface Timing extends NetworkChoice {
  readonly engine: string;
  readonly what: Operation;
  readonly size: number;
  readonly batch: number;
  /** Number of images of one call, if it is an epoch. */
  readonly images?: number;
  /** Minimum of all rounds, in milliseconds per image. */
  readonly ms: number;
  /** Median of all rounds, in milliseconds per image. */
  readonly median: number;
  /** Time of the first call in the process for the whole batch, in milliseconds. Includes compilation. */
  readonly first: number;
  /** The same time in seconds. For `train`, it is the time of the first step. */
  readonly firstSeconds: number;
  /**
   * Maximum resident set of the process at the end of the job, in bytes. Includes the first call and the jobs before this one. Undefined on
   * systems other than Linux.
   */
  readonly peakMemory?: number;
  /** Number of all parameters of the network, including moving statistics. */
  readonly parameters?: number;
  readonly trainableParameters?: number;
}

/** Engine that has been started. */
export interface RunningEngine {
  readonly process: EngineProcess;
  readonly info: EngineInfo;
}

export interface TimeEnginesOptions extends NetworkChoice {
  readonly size: number;
  /** Number of images of an epoch. Default: one batch, for jobs that are not epochs. */
  readonly images?: number;
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

/**
 * Measures the jobs of all engines, one job after the other. The engines take turns, and every round starts with a different engine.
 *
 * The jobs are not mixed, so that the peak memory of the first job is not that of a later one.
 */
export async function timeEngines(
  engines: readonly RunningEngine[],
  { jobs, rounds, onFailure, ...setup }: TimeEnginesOptions,
): Promise<Timing[]> {
  const running = new Set(engines);
  const timings = new Map<RunningEngine, Timing[]>(engines.map((engine) => [engine, []]));
  for (const job of jobs) {
    const able = engines.filter((engine) => running.has(engine) && engine.info.operations.includes(job.what));
    const times = new Map<RunningEngine, number[]>(able.map((engine) => [engine, []]));
    for (let round = 0; round < WARM_UPS + rounds; round++) {
      for (let turn = 0; turn < able.length; turn++) {
        const engine = able[(round + turn) % able.length]!;
        if (!running.has(engine)) continue;
        try {
          for (let call = countCalls(job); call > 0; call--) {
            times.get(engine)!.push(await engine.process.time(job));
          }
        } catch (error) {
          running.delete(engine);
          onFailure(engine.process.engine, error as Error);
        }
      }
    }
    for (const engine of able.filter((each) => running.has(each))) {
      timings.get(engine)!.push(createTiming(engine, job, times.get(engine)!, setup));
    }
  }
  return engines.filter((engine) => running.has(engine)).flatMap((engine) => timings.get(engine)!);
}

function createTiming(
  { process, info: { parameters } }: RunningEngine,
  job: Job,
  times: readonly number[],
  { network, train, size, images }: Omit<TimeEnginesOptions, 'jobs' | 'rounds' | 'onFailure'>,
): Timing {
  const { what, batch } = job;
  const counted = times.slice(WARM_UPS * countCalls(job));
  const perImage = (ms: number) => Number((ms / (images ?? batch)).toFixed(3));
  const peakMemory = process.readPeakMemory();
  return {
    ...{ engine: process.engine, what, network, train, size, batch },
    ...(images === undefined ? {} : { images }),
    ms: perImage(Math.min(...counted)),
    median: perImage(computeMedian(counted)),
    first: Number(times[0]!.toFixed(1)),
    firstSeconds: Number((times[0]! / 1e3).toFixed(3)),
    ...(peakMemory === undefined ? {} : { peakMemory }),
    ...(parameters && { parameters: parameters.total, trainableParameters: parameters.trainable }),
  };
}
