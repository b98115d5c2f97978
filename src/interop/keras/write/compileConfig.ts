import { createArgumentError } from '../../../core/errors/errors.js';
import type { Json } from '../../../core/json.js';
import type { Metric } from '../../../metrics/metric.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import type { AnyTask, Tasks } from '../../../tasks/task.js';
import { createKerasObject, markFloat } from './kerasObjects.js';

/** Training configuration to write to a Keras file. */
export interface CompileConfig {
  readonly tasks: Tasks;
  /** Loss weights, keyed by task. */
  readonly lossWeights: { readonly [task: string]: number };
  readonly optimizer: Optimizer;
  /** Current learning rate, if it is a plain number that callbacks can change. Undefined if the learning rate follows a schedule. */
  readonly learningRate?: number | undefined;
}

/** Long names of the losses that exist in both Keras and this library. Keras does not recognize the short names in h5 files. */
const KERAS_LOSSES = new Set([
  'mean_squared_error',
  'mean_absolute_error',
  'binary_crossentropy',
  'categorical_crossentropy',
]);

const METRIC_CLASSES: { readonly [name: string]: string } = {
  mae: 'MeanAbsoluteError',
  mse: 'MeanSquaredError',
  rmse: 'RootMeanSquaredError',
};

function toLossConfig(name: string, { loss }: AnyTask): Json {
  if (loss.name === 'huber') {
    const { delta = 1 } = loss.options;
    return createKerasObject('keras.losses', 'Huber', {
      name: 'huber',
      reduction: 'sum_over_batch_size',
      delta,
    });
  }
  if (KERAS_LOSSES.has(loss.name)) return loss.name;
  const supportedLosses = [...KERAS_LOSSES, 'huber'].join(', ');
  const advice = 'Omit loss and optimizer, and compile the model in Keras with your own loss function.';
  throw createArgumentError(
    `${name}.loss`,
    `a loss that Keras also has (${supportedLosses})`,
    `the loss "${loss.name}"`,
    advice,
  );
}

/**
 * Converts a metric to its Keras configuration. The metric is named after its history column, so that the training histories of Keras
 * and this library have the same columns.
 */
function toMetricConfig(task: string, units: number, { name, weighted }: Metric): Json {
  const baseName = weighted ? name.replace(/^weighted_/, '') : name;
  const createMetric = (className: string, options: { readonly [key: string]: Json } = {}) =>
    createKerasObject('keras.metrics', className, { name, dtype: 'float32', ...options });
  if (baseName === 'accuracy') {
    return units === 1
      ? createMetric('BinaryAccuracy', { threshold: 0.5 })
      : createMetric('CategoricalAccuracy');
  }
  const className = Object.hasOwn(METRIC_CLASSES, baseName) ? METRIC_CLASSES[baseName] : undefined;
  if (className !== undefined) return createMetric(className);
  const supportedMetrics = [...Object.keys(METRIC_CLASSES), 'accuracy'].join(', ');
  const advice = 'Omit loss and optimizer, and compile the model in Keras.';
  throw createArgumentError(
    `${task}.metrics`,
    `a metric that Keras also has (${supportedMetrics})`,
    `the metric "${name}"`,
    advice,
  );
}

/** Converts the metrics of all tasks to their Keras configuration, keyed by task. Returns null if no task has metrics. */
function toMetricsConfig(tasks: Tasks, weighted: boolean): Json {
  const lists = Object.entries(tasks).flatMap(([name, { metrics, units }]) => {
    const matchingMetrics = metrics.filter((metric) => metric.weighted === weighted);
    return matchingMetrics.length === 0
      ? []
      : [[name, matchingMetrics.map((metric) => toMetricConfig(name, units, metric))] as const];
  });
  return lists.length === 0 ? null : Object.fromEntries(lists);
}

type JsonRecord = { readonly [option: string]: Json };

/**
 * Converts a learning rate or schedule to its Keras configuration. Step counts do not change, because both Keras and this library count
 * optimizer updates.
 */
