import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { HeatMap } from '../core/records/heatMap.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { releaseGraph, startEngine } from '../engines/select.js';
import { createImageReader, type PredictInput, type PredictOptions } from '../inference/predict.js';
import { type ExportableModel, getNetwork, getPlatform } from '../network/exportableModel.js';
import type { AnyTask, TargetOf, Tasks } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';
import { createGradCamGraph, type GradCamGraph } from './gradCamGraph.js';

/**
 * What a heat map may speak for: one of the labels, or a `higher` or `lower` number.
 *
 * @category Figures
 */
export type GradCamTarget<T extends AnyTask> = T['kind'] extends 'regression'
  ? 'higher' | 'lower'
  : TargetOf<T> & string;

/**
 * Options of {@link gradCam}.
 *
 * @category Figures
 */
export interface GradCamOptions<T extends Tasks, K extends keyof T & string> extends PredictOptions {
  /** Whose answer is explained. */
  readonly task: K;
  /**
   * The layer whose feature map is weighed, by its name in `model.architecture()`; its output is `[height, width, channels]`.
   * Default: that of the last convolution on the way to the task which leaves more than one place, after the batch
   * normalisation, activation and sum that follow it.
   */
  readonly layer?: string;
  /**
   * What the map speaks for. Default: the label that the model gives each image; for a regression `higher`. What speaks
   * against one of two labels is what speaks for the other, and against a higher number what speaks for a `lower` one.
   */
  readonly target?: GradCamTarget<T[K]>;
}

/**
 * A heat map of {@link gradCam}.
 *
 * @category Figures
 */
export interface GradCam<Word extends string = string> extends HeatMap {
  /** The largest number before all were divided by it; 0 where nothing in the image speaks for `toward`. */
  readonly peak: number;
  /** What the map speaks for. */
  readonly target: Word;
  /** The layer whose feature map was weighed. */
  readonly layer: string;
}

/**
 * Where in an image the answer of one task comes from: Grad-CAM (R. R. Selvaraju et al., 2017). Each channel of a feature map
 * counts by the mean derivative of the answer by it; what adds up above 0 is divided by its largest, so that every map has a 1.
 *
 * The answer is differentiated *before* the last activation: the number itself of a regression, the logit of a binary task
 * (towards its first label: minus the logit), the label's own number before the softmax. A head which ends in something other
 * than a dense layer, sigmoid or softmax is differentiated as it is. The network runs in inference mode, on every engine; each
 * call prepares the pass anew, so give many images in one.
 *
 * @param model - What {@link multiTask} built or {@link loadModel} opened.
 * @param image - One image or many, as `model.predict` takes them.
 * @returns A map an image, of the size of the feature map, over the whole image; `heatOverlay` of `tfjs-multitask/report` draws it.
 * @throws `argument` fault for an unknown task, layer or word, a layer that does not lead to the task or makes no map, and
 *   wrong images; `number` fault where the weights make NaN; the faults of {@link useEngine} for a named engine.
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
 * const older = await gradCam(model, [image, image], { task: 'age', toward: 'higher' });
 * console.log(older.length, older[0]?.toward); // 2 higher
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
  return (many ? maps : maps[0]) as never; // what the type says is known by the caller's input alone
}

type UntypedGradCamOptions = GradCamOptions<Tasks, string>;

async function computeHeatMaps(
  model: ExportableModel,
  inputs: readonly PredictInput[] | Tensor4D,
  options: UntypedGradCamOptions,
): Promise<GradCam[]> {
  const { task: name, layer, target, batchSize = 32, decoder } = options;
  checks.integer('gradCam.batchSize', batchSize, { min: 1, defaultValue: 32 });
  const task = getTask(model.tasks, name);
  const outputFactors = getOutputFactors(task, name, target);
  const network = getNetwork(model);
  const platform = getPlatform(model);
  const graph = createGradCamGraph({
    graph: network.graph,
    task: name,
    kind: task.kind,
    layer,
    outputFactors,
  });
  const engine = await startEngine(platform, options.engine, options);
  const readImages = createImageReader(platform, network, inputs, { path: 'gradCam', decoder });
  const size = Array.isArray(inputs) ? inputs.length : (inputs as Tensor4D).shape[0];
  const maps: GradCam[] = [];
  try {
    for (let start = 0; start < size; start += batchSize) {
      const count = Math.min(batchSize, size - start);
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
    checks.formatOptions(names),
    formatValue(name),
    didYouMean(String(name), names) ?? 'Give the name of a task of this model.',
  );
}

const REGRESSION_TARGETS = ['higher', 'lower'] as const;

/** A factor for each output, or undefined where each image chooses. */
function getOutputFactors(
  task: AnyTask,
  name: string,
  toward: string | undefined,
): readonly number[] | undefined {
  const words = task.labels ?? REGRESSION_TARGETS;
  if (toward === undefined) return task.labels ? undefined : [1];
  const index = words.indexOf(toward);
  if (index < 0) {
    throw createError({
      kind: 'argument',
      path: 'gradCam.target',
      expected: `${checks.formatOptions(words)} for the task ${name}`,
      received: formatValue(toward),
      advice: didYouMean(String(toward), words) ?? 'Omit it to explain the predicted label.',
    });
  }
  if (task.kind === 'categorical') return words.map((_, i) => (i === index ? 1 : 0));
  return [(task.kind === 'binary') === (index === 1) ? 1 : -1];
}

/** What an image is taken for; the first label of equals, as `decode` has it. */
function getPredictedTarget({ kind, labels }: AnyTask, scores: Float32Array, middle: number): string {
  if (!labels) return REGRESSION_TARGETS[0];
  if (kind === 'binary') return labels[scores[0]! > middle ? 1 : 0]!;
  return labels[scores.indexOf(Math.max(...scores))]!;
}

function normalizeHeatMap({ layer, pass }: GradCamGraph, heat: Float32Array, target: string): GradCam {
  const [height, width] = pass.outputs[0]!.shape as [number, number];
  const peak = heat.reduce((most, x) => Math.max(most, x), 0);
  return { height, width, data: peak > 0 ? heat.map((x) => x / peak) : heat.slice(), peak, target, layer };
}

/** A relu makes 0 of NaN on some backends: the score tells. */
function checkFinite(values: readonly number[], path: string): void {
  const invalid = values.find((value) => !Number.isFinite(value));
  if (invalid === undefined) return;
  throw createError({
    kind: 'number',
    path,
    expected: 'finite numbers',
    received: String(invalid),
    advice: 'Check the losses of the training run: a run that diverged leaves weights that are NaN.',
  });
}

function getRow(values: Float32Array, row: number, count: number): Float32Array {
  const size = values.length / count;
  return values.subarray(row * size, (row + 1) * size);
}
