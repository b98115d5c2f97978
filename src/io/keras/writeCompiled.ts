import { fault } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import type { Metric } from '../../metrics/metric.js';
import type { Optimizer } from '../../optimizers/optimizer.js';
import type { AnyTask, Tasks } from '../../tasks/task.js';
import { float, kerasObject } from './writeObjects.js';

/** What a model is trained with. */
export interface Compiled {
  readonly tasks: Tasks;
  /** Factor of each task's loss. */
  readonly lossWeights: { readonly [task: string]: number };
  readonly optimizer: Optimizer;
  /** The rate as callbacks left it, where they may change it. */
  readonly learningRate?: number | undefined;
}

/** Losses by Keras's long names: its h5 reader does not find the short ones. */
const LOSSES = new Set([
  'mean_squared_error',
  'mean_absolute_error',
  'binary_crossentropy',
  'categorical_crossentropy',
]);

const METRICS: { readonly [name: string]: string } = {
  mae: 'MeanAbsoluteError',
  mse: 'MeanSquaredError',
  rmse: 'RootMeanSquaredError',
};

const unsayable = (path: string, expected: string, received: string, advice: string) =>
  fault({ kind: 'argument', path, expected, received, advice });

function lossJson(name: string, { loss }: AnyTask): Json {
  if (loss.name === 'huber') {
    const { delta = 1 } = loss.options;
    return kerasObject('keras.losses', 'Huber', { name: 'huber', reduction: 'sum_over_batch_size', delta });
  }
  if (LOSSES.has(loss.name)) return loss.name;
  const known = [...LOSSES, 'huber'].join(', ');
  const advice = 'Leave loss and optimizer out, and compile the model in Keras with a function of your own.';
  throw unsayable(`${name}.loss`, `a loss that Keras has too (${known})`, `"${loss.name}"`, advice);
}

/** A metric, by the name of its column here, so that both histories have the same columns. */
function metricJson(task: string, units: number, { name, weighted }: Metric): Json {
  const bare = weighted ? name.replace(/^weighted_/, '') : name;
  const make = (className: string, more: { readonly [key: string]: Json } = {}) =>
    kerasObject('keras.metrics', className, { name, dtype: 'float32', ...more });
  if (bare === 'accuracy') {
    return units === 1 ? make('BinaryAccuracy', { threshold: 0.5 }) : make('CategoricalAccuracy');
  }
  const className = Object.hasOwn(METRICS, bare) ? METRICS[bare] : undefined;
  if (className !== undefined) return make(className);
  const known = [...Object.keys(METRICS), 'accuracy'].join(', ');
  const advice = 'Leave loss and optimizer out, and compile the model in Keras.';
  throw unsayable(`${task}.metrics`, `metrics that Keras has too (${known})`, `"${name}"`, advice);
}

/** Metrics by task; null where there are none. */
function metricsJson(tasks: Tasks, weighted: boolean): Json {
  const lists = Object.entries(tasks).flatMap(([name, { metrics, units }]) => {
    const own = metrics.filter((metric) => metric.weighted === weighted);
    return own.length === 0 ? [] : [[name, own.map((metric) => metricJson(name, units, metric))] as const];
  });
  return lists.length === 0 ? null : Object.fromEntries(lists);
}

type Numbers = { readonly [option: string]: Json };

/** A rate, or a schedule as Keras counts it: in updates, as here. */
function rateJson(description: Numbers, now: number | undefined, path: string): Json {
  const schedule = (className: string, config: Numbers) =>
    kerasObject('keras.optimizers.schedules', className, { ...config, name: className });
  const { name } = description;
  if (name === 'constant') return float(now ?? (description.rate as number));
  if (name === 'exponentialDecay') {
    const { initial, decaySteps, rate, staircase } = description as Required<Numbers>;
    return schedule('ExponentialDecay', {
      initial_learning_rate: float(initial as number),
      decay_steps: decaySteps!,
      decay_rate: float(rate as number),
      staircase: staircase!,
    });
  }
  const rising = name === 'warmup';
  const { name: falling, initial, decaySteps, alpha } = (rising ? description.after : description) as Numbers;
  if (falling !== 'cosineDecay') {
    const advice = 'Leave loss and optimizer out, and compile the model in Keras with its own schedule.';
    const known = 'a number, constant(), exponentialDecay(), cosineDecay(), or warmup() of a cosine';
    throw unsayable(path, known, rising ? `warmup of ${String(falling)}` : String(name), advice);
  }
  return schedule('CosineDecay', {
    initial_learning_rate: float((rising ? description.from : initial) as number),
    decay_steps: decaySteps!,
    alpha: float(alpha as number),
    warmup_target: rising ? float(initial as number) : null,
    warmup_steps: rising ? description.steps! : 0,
  });
}

const OPTIMISERS: { readonly [rule: string]: readonly [className: string, name: string] } = {
  adam: ['Adam', 'adam'],
  adamw: ['AdamW', 'adam_w'],
  sgd: ['SGD', 'sgd'],
};

/** Class and configuration of an optimiser in Keras 3. */
export function optimizerJson(
  optimizer: Optimizer,
  learningRate?: number,
): { className: string; config: Numbers } {
  const { rule, schedule, clipping, weightDecay, gradientAccumulationSteps, adjustable } = optimizer;
  const [className, name] = (Object.hasOwn(OPTIMISERS, rule.name) ? OPTIMISERS[rule.name] : undefined) ?? [];
  if (className === undefined || name === undefined) {
    const advice = 'Leave loss and optimizer out, and compile the model in Keras.';
    throw unsayable('optimizer', 'adam(), adamw() or sgd()', rule.name, advice);
  }
  if (gradientAccumulationSteps > 1 && schedule.description.name !== 'constant') {
    const advice = 'Keras counts batches there, this library updates: export with a number as learningRate.';
    throw unsayable('optimizer', 'a schedule, or accumulated gradients', 'both', advice);
  }
  const { beta1, beta2, epsilon, momentum, nesterov } = rule.options;
  const config: Numbers = {
    name,
    learning_rate: rateJson(
      schedule.description,
      adjustable ? learningRate : undefined,
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
      ? { momentum: float(momentum as number), nesterov: nesterov! }
      : { beta_1: beta1!, beta_2: beta2!, epsilon: epsilon!, amsgrad: false }),
  };
  return { className, config };
}

/**
 * What a model was compiled with, as Keras 3 `get_compile_config` (trainers/trainer.py) writes it; an h5 file keeps the
 * optimiser under another key and leaves the modules of losses and metrics out.
 *
 * @throws `argument` fault for a loss, metric, schedule or optimiser that Keras cannot say.
 */
export function compiledJson(compiled: Compiled, legacy: boolean): Json {
  const { tasks, lossWeights, optimizer, learningRate } = compiled;
  const { className, config } = optimizerJson(optimizer, learningRate);
  const byTask = (value: (name: string, task: AnyTask) => Json) =>
    Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, value(name, task)]));
  const rest = {
    loss: byTask(lossJson),
    loss_weights: byTask((name) => float(lossWeights[name]!)),
    metrics: metricsJson(tasks, false),
    weighted_metrics: metricsJson(tasks, true),
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
  if (!legacy) return { optimizer: kerasObject('keras.optimizers', className, config), ...rest };
  return { ...withoutModules(rest), optimizer_config: { class_name: className, config } };
}

/** Objects as the h5 writer leaves them, `{class_name, config}`. */
function withoutModules<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutModules) as unknown as T;
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as { readonly [key: string]: Json }).filter(
    ([key]) => key !== 'module' && key !== 'registered_name',
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutModules(inner)])) as T;
}