function toLearningRateConfig(description: JsonRecord, current: number | undefined, path: string): Json {
  const createSchedule = (className: string, config: JsonRecord) =>
    createKerasObject('keras.optimizers.schedules', className, { ...config, name: className });
  const { name } = description;
  if (name === 'constant') return markFloat(current ?? (description.rate as number));
  if (name === 'exponentialDecay') {
    const { initial, decaySteps, rate, staircase } = description as Required<JsonRecord>;
    return createSchedule('ExponentialDecay', {
      initial_learning_rate: markFloat(initial as number),
      decay_steps: decaySteps!,
      decay_rate: markFloat(rate as number),
      staircase: staircase!,
    });
  }
  const isWarmup = name === 'warmup';
  const {
    name: decayName,
    initial,
    decaySteps,
    alpha,
  } = (isWarmup ? description.after : description) as JsonRecord;
  if (decayName !== 'cosineDecay') {
    const advice = 'Omit loss and optimizer, and compile the model in Keras with a Keras schedule.';
    const supportedSchedules =
      'a number, constantSchedule(), exponentialDecay(), cosineDecay(), or warmup() followed by cosineDecay()';
    throw createArgumentError(
      path,
      supportedSchedules,
      isWarmup ? `warmup() followed by the ${String(decayName)} schedule` : `the ${String(name)} schedule`,
      advice,
    );
  }
  return createSchedule('CosineDecay', {
    initial_learning_rate: markFloat((isWarmup ? description.from : initial) as number),
    decay_steps: decaySteps!,
    alpha: markFloat(alpha as number),
    warmup_target: isWarmup ? markFloat(initial as number) : null,
    warmup_steps: isWarmup ? description.steps! : 0,
  });
}

const OPTIMIZER_CLASSES: { readonly [rule: string]: readonly [className: string, name: string] } = {
  adam: ['Adam', 'adam'],
  adamw: ['AdamW', 'adam_w'],
  sgd: ['SGD', 'sgd'],
};

/** Returns the Keras 3 class name and configuration of an optimizer. */
export function toOptimizerConfig(
  optimizer: Optimizer,
  learningRate?: number,
): { className: string; config: JsonRecord } {
  const { rule, schedule, clipping, weightDecay, gradientAccumulationSteps, isLearningRateAdjustable } =
    optimizer;
  const [className, name] =
    (Object.hasOwn(OPTIMIZER_CLASSES, rule.name) ? OPTIMIZER_CLASSES[rule.name] : undefined) ?? [];
  if (className === undefined || name === undefined) {
    const advice = 'Omit loss and optimizer, and compile the model in Keras.';
    throw createArgumentError('optimizer', 'adam(), adamw() or sgd()', `the ${rule.name} optimizer`, advice);
  }
  if (gradientAccumulationSteps > 1 && schedule.description.name !== 'constant') {
    const advice =
      'Export with a number as learningRate: Keras schedules count batches, but the schedules of this library count weight updates.';
    throw createArgumentError(
      'optimizer',
      'a schedule or gradient accumulation, but not both',
      'both a schedule and gradient accumulation',
      advice,
    );
  }
  const { beta1, beta2, epsilon, momentum, nesterov } = rule.options;
  const config: JsonRecord = {
    name,
    learning_rate: toLearningRateConfig(
      schedule.description,
      isLearningRateAdjustable ? learningRate : undefined,
      `${rule.name}.learningRate`,
    ),
    weight_decay: weightDecay === 0 && className !== 'AdamW' ? null : weightDecay,
    clipnorm: clipping.clipNorm ?? null,
    global_clipnorm: clipping.globalClipNorm ?? null,
    clipvalue: clipping.clipValue ?? null,
    use_ema: false,
    ema_momentum: 0.99,
    ema_overwrite_frequency: null,
    loss_scale_factor: null,
    gradient_accumulation_steps: gradientAccumulationSteps > 1 ? gradientAccumulationSteps : null,
    ...(className === 'SGD'
      ? { momentum: markFloat(momentum as number), nesterov: nesterov! }
      : { beta_1: beta1!, beta_2: beta2!, epsilon: epsilon!, amsgrad: false }),
  };
  return { className, config };
}

/**
 * Creates the compile configuration for a Keras file. The result matches that of Keras 3 `get_compile_config` (trainers/trainer.py). In
 * the h5 format, the optimizer has a different key, and losses and metrics have no module names.
 *
 * @throws An `argument` error if Keras has no equivalent of a loss, metric, schedule or optimizer.
 */
export function toKerasCompileConfig(compiled: CompileConfig, legacy: boolean): Json {
  const { tasks, lossWeights, optimizer, learningRate } = compiled;
  const { className, config } = toOptimizerConfig(optimizer, learningRate);
  const byTask = (value: (name: string, task: AnyTask) => Json) =>
    Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, value(name, task)]));
  const settings = {
    loss: byTask(toLossConfig),
    loss_weights: byTask((name) => markFloat(lossWeights[name]!)),
    metrics: toMetricsConfig(tasks, false),
    weighted_metrics: toMetricsConfig(tasks, true),
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
  if (!legacy) return { optimizer: createKerasObject('keras.optimizers', className, config), ...settings };
  return { ...stripModules(settings), optimizer_config: { class_name: className, config } };
}

/** Removes the module and the registered name from all objects, because Keras writes only `{class_name, config}` to h5 files. */
function stripModules<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(stripModules) as unknown as T;
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as { readonly [key: string]: Json }).filter(
    ([key]) => key !== 'module' && key !== 'registered_name',
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, stripModules(inner)])) as T;
}
