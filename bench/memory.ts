import type { Contestant } from './contestant.js';

/** Enough for every array of a step to have been there twice: an engine that compiles its step does so in the first. */
export const MEMORY_STEPS = 4;

/** The most memory, in bytes, that a process of its own holds while it trains for {@link MEMORY_STEPS} steps. */
export async function peakOf(contestant: Contestant, batch: number): Promise<number | undefined> {
  try {
    await contestant.about();
    for (let step = 0; step < MEMORY_STEPS; step++) await contestant.time({ what: 'train', batch });
    return contestant.peak();
  } finally {
    contestant.close();
  }
}
