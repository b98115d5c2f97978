import type { Clock, Store } from '../core/platform/platform.js';
import type { Dataset } from '../data/dataset.js';
import type { LossOptions } from '../inference/lossOptions.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { ClassWeights } from '../steps/weightedLoss.js';
import type { LabelsOf, Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import type { HistoryColumn } from './monitor.js';

/**
 * Options for `model.fit`.
 *
 * @category Train
 */
export interface FitOptions<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> extends LossOptions<T, W, C> {
  /** Number of epochs. A resumed run continues until it has completed this number in total. */
  readonly epochs: number;
  /** Seed for the order of the images, the augmentation plans and the dropout masks. Default 0. */
  readonly seed?: number;
  /**
   * Dataset that is evaluated after every epoch. If the dataset has an augmentation, the augmentation is applied. The history columns begin
   * with `val_`.
   */
  readonly validation?: Dataset<LabelsOf<T>>;
  /**
   * Whether to evaluate `validation` a second time without its augmentation. The history columns of this evaluation begin with
   * `val_unaugmented_`. Default false.
   */
  readonly evaluateUnaugmented?: boolean;
  /** Optimizer that updates the trainable weights. Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** Callbacks. Their hooks are called in the order of the array. */
  readonly callbacks?: readonly Callback<HistoryColumn<T>>[];
  /** Store for the state of the run. The state is written after every epoch and when the run is stopped. */
  readonly checkpoint?: Store;
  /**
   * Whether the run continues from the checkpoint in `checkpoint`. Default false.
   *
   * - `true`: yes. It is an error if there is no checkpoint.
   * - `auto`: yes if there is a checkpoint, otherwise the run starts with the first epoch.
   * - `false`: the run starts with the first epoch.
   */
  readonly resume?: boolean | 'auto';
  /**
   * Whether a run that starts with the first epoch replaces the files of an earlier run: the checkpoint, and the files of the callbacks.
   * They are removed before the first step. Models that you saved yourself are not removed, even if the name of their folder fits the
   * template of `bestCheckpoint`. Default false: `fit` rejects with a `file` error if there are such files.
   */
  readonly overwrite?: boolean;
  /**
   * Store for the features of frozen layers. For images that are the same in every epoch (not augmented, or with `fixed: true`), the
   * layers before the first trainable layer run once per image, and each epoch runs only the other layers. Features are identified by the
   * pixels, layers, weights and engine that they were computed from, so later runs can use them. A run uses up to 2 GiB of features.
   */
  readonly featureCache?: Store;
  /**
   * Signal that stops the run at the end of the current step. If a store or a callback does not answer within 4 seconds after the abort, plus
   * half a second for each MiB that is being written, `fit` rejects with an `aborted` error. The files of the run stay locked until the
   * call has ended.
   */
  readonly signal?: AbortSignal;
  /** Whether to shuffle the training images in every epoch. Default true. */
  readonly shuffle?: boolean;
  /** Clock that measures the duration of an epoch, in milliseconds. Default `performance.now`. */
  readonly clock?: Clock;
}
