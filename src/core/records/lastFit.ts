import type { HistoryRow } from './history.js';

/** Options of `fit` that `evaluate` uses as defaults. They are saved with the model. */
export interface EvaluationDefaults {
  /** Weights of the task losses in the total loss, one for each task. */
  readonly lossWeights: { readonly [task: string]: number };
  /** How the task losses are averaged over the batches. */
  readonly lossAverage: 'examples' | 'batches';
  /** Seed of the augmentation plans. */
  readonly seed: number;
}

/** The last run that trained a network. */
export interface TrainedRun {
  /** History of the run. */
  readonly rows: readonly HistoryRow[];
  /**
   * Epoch whose weights the network has. `unfinished` if the run ended within an epoch; undefined if a callback set other weights.
   */
  readonly weightsEpoch: number | 'unfinished' | undefined;
}

/** What a network remembers of the last call of `fit`. Networks that share weights share this object. */
export class LastFit {
  /** Defaults for `evaluate`. Undefined for a network that was never trained. */
  defaults: EvaluationDefaults | undefined;
  /** The run. Undefined during a run, and for a network that was loaded. */
  run: TrainedRun | undefined;
}
