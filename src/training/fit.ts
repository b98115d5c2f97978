import type { HistoryRecord } from '../core/history.js';
import type { Clock, Store } from '../core/outside.js';
import type { Dataset } from '../data/dataset.js';
import {
  type EngineChoice,
  type EngineName,
  type EngineOptions,
  type HeldEngine,
  holdEngine,
} from '../engines/choose.js';
import { closePredictor } from '../engines/onnx/predictor.js';
import { halvesOf } from '../models/halves.js';
import type { Network } from '../models/network.js';
import { settledBy } from '../models/settle.js';
import { adam } from '../optimizers/adam.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { LabelsOf, Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import { readCheckpoint } from './checkpoint.js';
import { claim, release } from './claims.js';
import { checkParts, checkRun, contractOfRun } from './contract.js';
import { Door } from './door.js';
import { Features } from './features.js';
import { FROZEN, frozenDigest } from './frozenDigest.js';
import { checkMemory } from './memory.js';
import { checkMonitor, type Monitored, monitorsOf, type Prefix } from './monitor.js';
import { type RunPlan, TrainingRun } from './run.js';
import { stepsOf } from './stepsOf.js';
import type { LossAverage } from './tally.js';
import { type NamesEveryTask, type WeightedLoss, weightedLoss } from './weightedLoss.js';

/**
 * Options of `model.fit`.
 *
 * @category Train
 */
export interface FitOptions<T extends Tasks, W extends { readonly [task: string]: number }>
  extends EngineOptions {
  /** The last epoch, counted from 1. */
  readonly epochs: number;
  /** Images in a step; the last batch of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** Names the order of the images, the augmentation plans and the dropout masks. Default 0. */
  readonly seed?: number;
  /** Judged after every epoch; its columns begin with `val_`. Augmented if the dataset is. */
  readonly validation?: Dataset<LabelsOf<T>>;
  /** Judge `validation` a second time without its augmentation; these columns begin with `clean_`. Default false. */
  readonly clean?: boolean;
  /** Default: every task counts 1. */
  readonly loss?: WeightedLoss<W> & NamesEveryTask<T, W>;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** Told in this order. */
  readonly callbacks?: readonly Callback<Monitored<T>>[];
  /** What executes a step; a named engine never falls back. Default `auto`. */
  readonly engine?: EngineName | 'auto';
  /** Where the state of the run is kept after every epoch, and when it is stopped. */
  readonly checkpoint?: Store;
  /** Go on from the state in `checkpoint`, if there is one. Default false: begin anew. */
  readonly resume?: boolean;
  /**
   * Where the outputs of the layers before the first trained one are kept: for images that are the same in every epoch (not
   * augmented, or with `fixed: true`) they are computed once, and an epoch costs the trained layers alone. Known again by
   * pixels, layers, weights and engine, also in later runs. Up to 2 GiB of them serve a run.
   */
  readonly features?: Store;
  /** Stops the run after the step in progress. */
  readonly signal?: AbortSignal;
  /** Shuffle the training images in every epoch. Default true. */
  readonly shuffle?: boolean;
  /**
   * How task losses are averaged over an epoch: over `examples` (default), or over `batches`, as Keras's graph mode
   * logs them. They differ when the last batch is short.
   */
  readonly lossAverage?: LossAverage;
  /** Default `performance.now`. */
  readonly clock?: Clock;
}

/**
 * What `fit` returns: the history, and how it was made.
 *
 * @category Train
 */
export interface FitResult extends HistoryRecord {
  /** What executed it, and why. */
  readonly engine: EngineChoice;
  /** `finished`, `aborted`, or the reason a callback gave. */
  readonly stopped: string;
}

/** The training loop. See `MultiTaskModel.fit` for what it promises. */
export async function fitNetwork<T extends Tasks, W extends { readonly [task: string]: number }>(
  network: Network<T>,
  train: Dataset<LabelsOf<T>>,
  options: FitOptions<T, W>,
): Promise<FitResult> {
  const { validation, clean = false, checkpoint, resume = false, log = () => {} } = options;
  checkParts(train, options as unknown as { readonly [option: string]: unknown });
  const plan: RunPlan = {
    network,
    train,
    validation,
    clean,
    epochs: options.epochs,
    batchSize: options.batchSize ?? 32,
    seed: options.seed ?? 0,
    shuffle: options.shuffle ?? true,
    loss:
      options.loss ?? weightedLoss(Object.fromEntries(Object.keys(network.tasks).map((name) => [name, 1]))),
    optimizer: options.optimizer ?? adam(),
    callbacks: (options.callbacks ?? []) as readonly Callback<string>[],
    lossAverage: options.lossAverage ?? 'examples',
    checkpoint,
    features: options.features,
    signal: options.signal,
    clock: options.clock ?? (() => performance.now()),
  };
  checkRun(plan);
  const prefixes: Prefix[] = validation ? (clean ? ['', 'val_', 'clean_'] : ['', 'val_']) : [''];
  const monitors = monitorsOf(network.tasks, prefixes);
  for (const { name, monitor } of plan.callbacks) {
    if (monitor !== undefined) checkMonitor(name, monitor, monitors);
  }
  claim(network);
  const halves = halvesOf(network.graph);
  const { frozen, trained } = halves;
  let run: TrainingRun | undefined;
  let held: HeldEngine | undefined;
  try {
    // First of all: of two runs that begin together the first has its engine.
    held = await holdEngine(options.engine ?? 'auto', options);
    const digest = await frozenDigest(halves, network.input.range);
    const contract = { ...(await contractOfRun(plan)), ...(digest && { [FROZEN]: digest }) };
    const saved = checkpoint && resume ? await readCheckpoint(checkpoint, contract) : undefined;
    const engine = held.choice;
    const half: Network<T> = { ...network, graph: trained };
    checkMemory(half, plan.batchSize, engine.name);
    const steps = stepsOf(half, plan.optimizer, plan.loss.weights, held.onnx);
    settledBy(network.layersModel, () => steps.settle());
    const features =
      plan.features && new Features(plan.features, `${digest}-${engine.name}`, trained.inputs, log);
    await features?.open();
    for (const [name, dataset] of Object.entries({ training: train, validation })) {
      if (!features || !dataset || Features.serve(dataset)) continue;
      log(`${name} images change in every epoch: what frozen layers make of them is not kept`);
    }
    const door = new Door(halves, network.input.range, features);
    run = new TrainingRun({ ...plan, network: half }, monitors, contract, steps, door, engine.name);
    await run.begin(saved);
    if (saved) log(`resumed after ${run.progress}, made by ${saved.state.engine}`);
    while (run.goesOn) await run.epoch();
    const stopped = await run.end();
    return { tasks: run.tasks, rows: run.history, engine, stopped };
  } finally {
    await run?.dispose();
    for (const half of frozen ? [frozen, trained] : []) closePredictor(half);
    held?.letGo();
    release(network);
  }
}
