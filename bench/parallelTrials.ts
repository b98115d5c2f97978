/**
 * Measures the speedup from parallel trials. Runs equal trials, each on one thread of wasm, first one at a time and then two at a time.
 *
 * npm run bench:search                                     (6 trials, 160 images, 3 rounds)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runStudy } from 'tfjs-multitask/node';
import { computeMedian } from './statistics.js';

const text = (defaultValue: string) => ({ type: 'string', default: defaultValue }) as const;
const { values: args } = parseArgs({
  options: { trials: text('6'), images: text('160'), rounds: text('3') },
});
const [trials, images, rounds] = [args.trials, args.images, args.rounds].map(Number) as [
  number,
  number,
  number,
];
const temporaryFolder = await mkdtemp(join(tmpdir(), 'bench-search-'));

async function timeStudy(parallel: number, round: number): Promise<number> {
  const start = performance.now();
  const result = await runStudy(new URL('./studies/equalTrials.js', import.meta.url), {
    folder: join(temporaryFolder, `${parallel}-${round}`),
    ...{ trials, parallel, threads: 1, settings: { images } },
  });
  const failed = result.trials.find(({ state }) => state !== 'complete');
  if (failed) throw new Error(`trial ${failed.number} ${failed.state}: ${failed.reason}`);
  return (performance.now() - start) / 1000;
}

const ratios: number[] = [];
for (let round = 0; round < rounds; round++) {
  const sequential = await timeStudy(1, round);
  const parallel = await timeStudy(2, round);
  ratios.push(parallel / sequential);
  console.log(
    `${trials} trials: ${sequential.toFixed(1)} s one at a time, ${parallel.toFixed(1)} s two at a time, ratio ${(parallel / sequential).toFixed(2)}`,
  );
}
/**
 * Largest acceptable ratio of the time for two trials at a time to the time for one at a time, on two cores. A larger ratio means that the
 * processes slow each other down.
 */
const MAX_RATIO = 0.65;
const ratio = computeMedian(ratios);
if (ratio > MAX_RATIO) process.exitCode = 1;
console.log(`median ratio of ${rounds} rounds: ${ratio.toFixed(2)}`);
await rm(temporaryFolder, { recursive: true });
