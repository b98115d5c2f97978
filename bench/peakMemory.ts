import type { EngineProcess } from './engineProcess.js';

/**
 * Number of training steps. It is large enough for two copies of every array to exist, because engines that compile the step do so in the
 * first one.
 */
export const MEMORY_STEPS = 4;

/** Trains for {@link MEMORY_STEPS} steps, returns the peak memory of the process in bytes, and closes it. */
export async function measurePeakMemory(
  engineProcess: EngineProcess,
  batch: number,
): Promise<number | undefined> {
  try {
    await engineProcess.readInfo();
    for (let step = 0; step < MEMORY_STEPS; step++) await engineProcess.time({ what: 'train', batch });
    return engineProcess.readPeakMemory();
  } finally {
    engineProcess.close();
  }
}
