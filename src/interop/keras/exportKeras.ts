import * as checks from '../../core/errors/checks.js';
import { createArgumentError, createError } from '../../core/errors/errors.js';
import type { TypeErrorMessage } from '../../core/inferenceTypes.js';
import { toCheckedStore } from '../../core/platform/checkedStore.js';
import type { Store } from '../../core/platform/platform.js';
import { checkModel } from '../../network/checkModel.js';
import { type ExportableModel, getNetwork } from '../../network/exportableModel.js';
import { computeFrozenDigest, FROZEN_WEIGHTS_PART } from '../../network/frozenDigest.js';
import { splitFrozen } from '../../network/frozenSplit.js';
import type { Network } from '../../network/network.js';
import { createTaskTable } from '../../network/savedModel/taskTable.js';
import type { Weights } from '../../network/weights.js';
import { checkOptimizer, type Optimizer } from '../../optimizers/optimizer.js';
import { GRADIENT_SUM } from '../../steps/optimizerSlots.js';
import { countTrainableParams, getTrainableWeights } from '../../steps/trainableWeights.js';
import {
  checkLossWeights,
  checkWeightedLoss,
  type ValidLossWeights,
  type WeightedLoss,
} from '../../steps/weightedLoss.js';
import type { Tasks } from '../../tasks/task.js';
import type { tf } from '../../tensor/tf.js';
import { CHECKPOINT_FILE, type Checkpoint, readCheckpoint } from '../../training/checkpoint.js';
import { computeFingerprint, getModelFingerprintParts } from '../../training/fingerprint.js';
import type { CompileConfig } from './write/compileConfig.js';
import { createKerasGraph, type KerasGraph, prependRescaling } from './write/kerasGraph.js';
import { createOptimizerVariables, type OptimizerSnapshot } from './write/optimizerVariables.js';
import type { WeightReader } from './write/weightGroups.js';
import { type KerasFormat, writeKerasFile } from './write/writeKerasFile.js';

/**
 * Options for {@link exportKeras} that apply to every model.
 *
 * @category Files
 */
export interface KerasFileOptions {
  /** Format of the file. `keras` (the default) is the archive format of Keras 3; `h5` is the older format, a single HDF5 file. */
  readonly format?: KerasFormat;
}

/**
 * Options for {@link exportKeras} with a multi-task model.
 *
 * @category Files
 */
export interface ExportKerasOptions<T extends Tasks, W extends { readonly [task: string]: number }>
  extends KerasFileOptions {
  /**
   * Whether to add a `Rescaling` layer after the input, so that the exported model accepts pixel values from 0 to 255 in Keras. No layer
   * is added if the model's pixel range is already [0, 255]. If false (the default), the exported model expects pixel values in the model's
   * range, which is 0 to 1 by default.
   */
  readonly bytes?: boolean;
  /**
   * Optimizer of the compiled model, so that `fit` can be called in Keras right after loading. Without an optimizer, the exported model is
   * not compiled.
   */
  readonly optimizer?: Optimizer;
  /** Loss weight of each task. Default: 1 for every task. Requires `optimizer`. */
  readonly loss?: WeightedLoss<W> & ValidLossWeights<T, W>;
  /**
   * Store with the checkpoint of a training run of this model and optimizer. Weights and optimizer state are exported from the checkpoint,
   * so that Keras continues training where the run stopped. Requires `optimizer` and `format: 'keras'`, because Keras 3 cannot train a
   * model from an h5 file that contains optimizer state.
   */
  readonly checkpoint?: Store;
}

/** Options for {@link exportKeras} with a multi-task model whose task names are unknown at compile time. */
type UntypedExportOptions = KerasFileOptions & {
  readonly bytes?: boolean;
  readonly optimizer?: Optimizer;
  readonly loss?: WeightedLoss<{ readonly [task: string]: number }>;
  readonly checkpoint?: Store;
};

/**
 * Exports a model as a file that Keras 3 opens with `keras.models.load_model`: a `.keras` archive or a single `.h5` file. In Keras, the
 * model has the same outputs as in this library.
 *
 * - Layers, names, shared layers, weights and `trainable` flags are preserved, so frozen layers stay frozen in Keras.
 * - Outputs have the names of the tasks, in the same order.
 * - With `optimizer`, the exported model is compiled with its losses, loss weights, metrics and learning rate schedule.
 * - The task table (labels, units, pixel range) is stored in `metadata.json` or in the `tfjs_multitask` attribute. Keras ignores both.
 *
 * Exporting the same model twice results in identical files.
 *
 * @param model - Model that {@link multiTask} built or {@link loadModel} opened, or any flat `tf.LayersModel`.
 * @returns The bytes of the file.
 * @throws An `argument` error if `model` is not a model or is disposed, or if Keras has no equivalent of a layer, activation, loss, metric
 *   or schedule; the error contains its name. A `checkpoint` error if the state is missing, corrupted, or of another model or optimizer.
 * @example
 * ```ts
 * import { adam, branch, exportKeras, flatten, memoryStore, multiTask, regression } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .build();
 * const store = memoryStore();
 * await store.write('age.keras', await exportKeras(model, { optimizer: adam(), bytes: true }));
 * await store.write('age.h5', await exportKeras(model, { format: 'h5' }));
 * console.log(await store.list()); // [ 'age.h5', 'age.keras' ]
 * ```
 * @category Files
 */
