import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { Json } from '../core/json.js';
import { constantSchedule } from '../schedules/constantSchedule.js';
import type { Schedule } from '../schedules/schedule.js';

/**
 * How a step's gradients are cut before the update; at most one of the three, as in Keras.
 *
 * @category Optimisers
 */
export interface GradientClipping {
  /** The largest Euclidean norm of each weight's gradient; longer ones are shortened. */
  readonly clipNorm?: number;
  /** The largest absolute value of each number of a gradient. */
  readonly clipValue?: number;
  /** The largest Euclidean norm of all gradients taken together. */
  readonly globalClipNorm?: number;
}

/**
 * Options that every optimiser takes.
 *
 * @category Optimisers
 */
export interface OptimizerOptions extends GradientClipping {
  /** A rate, which callbacks may change, or a schedule, which they may not. */
  readonly learningRate?: number | Schedule;
  /** Decoupled weight decay: before each update every weight loses `rate · weightDecay` of itself. Default none. */
  readonly weightDecay?: number;
  /** Batches whose mean gradient makes one update; default 1. */
  readonly gradientAccumulationSteps?: number;
}

/**
 * The formula of an optimiser for one tensor of weights; it works on each number by itself.
 *
 * @category Optimisers
 */
export interface UpdateRule {
  /** Keras's name in lower case, `adam`. */
  readonly name: string;
  /** What changes the numbers beside the name; part of a checkpoint's digest. */
  readonly options: { readonly [option: string]: Json };
  /** Names of the tensors it keeps for each weight, all of the weight's shape, all zero at first: `['m', 'v']`. */
  readonly slots: readonly string[];
  /**
   * The numbers of an update that depend on its count and rate alone, in double precision: they enter a step as
   * scalars. `update` counts from 1.
   */
  computeCoefficients(update: number, rate: number): readonly number[];
  /** New weight and new slots, from tensors of one shape and the coefficients as scalars. Pure. */
  apply(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    coefficients: readonly Scalar[],
  ): {
    /** Of the weight's shape. */
    readonly weight: Tensor;
    /** As many as came in, in their order. */
    readonly slots: readonly Tensor[];
  };
}

/**
 * An optimiser: an update rule and what stands around it. A value without state; its slots live in the training run.
 *
 * @category Optimisers
 */
export interface Optimizer {
  /** Its formula. */
  readonly rule: UpdateRule;
  /** The rate of each update; {@link constantSchedule} when a number was given. */
  readonly schedule: Schedule;
  /** Whether callbacks may change the rate: it was given as a number. */
  readonly isLearningRateAdjustable: boolean;
  /** How gradients are cut before the update; empty for not at all. */
  readonly clipping: GradientClipping;
  /** Share of itself that each weight loses before an update, times the rate; 0 for none. */
  readonly weightDecay: number;
  /** Batches whose mean gradient makes one update. */
  readonly gradientAccumulationSteps: number;
  /** Everything that changes the numbers, for a checkpoint's digest. */
  readonly description: Json;
}

/** An optimiser from its rule and the options that all of them share. */
export function createOptimizer(rule: UpdateRule, options: OptimizerOptions, defaultRate: number): Optimizer {
  const { learningRate = defaultRate, weightDecay = 0, gradientAccumulationSteps = 1 } = options;
  const { clipNorm, clipValue, globalClipNorm } = options;
  const clipping = { clipNorm, clipValue, globalClipNorm };
  const given = Object.entries(clipping).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw createError({
      kind: 'argument',
      path: rule.name,
      expected: 'at most one of clipNorm, clipValue and globalClipNorm',
      received: given.map(([name]) => name).join(' and '),
      advice: 'Keep one of them.',
    });
  }
  for (const [name, value] of given)
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
  checks.number(`${rule.name}.weightDecay`, weightDecay, {
    min: 0,
    advice: 'Omit it to disable weight decay.',
  });
  const schedule = typeof learningRate === 'number' ? constantSchedule(learningRate) : learningRate;
  return {
    rule,
    schedule,
    isLearningRateAdjustable: typeof learningRate === 'number',
    clipping: Object.fromEntries(given),
    weightDecay,
    gradientAccumulationSteps,
    description: {
      name: rule.name,
      ...rule.options,
      learningRate: schedule.description,
      ...Object.fromEntries(given),
      weightDecay,
      gradientAccumulationSteps,
    },
  };
}
