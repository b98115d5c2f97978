import * as checks from '../core/errors/checks.js';
import { createArgumentError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { Pruner } from './pruners/pruner.js';
import { type Objectives, toObjectiveList } from './results/objectives.js';
import { flattenParams, toParamsKey } from './space/flatParams.js';
import type { Space } from './space/space.js';
import type { Strategy } from './strategies/strategy.js';

/** Options that define a search, in `study` as well as in `askAndTell`. */
interface SearchDefinition {
  readonly space: Space<any>;
  readonly objectives: Objectives;
  readonly strategy: Strategy;
  readonly initialParams: readonly unknown[];
  readonly pruner: Pruner;
  readonly seed: number;
}

/** Search options before validation. A JavaScript caller may pass values of any type. */
type UncheckedSearchDefinition = { readonly [K in keyof SearchDefinition]?: unknown };

/**
 * Validates the options that `study` and `askAndTell` have in common.
 *
 * @param path - Name of the function that was called, for error messages.
 * @throws An `argument` error if an option has the wrong type or an unknown name, or two objectives use one column. A `data` error
 *   if initial params do not belong to the search space.
 */
export function checkSearch(
  path: string,
  options: UncheckedSearchDefinition,
  optionNames: readonly string[],
): void {
  const createOptionError = (
    name: string,
    expected: string,
    value: unknown,
    advice: string,
    received = describeType(value),
  ) => createArgumentError(`${path}.${name}`, expected, received, advice);
  checks.optionNames(path, options, optionNames);
  const {
    space,
    objectives,
    strategy,
    initialParams = [],
    pruner,
    seed = 0,
  } = options as Partial<SearchDefinition>;
  if (!Array.isArray(space?.dimensions)) {
    const advice = suggestAwait(space, 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).');
    throw createOptionError('space', 'a search space', space, advice);
  }
  const list = objectives ? toObjectiveList(objectives) : [];
  const isObjective = (objective: (typeof list)[number] | null | undefined) =>
    typeof objective?.metric === 'string' && ['minimize', 'maximize'].includes(objective.direction);
  if (list.length === 0 || !list.every(isObjective)) {
    const advice = "Write objectives: minimize('val_loss').";
    throw createOptionError('objectives', 'an objective or an array of objectives', objectives, advice);
  }
  const metrics = list.map(({ metric }) => metric);
  checks.distinct(`${path}.objectives`, metrics, {
    noun: 'objectives with different columns',
    advice: 'Remove one of them.',
  });
  if (typeof strategy?.propose !== 'function')
    throw createOptionError('strategy', 'a strategy', strategy, 'Write strategy: tpe().');
  if (pruner !== undefined && typeof pruner?.prune !== 'function')
    throw createOptionError('pruner', 'a pruner', pruner, 'Write pruner: medianPruner().');
  checks.list(`${path}.initialParams`, initialParams, {
    noun: 'an array of params',
    advice: 'Write initialParams: [{ dropout: 0.3 }].',
  });
  const { newTrialCount } = strategy;
  if (newTrialCount !== undefined && initialParams.length > newTrialCount) {
    const expected = `at most ${newTrialCount} initial params, the number of trials that ${strategy.name} starts`;
    const advice = `Remove some of them, or change the options of ${strategy.name} so that it starts more trials.`;
    throw createOptionError(
      'initialParams',
      expected,
      initialParams,
      advice,
      `${initialParams.length} initial params`,
    );
  }
  const keys = Array.from(initialParams as readonly unknown[], (params, i) =>
    toParamsKey(flattenParams(space, params, `${path}.initialParams[${i}]`)),
  );
  const duplicateIndex = keys.findIndex((key, i) => keys.indexOf(key) < i);
  if (duplicateIndex >= 0)
    throw createArgumentError(
      `${path}.initialParams[${duplicateIndex}]`,
      'params that differ from all others',
      `${keys[duplicateIndex]} twice`,
      'Remove one of them.',
    );
  checks.integer(`${path}.seed`, seed, { min: 0, defaultValue: 0 });
}
