/**
 * The search of Model A: dropout rate, L2 factor, and the filters of the last convolution of each branch.
 *
 *   npm run tune                                               (drawn faces; some ten minutes with onnx)
 *   npm run tune -- --data FOLDER --limit 1000 --size 64 --epochs 5 --trials 12 --parallel 2
 *
 * Ends with the line that trains the winner. What was stopped goes on with --resume.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { liveTable, runStudy, writeStudyResults } from 'tfjs-multitask/node';
import { bestTrial, resultsTable } from 'tfjs-multitask/tuner';
import { readArguments } from './study/arguments.js';
import { lineFor } from './study/chosen.js';
import { STRATEGIES } from './study/search.js';

const args = readArguments(
  'tune',
  56,
  {
    trials: { value: 'N', help: 'trials in all (12)', default: '12' },
    strategy: { value: 'NAME', help: `${STRATEGIES.join(', ')} (tpe)`, default: 'tpe' },
    parallel: { value: 'N', help: 'trials at a time, which share the threads (1)', default: '1' },
  },
  ['watch', 'no-images'],
);
const fail = (message: string): never => {
  console.error(message);
  process.exit(2);
};
const [trials, parallel] = (['trials', 'parallel'] as const).map((name) => {
  const value = Number(args.own[name]);
  return Number.isInteger(value) && value >= 1
    ? value
    : fail(`--${name}: expected a whole number above zero, received "${args.own[name]}"`);
}) as [number, number];
if (!(STRATEGIES as readonly string[]).includes(args.own.strategy!))
  fail(`--strategy: expected ${STRATEGIES.join(', ')}, received "${args.own.strategy}"`);
if (!args.resume && existsSync(join(args.out, 'study.json')))
  fail(`A search lies in ${args.out}: add --resume to go on with it, or give another --out.`);

const stop = new AbortController();
process.once('SIGINT', () => {
  console.log(
    '\nStopping after the steps in progress; --resume goes on from there. Ctrl-C again ends at once.',
  );
  stop.abort();
});
const table = liveTable(process.stdout, { trials });
const { study, ...result } = await runStudy<typeof import('./study/search.js')>(
  new URL('./study/search.js', import.meta.url),
  {
    folder: args.out,
    trials,
    parallel,
    settings: JSON.parse(JSON.stringify(args)),
    ...(args.threads === undefined ? {} : { threads: args.threads }),
    signal: stop.signal,
    onChange: table.show,
  },
);
table.clear();

console.log(`\n${resultsTable(study, result.trials, process.stdout.columns)}`);
const page = await writeStudyResults(args.out, study, result.trials);
console.log(`\nIn ${args.out}: study.html, results.csv, figures/, and a folder for each trial below trials/`);
const best = bestTrial(result.trials, study.objectives);
if (best) console.log(`\nTrain with what trial ${best.number} had:\n${lineFor(best.params)}${shared()}`);
console.log(`\nPage: ${page}`);
if (result.stopped === 'aborted') process.exitCode = 130;

/** As a shell reads one word. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The arguments that both have, so that it trains what the trial trained, for as long as you like. */
function shared(): string {
  const given = [
    ...(args.demo
      ? []
      : [`--data ${quoted(args.data)}`, `--size ${args.size}`, `--batch-size ${args.batchSize}`]),
    ...(args.limit === undefined ? [] : [`--limit ${args.limit}`]),
    `--seed ${args.seed}`,
    ...(args.augment === 'free' ? [] : [`--augment ${args.augment}`]),
    ...(args.engine === 'auto' ? [] : [`--engine ${args.engine}`]),
  ];
  return ` ${given.join(' ')}`;
}
