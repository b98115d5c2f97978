/**
 * What running trials at the same time gains: equal trials, each on one thread of wasm, one at a time and two at a time.
 *
 *   npm run bench:search                                     (6 trials, 160 images, 3 rounds)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runStudy } from 'tfjs-multitask/node';

const text = (otherwise: string) => ({ type: 'string', default: otherwise }) as const;
const { values: args } = parseArgs({
  options: { trials: text('6'), images: text('160'), rounds: text('3') },
});
const [trials, images, rounds] = [args.trials, args.images, args.rounds].map(Number) as [
  number,
  number,
  number,
];
const scratch = await mkdtemp(join(tmpdir(), 'bench-search-'));

async function seconds(parallel: number, round: number): Promise<number> {
  const begin = performance.now();
  const result = await runStudy(new URL('./studies/equal.js', import.meta.url), {
    folder: join(scratch, `${parallel}-${round}`),
    ...{ trials, parallel, threads: 1, settings: { images } },
  });
  const failed = result.trials.find(({ state }) => state !== 'complete');
  if (failed) throw new Error(`trial ${failed.number} ${failed.state}: ${failed.reason}`);
  return (performance.now() - begin) / 1000;
}

const ratios: number[] = [];
for (let round = 0; round < rounds; round++) {
  const [one, two] = [await seconds(1, round), await seconds(2, round)];
  ratios.push(two / one);
  console.log(
    `${trials} trials: ${one.toFixed(1)} s one at a time, ${two.toFixed(1)} s two at a time, ratio ${(two / one).toFixed(2)}`,
  );
}
const middle = [...ratios].sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
/** Two at a time on two cores: below this their processes do not stand in each other's way. */
const MARK = 0.65;
if (middle > MARK) process.exitCode = 1;
console.log(`median ratio of ${rounds} rounds: ${middle.toFixed(2)}`);
await rm(scratch, { recursive: true });
