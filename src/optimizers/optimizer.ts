import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { Json } from '../core/json.js';
import { constantSchedule } from '../schedules/constantSchedule.js';
import { RATE_ADVICE, type Schedule } from '../schedules/schedule.js';

/**
 * Options for clipping gradients before an update. As in Keras, at most one of the three options can be set.
 *
 * @category Optimizers
 */
export interface GradientClipping {
  /**
   * Maximum Euclidean norm of the gradient of each weight tensor. If the norm of a gradient is larger, the gradient is scaled down so that
   * its norm equals `clipNorm`.
   */
  readonly clipNorm?: number;
  /** Maximum absolute value of the elements of a gradient. Larger elements are clipped. */
  readonly clipValue?: number;
  /** Maximum Euclidean norm of all gradients together. If the norm is larger, all gradients are scaled down by the same factor. */
  readonly globalClipNorm?: number;
}

/**
 * Options that all optimizers have in common.
 *
 * @category Optimizers
 */
export interface OptimizerOptions extends GradientClipping {
  /** Learning rate: a number, which callbacks can change, or a schedule, which callbacks cannot change. Each optimizer has a default. */
  readonly learningRate?: number | Schedule;
  /** Decoupled weight decay, at least 0: before each update, every weight is multiplied by `1 - rate · weightDecay`. Default 0. */
  readonly weightDecay?: number;
  /** Number of batches whose mean gradient is used for one update. Default 1. */
  readonly gradientAccumulationSteps?: number;
}

/**
 * Formula by which an optimizer updates one weight tensor, elementwise.
 *
 * @category Optimizers
 */
export interface UpdateRule {
  /** Name of the optimizer as in Keras, in lower case, for example `adam`. */
  readonly name: string;
  /** Options that affect the update. A run can only be resumed if these options are unchanged. */
  readonly options: { readonly [option: string]: Json };
  /**
   * Names of the state tensors of each weight, such as `['m', 'v']`. A state tensor has the weight's shape and is initialized with zeros.
   */
  readonly slots: readonly string[];
  /**
   * Computes the coefficients of an update, such as bias corrections, which depend only on the learning rate and on the number of the
   * update, counted from 1. The coefficients are computed in double precision and passed to the training step as scalars.
   */
  computeCoefficients(update: number, rate: number): readonly number[];
  /** Pure function that computes the new values of a weight tensor and of its state tensors (slots). All tensors have the same shape. */
  apply(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    coefficients: readonly Scalar[],
  ): {
    /** New value of the weight, in the same shape. */
    readonly weight: Tensor;
    /** New values of the state tensors, in the order of the rule's `slots`. */
    readonly slots: readonly Tensor[];
  };
}

/**
 * Optimizer: an update rule with a learning rate schedule, gradient clipping and weight decay. An optimizer has no state; the training run
 * stores the state tensors (slots).
 *
 * @category Optimizers
 */
export interface Optimizer {
  /** Update rule: the formula of the optimizer. */
  readonly rule: UpdateRule;
  /** Learning rate of each update. A plain number becomes a {@link constantSchedule}. */
  readonly schedule: Schedule;
  /** Whether callbacks can change the learning rate. True only if the learning rate was set as a number, not as a schedule. */
  readonly isLearningRateAdjustable: boolean;
  /** Gradient clipping before each update. An empty object disables clipping. */
  readonly clipping: GradientClipping;
  /** Decoupled weight decay. 0 if there is no weight decay. */
  readonly weightDecay: number;
  /** Number of batches whose mean gradient is used for one update. */
  readonly gradientAccumulationSteps: number;
  /** All options that affect the results, as plain data. A run can only be resumed if these options are unchanged. */
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

/** Creates an optimizer from an update rule and the options that all optimizers have in common. */
export function createOptimizer(rule: UpdateRule, options: OptimizerOptions, defaultRate: number): Optimizer {
  const { learningRate = defaultRate, weightDecay = 0, gradientAccumulationSteps = 1 } = options;
  const { clipNorm, clipValue, globalClipNorm } = options;
  const clipping = { clipNorm, clipValue, globalClipNorm };
  const clippingOptions = Object.entries(clipping).filter(([, value]) => value !== undefined);
  if (clippingOptions.length > 1) {
    throw createError({
      kind: 'argument',
      path: rule.name,
      expected: 'at most one of the options clipNorm, clipValue and globalClipNorm',
      received: `the options ${clippingOptions.map(([name]) => name).join(' and ')}`,
      advice: 'Set only one of these options.',
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
      advice: 'Pass a number such as 0.001, or a schedule such as exponentialDecay({ ... }).',
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