export function exportKeras<T extends Tasks, const W extends { readonly [task: string]: number }>(
  model: ExportableModel & { readonly tasks: T },
  options?: ExportKerasOptions<T, W>,
): Promise<Uint8Array>;
/** Exports a flat `tf.LayersModel`, which has no tasks. */
export function exportKeras(
  model: tf.LayersModel,
  options?: KerasFileOptions & {
    readonly [option in
      | 'bytes'
      | 'optimizer'
      | 'loss'
      | 'checkpoint']?: TypeErrorMessage<'omit this option: a LayersModel has no pixel range and no tasks'>;
  },
): Promise<Uint8Array>;
export async function exportKeras(
  model: ExportableModel | tf.LayersModel,
  untypedOptions: KerasFileOptions = {},
): Promise<Uint8Array> {
  const options: UntypedExportOptions = untypedOptions;
  checkModel('exportKeras', model, true);
  checkExportOptions(options);
  const { format = 'keras' } = options;
  if (format === 'h5' && options.checkpoint) {
    const advice = "Use format: 'keras', or omit checkpoint.";
    throw createArgumentError(
      'exportKeras.checkpoint',
      "the 'keras' format, because an h5 file cannot store the optimizer state of a checkpoint",
      "the 'h5' format",
      advice,
    );
  }
  if (!('layersModel' in model)) {
    const option = ['bytes', 'optimizer', 'loss', 'checkpoint'].find((name) => name in options);
    if (option !== undefined) {
      throw createArgumentError(
        `exportKeras.${option}`,
        'a multi-task model for this option',
        'a LayersModel, which has no pixel range and no tasks',
        'Omit the option, or pass the multi-task model.',
      );
    }
    const graph = createKerasGraph(model);
    const contents = {
      graph,
      readWeight: createModelWeightReader(graph),
      compileConfig: undefined,
      optimizerVariables: undefined,
      taskTable: undefined,
    };
    return writeKerasFile(format, contents);
  }
  const network = getNetwork(model);
  return network.usage.run(() => exportNetwork(network, options, format));
}

function checkExportOptions(options: UntypedExportOptions): void {
  checks.options(
    'exportKeras',
    options,
    { format: true, bytes: true, optimizer: true, loss: true, checkpoint: true },
    { advice: "Write exportKeras(model, { format: 'h5' })." },
  );
  const { format = 'keras', bytes = false, optimizer, loss, checkpoint } = options;
  checks.oneOf('exportKeras.format', format, ['keras', 'h5'], {
    advice: "Omit it to use the default, 'keras'.",
  });
  checks.boolean('exportKeras.bytes', bytes, { advice: 'Omit it to use the default, false.' });
  if (optimizer !== undefined) checkOptimizer('exportKeras.optimizer', optimizer);
  if (loss !== undefined) checkWeightedLoss('exportKeras.loss', loss);
  if (checkpoint !== undefined)
    checks.store('exportKeras.checkpoint', checkpoint, { advice: "Write checkpoint: folderStore('out')." });
}

async function exportNetwork(
  network: Network,
  options: UntypedExportOptions,
  format: KerasFormat,
): Promise<Uint8Array> {
  const { bytes = false, optimizer } = options;
  const { range } = network.input;
  const modelGraph = createKerasGraph(network.layersModel);
  const [black, white] = range;
  const graph = bytes && (black !== 0 || white !== 255) ? prependRescaling(modelGraph, range) : modelGraph;
  const { tasks, lastFit } = network;
  const table = createTaskTable(
    bytes ? { tasks, lastFit, input: { ...network.input, range: [0, 255] } } : network,
  );
  const compiled = createCompileConfig(network, options);
  const saved =
    optimizer &&
    options.checkpoint &&
    (await readRunCheckpoint(toCheckedStore(options.checkpoint), network, optimizer));
  const optimizerState =
    optimizer &&
    (saved
      ? getSavedOptimizerState(network, optimizer, saved)
      : format === 'keras' && createInitialOptimizerState(network, optimizer));
  const contents = {
    graph,
    readWeight: saved
      ? createCheckpointWeightReader(saved.weights, createModelWeightReader(graph))
      : createModelWeightReader(graph),
    compileConfig: compiled && { ...compiled, learningRate: saved?.state.learningRate ?? undefined },
    optimizerVariables: optimizerState
      ? createOptimizerVariables(graph, optimizer!, optimizerState)
      : undefined,
    taskTable: JSON.parse(JSON.stringify(table)),
  };
  return writeKerasFile(format, contents);
}

