/**
 * Hyperparameter search of Model A: dropout rate, L2 factor, and the filters of the last convolution of each branch.
 *
 *   npm run tune                                             (drawn faces; about ten minutes with onnx)
 *   npm run tune -- --data FOLDER --limit 1000 --size 64 --epochs 5 --trials 12 --parallel 2
 *   npm run tune -- --help
 *
 * At the end it prints the command that trains the best trial. --resume continues a search that was stopped, --overwrite
 * replaces it.
 */
import { liveTable, runStudy, writeStudyResults } from 'tfjs-multitask/node';
import { bestTrial, resultsTable } from 'tfjs-multitask/tuner';
import { readTuneArguments } from './study/arguments.js';
import { formatTrainingCommand } from './study/hyperparameters.js';
import { abortOnInterrupt } from './study/interrupt.js';
import { prepareOutputFolder } from './study/outputFolder.js';

const args = readTuneArguments();
await prepareOutputFolder(args, /^(?:study\.(?:json|html)|results\.csv|(?:trials|figures)\/.*)$/);

const interrupt = abortOnInterrupt('Add --resume to the command to continue.');
const table = liveTable(process.stdout, { trials: args.trials });
const { study, ...result } = await runStudy<typeof import('./study/search.js')>(
  new URL('./study/search.js', import.meta.url),
  {
    folder: args.out,
    trials: args.trials,
    parallel: args.parallel,
    settings: JSON.parse(JSON.stringify(args)), // without undefined values
    ...(args.threads === undefined ? {} : { threads: args.threads }),
    signal: interrupt.signal,
    onChange: table.show,
  },
);
interrupt.dispose();
table.clear();

console.log(`\n${resultsTable(study, result.trials, process.stdout.columns)}`);
const page = await writeStudyResults(args.out, study, result.trials);
console.log(`
Files in ${args.out}:
  study.html   the results, to open in a browser
  results.csv  parameters and objective of every trial
  figures/     figures of the page
  trials/      a folder for each trial`);
const best = bestTrial(result.trials, study.objectives);
if (best) {
  console.log(
    `\nTrain with the parameters of trial ${best.number}:\n${formatTrainingCommand(best.params)} ${formatCommonArguments()}`,
  );
}
console.log(`\nPage: ${page}`);
if (result.stopped === 'aborted') process.exitCode = 130;

/** Quotes a path for a shell. */
function quote(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Returns the arguments with which `npm run model-a` trains on the same data. `--epochs` is left to the user. */
function formatCommonArguments(): string {
  const { demo, data, size, batchSize, subset, seed, augment, engine } = args;
  return [
    ...(demo ? [] : [`--data ${quote(data)}`, `--size ${size}`, `--batch-size ${batchSize}`]),
    ...(subset.limit === undefined ? [] : [`--limit ${subset.limit}`]),
    `--seed ${seed}`,
    ...(augment === 'free' ? [] : [`--augment ${augment}`]),
    ...(engine === 'auto' ? [] : [`--engine ${engine}`]),
  ].join(' ');
}
