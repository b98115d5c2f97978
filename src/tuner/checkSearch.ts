import { checkInteger } from '../core/errors/checkInteger.js';
import {
  checkOptionNames,
  createError,
  describeType,
  formatValue,
  suggestFix,
} from '../core/errors/errors.js';
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
  const wrong = (
    part: string,
    expected: string,
    given: unknown,
    advice: string,
    received = describeType(given),
  ) => createError({ kind: 'argument', path: `${path}.${part}`, expected, received, advice });
  checkOptionNames(path, parts, known);
  const {
    space,
    objectives,
    strategy,
    initialParams = [],
    pruner,
    seed = 0,
  } = parts as Partial<SearchDefinition>;
  if (!Array.isArray(space?.dimensions)) {
    const advice = suggestFix(space, 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).');
    throw wrong('space', 'a space', space, advice);
  }
  const list = objectives ? toObjectiveList(objectives) : [];
  const isObjective = (one: (typeof list)[number] | null | undefined) =>
    typeof one?.metric === 'string' && ['minimize', 'maximize'].includes(one.direction);
  if (list.length === 0 || !list.every(isObjective)) {
    const advice = "Write objectives: minimize('val_loss').";
    throw wrong('objectives', 'one objective or several', objectives, advice);
  }
  const twice = list.find(({ metric }, i) => list.findIndex((other) => other.metric === metric) < i);
  if (twice)
    throw wrong(
      'objectives',
      'each column once',
      twice,
      'Leave one out.',
      `${formatValue(twice.metric)} twice`,
    );
  if (typeof strategy?.propose !== 'function')
    throw wrong('strategy', 'a strategy', strategy, 'Write strategy: tpe().');
  if (pruner !== undefined && typeof pruner?.prune !== 'function')
    throw wrong('pruner', 'a pruner', pruner, 'Write pruner: medianPruner().');
  if (!Array.isArray(initialParams))
    throw wrong(
      'initialParams',
      'a list of settings',
      initialParams,
      'Write initialParams: [{ dropout: 0.3 }].',
    );
  const { newTrialCount } = strategy;
  if (newTrialCount !== undefined && initialParams.length > newTrialCount) {
    const expected = `at most ${newTrialCount} settings, as many as ${strategy.name} begins with`;
    throw wrong(
      'initialParams',
      expected,
      initialParams,
      'Leave some out, or give it a larger plan.',
      `${initialParams.length}`,
    );
  }
  const keys = Array.from(initialParams as readonly unknown[], (values, i) =>
    toParamsKey(flattenParams(space, values, `${path}.initialParams[${i}]`)),
  );
  const again = keys.findIndex((key, i) => keys.indexOf(key) < i);
  if (again >= 0)
    throw wrong(
      `initialParams[${again}]`,
      'each setting once',
      again,
      'Leave one out.',
      `${keys[again]} twice`,
    );
  checkInteger(`${path}.seed`, seed, 0, 'Leave it out for 0.');
}
