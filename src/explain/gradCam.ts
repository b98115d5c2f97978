import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Platform } from '../core/platform/platform.js';
import type { HeatMap } from '../core/records/heatMap.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { releaseGraph, startEngine } from '../engines/select.js';
import {
  checkPredictOptions,
  createImageReader,
  PREDICT_OPTION_NAMES,
  type PredictInput,
  type PredictOptions,
} from '../inference/predict.js';
import { checkModel } from '../network/checkModel.js';
import { type ExportableModel, getNetwork, getPlatform } from '../network/exportableModel.js';
import type { Network } from '../network/network.js';
import type { AnyTask, TargetOf, Tasks } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';
import { createGradCamGraph, type GradCamGraph } from './gradCamGraph.js';

/**
 * Target that a heat map explains: the prediction of a label in a classification task, or a `higher` or `lower` value in a regression task.
 *
 * @typeParam T - Type of the task.
 *
 * @category Figures
 */
export type GradCamTarget<T extends AnyTask> = T['kind'] extends 'regression'
  ? 'higher' | 'lower'
  : TargetOf<T> & string;

/**
 * Options for {@link gradCam}.
 *
 * @category Figures
 */
export interface GradCamOptions<T extends Tasks, K extends keyof T & string> extends PredictOptions {
  /** Task whose prediction is explained. */
  readonly task: K;
  /**
   * Name of the layer whose feature map is used, as shown by `model.summary()`. Its output shape must be `[height, width, channels]`.
   * Default: the last convolution before the task whose output is larger than 1×1, or the last of the batch normalization, activation and
   * addition layers that directly follow this convolution.
   */
  readonly layer?: string;
  /**
   * Target that the heat map explains. Default: the predicted label of each image, or `higher` for a regression task. To see the evidence
   * against a prediction, pass the other label of a binary task, or `lower` for a regression task.
   */
  readonly target?: GradCamTarget<T[K]>;
}

/**
 * Heat map that {@link gradCam} computes for one image.
 *
 * @typeParam Word - Possible values of `target`.
 * @category Figures
 */
export interface GradCam<Word extends string = string> extends HeatMap {
  /** Largest value of the heat map before the heat map was scaled to 0..1. The peak is 0 if nothing in the image supports `target`. */
  readonly peak: number;
  /** Target that the heat map explains: a label, `higher` or `lower`. */
  readonly target: Word;
  /** Name of the layer whose feature map was used. */
  readonly layer: string;
}

/**
 * Computes Grad-CAM heat maps, which show the image regions that the prediction of a task is based on (R. R. Selvaraju et al., 2017). The
 * channels of a feature map are weighted by the mean derivative of the score and summed, and negative values are set to 0. The result is
 * divided by its maximum, so the largest value of a heat map is 1.
 *
 * The score is the output *before* the last activation: the value of a regression task, the logit of a binary task (negated for its first
 * label), or the logit of a label before softmax. If the head does not end with a dense layer, sigmoid or softmax, the score is its output.
 * The network runs in inference mode, on any engine. Each call compiles the computation again, so pass all images in one call.
 *
 * @param model - A model from {@link multiTask}, {@link loadModel} or {@link loadKeras}.
 * @param image - One image or several, of the types that `model.predict` accepts.
 * @returns One heat map per image. It has the size of the feature map and covers the whole image. `heatOverlay` of `tfjs-multitask/report`
 *   draws it over the image.
 * @throws `argument` error for an unknown task, layer or target, for a layer that does not affect the task or whose output is not a feature
 *   map, and for images that do not match the input of the model; `number` error if a heat map contains NaN or infinity; the errors of
 *   {@link useEngine} if `engine` is set.
 * @example
 * ```ts
 * import { binary, branch, conv, flatten, gradCam, maxPool, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [16, 16, 3] })
 *   .trunk(sharedTrunk([conv(4, 3), maxPool(2), conv(8, 3)]))
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .task('gender', binary(['male', 'female']), branch([flatten()]))
 *   .build();
 * const image = { data: new Uint8Array(16 * 16 * 3).fill(90), height: 16, width: 16, channels: 3 };
 * const { height, width, layer } = await gradCam(model, image, { task: 'gender', engine: 'wasm' });
 * console.log(height, width, layer); // 5 5 trunk_conv2
 * const older = await gradCam(model, [image, image], { task: 'age', target: 'higher' });
 * console.log(older.length, older[0]?.target); // 2 higher
 * model.dispose();
 * ```
 * @category Figures
 */
export async function gradCam<
  T extends Tasks,
  const K extends keyof T & string,
  I extends PredictInput | readonly PredictInput[] | Tensor4D,
>(
  model: ExportableModel<T>,
  image: I,
  options: GradCamOptions<T, K>,
): Promise<
  I extends readonly PredictInput[] | Tensor4D ? GradCam<GradCamTarget<T[K]>>[] : GradCam<GradCamTarget<T[K]>>
> {
  const many = Array.isArray(image) || (image as Partial<Tensor3D | Tensor4D> | null)?.rank === 4;
  const inputs = (many ? image : [image]) as readonly PredictInput[] | Tensor4D;
  const maps = await computeHeatMaps(
    model as unknown as ExportableModel,
    inputs,
    options as UntypedGradCamOptions,
  );
  return (many ? maps : maps[0]) as never; // TypeScript cannot verify that the return type depends on the type of `image`.
}

type UntypedGradCamOptions = GradCamOptions<Tasks, string>;

