import * as checks from '../core/errors/checks.js';
import { createArgumentError } from '../core/errors/errors.js';
import type { Pruner } from './pruners/pruner.js';
import { checkObjectives, checkSpace } from './results/checkResults.js';
import { type Objectives, toObjectiveList } from './results/objectives.js';
import { flattenParams, toParamsKey } from './space/flatParams.js';
import type { Space } from './space/space.js';
import type { Strategy } from './strategies/strategy.js';

/**
 * Options that `study` and `askAndTell` share.
 *
 * @typeParam V - Type of the params.
 * @category Tuner
 */
export interface SearchDefinition<V = unknown> {
  /** Strategy that chooses the params of each trial. */
  readonly strategy: Strategy;
  /** History columns to minimize or maximize, for example `minimize('val_loss')`. */
  readonly objectives: Objectives;
  /** Seed for the strategy's random draws. Default: 0. */
  readonly seed?: number;
  /**
   * Params to try first, in this order, for example params that are known to work well. Params that a trial has already used are
   * skipped, so you can add more params when you continue a search. Machines that run trials with `runSingleTrial` need the same list.
   * {@link hyperband} runs these params as the first trials of its first rounds. Default: none.
   */
  readonly initialParams?: readonly V[];
  /** Pruner that stops unpromising trials early. Default: no trial is pruned. */
  readonly pruner?: Pruner;
}

/** Names of the options in {@link SearchDefinition}. Options with other names are rejected. */
export const SEARCH_OPTION_NAMES: checks.OptionNames<SearchDefinition> = {
  strategy: true,
  objectives: true,
  seed: true,
  initialParams: true,
  pruner: true,
};

/**
 * Checks the options that define a search. The caller must check the names of the options first.
 *
 * @param path - Name of the function that was called, for error messages.
 * @param space - Search space, the first argument or an option.
 * @throws An `argument` error if an option has the wrong type, or two objectives use one column. A `data` error if initial params do not
 *   belong to the search space.
 */
export function checkSearch(path: string, space: Space<any>, options: SearchDefinition): void {
  const { objectives, strategy, initialParams = [], pruner, seed = 0 } = options;
  checkSpace(`${path}.space`, space);
  checkObjectives(`${path}.objectives`, objectives);
  const metrics = toObjectiveList(objectives).map(({ metric }) => metric);
  checks.distinct(`${path}.objectives`, metrics, {
    noun: 'objectives with different columns',
    advice: 'Remove one of them.',
  });
  const { propose } = ((strategy as Strategy | undefined) ?? {}) as Partial<Strategy>;
  checks.valid(`${path}.strategy`, strategy, typeof propose === 'function', {
    noun: 'a strategy',
    advice: 'Write strategy: tpe().',
  });
  if (pruner !== undefined) {
    const { prune } = ((pruner as Pruner | null) ?? {}) as Partial<Pruner>;
    checks.valid(`${path}.pruner`, pruner, typeof prune === 'function', {
      noun: 'a pruner',
      advice: 'Write pruner: medianPruner().',
    });
  }
  checks.list(`${path}.initialParams`, initialParams, {
    noun: 'an array of params',
    advice: 'Write initialParams: [{ dropout: 0.3 }].',
  });
  const { newTrialCount } = strategy;
  if (newTrialCount !== undefined && initialParams.length > newTrialCount) {
    const expected = `at most ${newTrialCount} initial params, the number of trials that ${strategy.name} starts`;
    const advice = `Remove some of them, or change the options of ${strategy.name} so that it starts more trials.`;
    const received = `${initialParams.length} initial params`;
    throw createArgumentError(`${path}.initialParams`, expected, received, advice);
  }
  const keys = Array.from(initialParams as readonly unknown[], (params, i) =>
    toParamsKey(flattenParams(space, params, `${path}.initialParams[${i}]`)),
  );
  const duplicateIndex = keys.findIndex((key, i) => keys.indexOf(key) < i);
  if (duplicateIndex >= 0)
    throw createArgumentError(
      `${path}.initialParams[${duplicateIndex}]`,
      'params that differ from all other initial params',
      `${keys[duplicateIndex]} twice`,
      'Remove one of them.',
    );
  checks.integer(`${path}.seed`, seed, { min: 0, defaultValue: 0 });
}
