import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { Json } from '../core/json.js';
import { constantSchedule } from '../schedules/constantSchedule.js';
import { RATE_ADVICE, type Schedule } from '../schedules/schedule.js';

/**
 * Gradient clipping before an update. As in Keras, at most one of the three options can be set.
 *
 * @category Optimizers
 */
export interface GradientClipping {
  /** Largest Euclidean norm of each weight's gradient. Larger gradients are scaled down to this norm. */
  readonly clipNorm?: number;
  /** Largest absolute value in a gradient. Values outside this range are clipped. */
  readonly clipValue?: number;
  /** Largest Euclidean norm of all gradients together. Larger gradients are scaled down to this norm. */
  readonly globalClipNorm?: number;
}

/**
 * Options of all optimizers.
 *
 * @category Optimizers
 */
export interface OptimizerOptions extends GradientClipping {
  /** Learning rate: a number, which callbacks can change, or a schedule, which callbacks cannot change. */
  readonly learningRate?: number | Schedule;
  /** Decoupled weight decay, at least 0: before each update, every weight is multiplied by `1 - rate · weightDecay`. Default 0. */
  readonly weightDecay?: number;
  /** Number of batches whose mean gradient is used for one update. Default 1. */
  readonly gradientAccumulationSteps?: number;
}

/**
 * The formula of an optimizer for one tensor of weights. It is applied elementwise.
 *
 * @category Optimizers
 */
export interface UpdateRule {
  /** Name as in Keras, in lower case: `adam`. */
  readonly name: string;
  /** Options that change the numbers. They are part of a checkpoint's fingerprint. */
  readonly options: { readonly [option: string]: Json };
  /**
   * Names of the state tensors of each weight, such as `['m', 'v']`. A state tensor has the weight's shape and is initialized with zeros.
   */
  readonly slots: readonly string[];
  /**
   * Computes the coefficients of an update, which depend only on the number of the update, counted from 1, and on the learning rate. They
   * are computed in double precision and passed to the training step as scalars.
   */
  computeCoefficients(update: number, rate: number): readonly number[];
  /** Computes the new weight and the new slots from tensors of equal shape and the coefficients. It must be a pure function. */
  apply(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    coefficients: readonly Scalar[],
  ): {
    /** The new weight. It has the same shape as the old weight. */
    readonly weight: Tensor;
    /** The new slots, in the order of `slots` of the rule. */
    readonly slots: readonly Tensor[];
  };
}

/**
 * An optimizer: an update rule with its schedule, clipping and weight decay. It has no state; the training run stores the slots.
 *
 * @category Optimizers
 */
export interface Optimizer {
  /** Formula of the update. */
  readonly rule: UpdateRule;
  /** Learning rate of each update. A plain number becomes a {@link constantSchedule}. */
  readonly schedule: Schedule;
  /** Whether callbacks can change the learning rate, because it was set as a number. */
  readonly isLearningRateAdjustable: boolean;
  /** Gradient clipping before the update. An empty object if there is no clipping. */
  readonly clipping: GradientClipping;
  /** Decoupled weight decay. 0 if there is no weight decay. */
  readonly weightDecay: number;
  /** Number of batches whose mean gradient is used for one update. */
  readonly gradientAccumulationSteps: number;
  /** All options that change the numbers, for a checkpoint's fingerprint. */
  readonly description: Json;
}

/** Names of the options that all optimizers share. */
export const OPTIMIZER_OPTION_NAMES: checks.OptionNames<OptimizerOptions> = {
  learningRate: true,
  weightDecay: true,
  gradientAccumulationSteps: true,
  clipNorm: true,
  clipValue: true,
  globalClipNorm: true,
};

/** Throws an `argument` error unless `value` is an optimizer. */
export function checkOptimizer(path: string, value: unknown): void {
  const { rule } = (value ?? {}) as Partial<Optimizer>;
  checks.valid(path, value, typeof rule === 'object' && rule !== null, {
    noun: 'an optimizer',
    advice: 'Write optimizer: adam(), adamw() or sgd().',
  });
}

/** Creates an optimizer from an update rule and the options that all optimizers share. */
export function createOptimizer(rule: UpdateRule, options: OptimizerOptions, defaultRate: number): Optimizer {
  const { learningRate = defaultRate, weightDecay = 0, gradientAccumulationSteps = 1 } = options;
  const { clipNorm, clipValue, globalClipNorm } = options;
  const clipping = { clipNorm, clipValue, globalClipNorm };
  const clippingOptions = Object.entries(clipping).filter(([, value]) => value !== undefined);
  if (clippingOptions.length > 1) {
    throw createError({
      kind: 'argument',
      path: rule.name,
      expected: 'at most one of clipNorm, clipValue and globalClipNorm',
      received: clippingOptions.map(([name]) => name).join(' and '),
      advice: 'Keep one of them.',
    });
  }
  for (const [name, value] of clippingOptions)
    checks.number(`${rule.name}.${name}`, value, {
      above: 0,
      advice: 'Omit it to disable gradient clipping.',
    });
  checks.integer(`${rule.name}.gradientAccumulationSteps`, gradientAccumulationSteps, {
    min: 1,
    advice: 'Omit it to update the weights after every batch.',
  });
  if (typeof learningRate !== 'number' && typeof learningRate !== 'function') {
    throw createError({
      kind: 'argument',
      path: `${rule.name}.learningRate`,
      expected: 'a number or a schedule',
      received: formatValue(learningRate),
      advice: 'Pass 0.001, or a schedule such as exponentialDecay({ ... }).',
    });
  }
  if (typeof learningRate === 'number')
    checks.number(`${rule.name}.learningRate`, learningRate, { min: 0, advice: RATE_ADVICE });
  checks.number(`${rule.name}.weightDecay`, weightDecay, {
    min: 0,
    advice: 'Omit it to disable weight decay.',
  });
  const schedule = typeof learningRate === 'number' ? constantSchedule(learningRate) : learningRate;
  return {
    rule,
    schedule,
    isLearningRateAdjustable: typeof learningRate === 'number',
    clipping: Object.fromEntries(clippingOptions),
    weightDecay,
    gradientAccumulationSteps,
    description: {
      name: rule.name,
      ...rule.options,
      learningRate: schedule.description,
      ...Object.fromEntries(clippingOptions),
      weightDecay,
      gradientAccumulationSteps,
    },
  };
}