async function computeHeatMaps(
  model: ExportableModel,
  inputs: readonly PredictInput[] | Tensor4D,
  options: UntypedGradCamOptions,
): Promise<GradCam[]> {
  checkModel('gradCam', model, false);
  checks.options(
    'gradCam',
    options,
    { ...PREDICT_OPTION_NAMES, task: true, layer: true, target: true },
    {
      advice: "Write gradCam(model, image, { task: 'age' }).",
    },
  );
  checkPredictOptions('gradCam', options);
  const { task: name, layer, target } = options;
  const task = getTask(model.tasks, name);
  const outputFactors = getOutputFactors(task, name, target);
  const network = getNetwork(model);
  const graph = createGradCamGraph({
    graph: network.graph,
    task: name,
    kind: task.kind,
    layer,
    outputFactors,
  });
  return network.usage.run(() => runGradCam(graph, network, getPlatform(model), inputs, options));
}

async function runGradCam(
  graph: GradCamGraph,
  network: Network,
  platform: Platform,
  inputs: readonly PredictInput[] | Tensor4D,
  { target, batchSize = 32, decoder, signal, ...options }: UntypedGradCamOptions,
): Promise<GradCam[]> {
  const engine = await startEngine(platform, options.engine, options);
  const readImages = createImageReader(platform, network, inputs, { path: 'gradCam', decoder, signal });
  const size = Array.isArray(inputs) ? inputs.length : (inputs as Tensor4D).shape[0];
  const task = getTask(network.tasks, options.task);
  const maps: GradCam[] = [];
  try {
    for (let start = 0; start < size; start += batchSize) {
      const count = Math.min(batchSize, size - start);
      signal?.throwIfAborted();
      const images = await readImages(start, count);
      const outputs = await engine
        .forward(graph.pass, [images])
        .finally(() => 'dtype' in images && images.dispose());
      const [heats, scores] = (await Promise.all(outputs.map((output) => output.data()))) as Float32Array[];
      tf.dispose(outputs);
      for (let row = 0; row < count; row++) {
        const [values, score] = [getRow(heats!, row, count), getRow(scores!, row, count)];
        checkFinite([...score, ...values], `gradCam[${start + row}]`);
        maps.push(
          normalizeHeatMap(graph, values, target ?? getPredictedTarget(task, score, graph.threshold)),
        );
      }
      await yieldToEventLoop();
    }
  } finally {
    releaseGraph(graph.pass);
  }
  return maps;
}

function getTask(tasks: Tasks, name: string): AnyTask {
  if (Object.hasOwn(tasks, name)) return tasks[name]!;
  const names = Object.keys(tasks);
  throw createArgumentError(
    'gradCam.task',
    `a task of the model: ${checks.formatOptions(names)}`,
    formatValue(name),
    didYouMean(String(name), names) ?? 'Set task to the name of a task of this model.',
  );
}

const REGRESSION_TARGETS = ['higher', 'lower'] as const;

/**
 * Returns the factor by which each output unit of the task is multiplied to get the score of the target. Returns undefined if the target is
 * the predicted label, which differs between images.
 */
function getOutputFactors(
  task: AnyTask,
  name: string,
  target: string | undefined,
): readonly number[] | undefined {
  const words = task.labels ?? REGRESSION_TARGETS;
  if (target === undefined) return task.labels ? undefined : [1];
  const index = words.indexOf(target);
  if (index < 0) {
    throw createError({
      kind: 'argument',
      path: 'gradCam.target',
      expected: `a target of the ${name} task: ${checks.formatOptions(words)}`,
      received: formatValue(target),
      advice: didYouMean(String(target), words) ?? 'Omit target to explain the predicted label.',
    });
  }
  if (task.kind === 'categorical') return words.map((_, i) => (i === index ? 1 : 0));
  return [(task.kind === 'binary') === (index === 1) ? 1 : -1];
}

/** Returns the predicted label of an image. As in predictions, if several labels have the highest score, the first of them is returned. */
function getPredictedTarget({ kind, labels }: AnyTask, scores: Float32Array, threshold: number): string {
  if (!labels) return REGRESSION_TARGETS[0];
  if (kind === 'binary') return labels[scores[0]! > threshold ? 1 : 0]!;
  return labels[scores.indexOf(Math.max(...scores))]!;
}

function normalizeHeatMap({ layer, pass }: GradCamGraph, heat: Float32Array, target: string): GradCam {
  const [height, width] = pass.outputs[0]!.shape as [number, number];
  const peak = heat.reduce((most, x) => Math.max(most, x), 0);
  return { height, width, data: peak > 0 ? heat.map((x) => x / peak) : heat.slice(), peak, target, layer };
}

/**
 * Throws a `number` error if one of the values is NaN or infinite. Scores are checked in addition to heat maps, because ReLU converts NaN
 * to 0 on some backends.
 */
function checkFinite(values: readonly number[], path: string): void {
  const invalid = values.find((value) => !Number.isFinite(value));
  if (invalid === undefined) return;
  throw createError({
    kind: 'number',
    path,
    expected: 'a finite score and a heat map of finite numbers',
    received: String(invalid),
    advice: 'Check the losses in the history of the training run: if training diverged, the weights are NaN.',
  });
}

function getRow(values: Float32Array, row: number, count: number): Float32Array {
  const size = values.length / count;
  return values.subarray(row * size, (row + 1) * size);
}
