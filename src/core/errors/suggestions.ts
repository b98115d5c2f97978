import { isPromise } from './formatValue.js';

/** Returns a suggestion, for example `Did you mean "age"?`, if one of `names` is within two edits of `name`, otherwise undefined. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const nearest = names
    .map((candidate) => ({ candidate, distance: computeEditDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= 2 && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && `Did you mean "${nearest.candidate}"?`;
}

/**
 * Names of options in Keras, PyTorch, scikit-learn and Optuna, without `_` and in lower case, and the names of the same options in this
 * library. If a function has options with several of these names, the first name is suggested.
 */
const OPTION_SYNONYMS: { readonly [name: string]: readonly string[] } = {
  act: ['activation'],
  backend: ['engine'],
  batch: ['batchSize'],
  bs: ['batchSize'],
  color: ['channels'],
  colour: ['channels'],
  decay: ['weightDecay', 'decayRate'],
  device: ['engine'],
  dilationrate: ['dilation'],
  directory: ['folder'],
  eps: ['epsilon'],
  filename: ['name', 'file'],
  gamma: ['decayRate', 'factor'],
  imagesize: ['size', 'input'],
  inputshape: ['input'],
  kernelregularizer: ['l2'],
  learningrate: ['learningRate', 'initialLearningRate'],
  lr: ['learningRate', 'initialLearningRate'],
  minlr: ['minLearningRate'],
  nepochs: ['epochs'],
  njobs: ['parallel', 'count'],
  nstartuptrials: ['startupTrials'],
  ntrials: ['trials'],
  numworkers: ['count'],
  nwarmupsteps: ['warmupEpochs'],
  p: ['probability'],
  prob: ['probability'],
  randomstate: ['seed'],
  rate: ['learningRate', 'probability'],
  shape: ['input', 'size'],
  stepsize: ['decaySteps'],
  stride: ['strides'],
  targetsize: ['size'],
  test: ['validation'],
  testdata: ['validation'],
  testsize: ['validation'],
  val: ['validation'],
  valdata: ['validation'],
  validationdata: ['validation'],
  valsize: ['validation'],
  wd: ['weightDecay'],
  workers: ['count', 'parallel'],
};

const normalizeName = (name: string) => name.toLowerCase().replaceAll(/[_\s-]/g, '');

/**
 * Returns a suggestion, for example `Did you mean "learningRate"?`, if `name` is a different spelling of one of `names`, the name of the
 * same option in another library, or within two edits of one of `names`. Otherwise returns undefined.
 */
export function suggestOption(name: string, names: readonly string[]): string | undefined {
  const normalized = normalizeName(name);
  const synonyms = Object.hasOwn(OPTION_SYNONYMS, normalized) ? OPTION_SYNONYMS[normalized]! : [];
  const match =
    names.find((candidate) => normalizeName(candidate) === normalized) ??
    synonyms.find((candidate) => names.includes(candidate));
  return match === undefined ? didYouMean(name, names) : `Did you mean "${match}"?`;
}

/**
 * Returns the advice that `replacements` contains for the option `name`. Case and underscores are ignored: `class_weight` and `classWeight`
 * are the same name.
 */
export function findReplacement(
  name: string,
  replacements: { readonly [name: string]: string },
): string | undefined {
  const normalized = normalizeName(name);
  return Object.entries(replacements).find(([other]) => normalizeName(other) === normalized)?.[1];
}

/**
 * Returns the advice for the invalid argument `value`. If `value` is a promise, the advice is to await the promise; otherwise, it is
 * `advice`.
 */
export function suggestAwait(value: unknown, advice: string): string {
  return isPromise(value) ? 'Await the promise first.' : advice;
}

/**
 * Returns the Levenshtein distance between two strings. The function stores only two rows of the distance table at a time, to save memory.
 */
function computeEditDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, substitution);
    }
    row = next;
  }
  return row[b.length]!;
}