function createCompileConfig(
  { tasks }: Network,
  { loss, optimizer, checkpoint }: UntypedExportOptions,
): CompileConfig | undefined {
  if (!optimizer) {
    const dependentOption = loss ? 'loss' : checkpoint ? 'checkpoint' : undefined;
    if (dependentOption === undefined) return undefined;
    throw createArgumentError(
      'exportKeras.optimizer',
      `an optimizer, because the ${dependentOption} option requires one`,
      'no optimizer',
      'Pass the optimizer of the training run, for example optimizer: adam().',
    );
  }
  if (!loss) {
    return { tasks, optimizer, lossWeights: Object.fromEntries(Object.keys(tasks).map((name) => [name, 1])) };
  }
  checkLossWeights(loss, tasks);
  const factors = Object.keys(loss.classWeights);
  if (factors.length > 0) {
    const advice = 'Omit classWeights here, and pass sample_weight to fit() in Keras instead.';
    throw createArgumentError(
      'exportKeras.loss.classWeights',
      'a loss without class weights, because a Keras file cannot store them',
      `class weights for ${factors.join(', ')}`,
      advice,
    );
  }
  return { tasks, optimizer, lossWeights: loss.weights };
}

/** Returns a function that reads the current value of a model weight by name. */
function createModelWeightReader(graph: KerasGraph): WeightReader {
  const weights = graph.layers.flatMap(({ stockLayer }) => stockLayer?.weights ?? []);
  const byName = new Map(weights.map((weight) => [weight.originalName, weight]));
  return async (name) => {
    const weight = byName.get(name)!;
    return { shape: weight.shape as number[], data: (await weight.read().data()) as Float32Array };
  };
}

/**
 * Returns a function that reads a weight from a checkpoint by name. Frozen weights, which a checkpoint does not contain, are read with
 * `frozenWeights`.
 */
const createCheckpointWeightReader =
  (weights: Weights, frozenWeights: WeightReader): WeightReader =>
  (name) =>
    weights[name] ?? frozenWeights(name);

async function readRunCheckpoint(store: Store, network: Network, optimizer: Optimizer): Promise<Checkpoint> {
  const fingerprint = await computeFingerprint(getModelFingerprintParts(network, optimizer));
  const frozen = await computeFrozenDigest(splitFrozen(network.lossGraph), network.input.range);
  const saved = await readCheckpoint(store, {
    ...fingerprint,
    ...(frozen && { [FROZEN_WEIGHTS_PART]: frozen }),
  });
  if (saved) return saved;
  throw createError({
    kind: 'checkpoint',
    path: `${store.label}/${CHECKPOINT_FILE}`,
    expected: 'the checkpoint of a training run',
    received: 'a file that does not exist',
    advice: 'Pass the store that you passed to fit() as `checkpoint`, or omit the `checkpoint` option.',
  });
}

function getSavedOptimizerState(
  network: Network,
  optimizer: Optimizer,
  { state, slots }: Checkpoint,
): OptimizerSnapshot {
  return {
    iterations: state.iterations,
    learningRate: getNumericLearningRate(optimizer, state.learningRate),
    weightNames: getTrainableWeights(network).map(({ originalName }) => originalName),
    slotVectors: Object.fromEntries(optimizer.rule.slots.map((name) => [name, slots[name]!.data])),
    accumulatedGradients: slots[GRADIENT_SUM]?.data,
  };
}

/**
 * Creates the state that an optimizer has before its first step. The state is exported because Keras prints a warning when it opens a
 * compiled `.keras` file without optimizer state.
 */
function createInitialOptimizerState(network: Network, optimizer: Optimizer): OptimizerSnapshot {
  const zeros = () => new Float32Array(countTrainableParams(network));
  return {
    iterations: 0,
    learningRate: getNumericLearningRate(optimizer, null),
    weightNames: getTrainableWeights(network).map(({ originalName }) => originalName),
    slotVectors: Object.fromEntries(optimizer.rule.slots.map((name) => [name, zeros()])),
    accumulatedGradients: optimizer.gradientAccumulationSteps > 1 ? zeros() : undefined,
  };
}

/**
 * Returns the learning rate that Keras stores among the optimizer's variables, or undefined for a schedule. A constant schedule is
 * exported as a number.
 */
function getNumericLearningRate(
  { schedule, isLearningRateAdjustable }: Optimizer,
  current: number | null,
): number | undefined {
  if (isLearningRateAdjustable) return current ?? schedule(0);
  return schedule.description.name === 'constant' ? schedule(0) : undefined;
}
