import * as checks from '../core/errors/checks.js';
import { createArgumentError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { Pruner } from './pruners/pruner.js';
import { type Objectives, toObjectiveList } from './results/objectives.js';
import { flattenParams, toParamsKey } from './space/flatParams.js';
import type { Space } from './space/space.js';
import type { Strategy } from './strategies/strategy.js';

/** The options that define a search, in a study as in `askAndTell`. */
interface SearchDefinition {
  readonly space: Space<any>;
  readonly objectives: Objectives;
  readonly strategy: Strategy;
  readonly initialParams: readonly unknown[];
  readonly pruner: Pruner;
  readonly seed: number;
}

/** A search definition before it is checked: a JavaScript caller may pass any value. */
type UncheckedSearchDefinition = { readonly [K in keyof SearchDefinition]?: unknown };

/**
 * Throws an `argument` fault for parts of a search that are something else, for two objectives of one column, and for unknown names; a
 * `data` fault for settings to try first that are of another space.
 */
export function checkSearch(path: string, parts: UncheckedSearchDefinition, known: readonly string[]): void {
  const createOptionError = (
    name: string,
    expected: string,
    value: unknown,
    advice: string,
    received = describeType(value),
  ) => createArgumentError(`${path}.${name}`, expected, received, advice);
  checks.optionNames(path, parts, known);
  const {
    space,
    objectives,
    strategy,
    initialParams = [],
    pruner,
    seed = 0,
  } = parts as Partial<SearchDefinition>;
  if (!Array.isArray(space?.dimensions)) {
    const advice = suggestAwait(space, 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).');
    throw createOptionError('space', 'a search space', space, advice);
  }
  const list = objectives ? toObjectiveList(objectives) : [];
  const isObjective = (one: (typeof list)[number] | null | undefined) =>
    typeof one?.metric === 'string' && ['minimize', 'maximize'].includes(one.direction);
  if (list.length === 0 || !list.every(isObjective)) {
    const advice = "Write objectives: minimize('val_loss').";
    throw createOptionError('objectives', 'an objective or an array of objectives', objectives, advice);
  }
  const metrics = list.map(({ metric }) => metric);
  checks.distinct(`${path}.objectives`, metrics, {
    noun: 'objectives of different columns',
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
    const expected = `at most ${newTrialCount} params, the number of first trials of ${strategy.name}`;
    const advice = `Remove some of them, or use options of ${strategy.name} that plan more trials.`;
    throw createOptionError(
      'initialParams',
      expected,
      initialParams,
      advice,
      `${initialParams.length} params`,
    );
  }
  const keys = Array.from(initialParams as readonly unknown[], (values, i) =>
    toParamsKey(flattenParams(space, values, `${path}.initialParams[${i}]`)),
  );
  const again = keys.findIndex((key, i) => keys.indexOf(key) < i);
  if (again >= 0)
    throw createArgumentError(
      `${path}.initialParams[${again}]`,
      'different params',
      `${keys[again]} twice`,
      'Remove one of them.',
    );
  checks.integer(`${path}.seed`, seed, { min: 0, defaultValue: 0 });
}
