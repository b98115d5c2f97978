/** Laws of search spaces, strategies and searches. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExact, stringifyExact } from '../../src/core/exactJson.js';
import { createRng } from '../../src/core/rng.js';
import {
  alternatives,
  askAndTell,
  choice,
  float,
  getParamImportances,
  grid,
  hyperband,
  hyperbandPlan,
  int,
  maximize,
  medianPruner,
  minimize,
  type Objectives,
  type Parameter,
  type ParameterMap,
  type ProposedParams,
  paretoFront,
  random,
  type Space,
  type Strategy,
  space,
  successiveHalvingPruner,
  type TrialRecord,
  tpe,
} from '../../src/tuner/index.js';
import { buildFlatParams, flattenParams, nestParams, toParamsKey } from '../../src/tuner/space/flatParams.js';
import { findGridIndex, getGridParams } from '../../src/tuner/space/gridParams.js';
import { getKnownTrials, proposeTrial } from '../../src/tuner/strategies/proposeTrial.js';

const LOSS = minimize('loss');

const parameters: fc.Arbitrary<Parameter<any>> = fc.oneof(
  fc
    .tuple(fc.double({ min: -100, max: 100, noNaN: true }), fc.double({ min: 0.01, max: 100, noNaN: true }))
    .map(([min, width]) => float({ min, max: min + width })),
  fc
    .tuple(fc.double({ min: 1e-6, max: 1, noNaN: true }), fc.double({ min: 1.1, max: 1e5, noNaN: true }))
    .map(([min, times]) => float({ min, max: min * times, scale: 'log' })),
  fc
    .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 20 }))
    .map(([min, more]) => int({ min, max: min + more })),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 500 }))
    .map(([min, more]) => int({ min, max: min + more, scale: 'log' })),
  fc.integer({ min: 1, max: 9 }).map((n) => float({ min: 0, max: n / 10, step: 0.1 })),
  fc.integer({ min: 1, max: 6 }).map((n) => int({ min: 8, max: 8 + 8 * n, step: 8 })),
  fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 5 }).map((values) => choice(values)),
  fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 5 }).map((values) => choice(values)),
  fc.constant(choice([false, true])),
);
const probability = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('a parameter of a search space', () => {
  test('maps a probability to a value (probToValue), and maps the value back to a range that contains the probability (valueToProbRange)', () => {
    fc.assert(
      fc.property(parameters, probability, (parameter, prob) => {
        const value = parameter.probToValue(prob);
        const [from, to] = parameter.valueToProbRange(value)!;
        expect(from).toBeLessThanOrEqual(to);
        // Powers and quotients of doubles have rounding errors.
        expect(prob).toBeGreaterThanOrEqual(from - 1e-9);
        expect(prob).toBeLessThanOrEqual(to + 1e-9);
        expect(from === to).toBe(!Number.isFinite(parameter.count));
        if (from < to) expect(parameter.probToValue((from + to) / 2)).toBe(value);
        else if (typeof value === 'number')
          expect(parameter.probToValue(from) / value || 0).toBeCloseTo(value === 0 ? 0 : 1, 9);
      }),
    );
  });

  test('with finitely many values divides the probabilities from 0 to 1 among these values without gaps, and a grid search proposes each value once', () => {
    fc.assert(
      fc.property(parameters, (parameter) => {
        fc.pre(Number.isFinite(parameter.count));
        const values = Array.from({ length: parameter.count }, (_, i) => parameter.valueAt!(i));
        expect(new Set(values).size).toBe(parameter.count);
        const ranges = values.map((value) => parameter.valueToProbRange(value)!);
        expect(ranges[0]![0]).toBe(0);
        expect(ranges.at(-1)![1]).toBeCloseTo(1, 9);
        for (const [i, [from]] of ranges.slice(1).entries()) expect(from).toBeCloseTo(ranges[i]![1], 9);
        for (const [i, [from, to]] of ranges.entries())
          expect(parameter.probToValue((from + to) / 2)).toBe(values[i]);
        const searchSpace = space({ it: parameter });
        const { propose } = grid();
        const request = { space: searchSpace, objectives: LOSS, seed: 0, trials: [] };
        const tried = Array.from({ length: parameter.count }, (_, i) =>
          propose({ ...request, number: i + 1 }),
        );
        expect(tried.map((proposal) => (proposal as ProposedParams).flatParams.get('it'))).toEqual(values);
        expect(propose({ ...request, number: parameter.count + 1 })).toBe('exhausted');
      }),
    );
  });

  /** Lists all values of a parameter in order. */
  const listValues = ({ count, valueAt }: Parameter<number>) =>
    Array.from({ length: count }, (_, i) => valueAt!(i));

  test('with a linear step has distinct values within its bounds, and includes max if max is a whole number of steps from min', () => {
    const bound = fc.integer({ min: -3000, max: 3000 });
    const size = fc.constantFrom(1, 10, 1e3, 1e6, 1e9, 1e12);
    const many = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(
        size,
        bound,
        fc.integer({ min: 1, max: 50 }),
        many,
        fc.nat(49),
        (size, from, step, n, over) => {
          const min = size * from;
          const max = min + n * step + (over % step);
          const values = listValues(int({ min, max, step }));
          expect(values).toEqual(Array.from({ length: n + 1 }, (_, i) => min + i * step));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 10, 100, 1e3),
        bound,
        fc.integer({ min: 1, max: 50 }),
        many,
        (parts, from, step, n) => {
          // The values equal the decimal literals of the steps.
          const values = listValues(
            float({ min: from / parts, max: (from + n * step) / parts, step: step / parts }),
          );
          expect(values).toEqual(Array.from({ length: n + 1 }, (_, i) => (from + i * step) / parts));
        },
      ),
    );
    const any = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(any, fc.double({ min: 1e-3, max: 10, noNaN: true }), many, any, (min, step, n, more) => {
        const whole = min + n * step;
        const exact = listValues(float({ min, max: whole, step }));
        expect([exact.length, exact[0], exact.at(-1)]).toEqual([n + 1, min, whole]);
        const max = whole + step * Math.abs((more / 1e6) % 0.99);
        const values = listValues(float({ min, max, step }));
        expect(values.length).toBe(n + 1);
        for (const [i, value] of values.entries()) {
          expect(value >= min && value <= max).toBe(true);
          if (i > 0) expect(value).toBeGreaterThan(values[i - 1]!);
        }
      }),
    );
  });

  test('with a step on a log scale has distinct values within its bounds, and includes max if max is min times a power of the step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        (min, step, n) => {
          fc.pre(min * step ** n < 2 ** 53);
          const powers = Array.from({ length: n + 1 }, (_, i) => min * step ** i);
          const max = powers.at(-1)!;
          expect(listValues(int({ min, max, step, scale: 'log' }))).toEqual(powers);
          if (n > 1)
            expect(listValues(int({ min, max: max - 1, step, scale: 'log' }))).toEqual(powers.slice(0, -1));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        fc.double({ min: 1.01, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 100 }),
        (min, step, n) => {
          const values = listValues(float({ min, max: min * step ** n, step, scale: 'log' }));
          expect([values.length, values[0], values.at(-1)]).toEqual([n + 1, min, min * step ** n]);
          for (const [i, value] of values.slice(1).entries()) expect(value).toBeGreaterThan(values[i]!);
        },
      ),
    );
  });

  test('returns undefined from valueToProbRange for a value that the parameter cannot have', () => {
    for (const [parameter, otherValues] of [
      [float({ min: 0, max: 1 }), [-0.1, 1.1, Number.NaN, '0.5', null]],
      [float({ min: 0, max: 1, step: 0.25 }), [0.3, -0.25, 1.25]],
      [int({ min: 1, max: 9 }), [0, 10, 2.5]],
      [choice(['a', 'b']), ['c', 0, undefined]],
    ] as const)
      for (const value of otherValues) expect(parameter.valueToProbRange(value)).toBeUndefined();
  });
});

const SMALL = space({
  filters: choice([32, 64]),
  optimizer: alternatives({
    adam: {},
    sgd: { momentum: choice([0, 0.5, 0.9]), nesterov: choice([false, true]) },
  }),
});
const MIXED = space({
  rate: float({ min: 1e-5, max: 1, scale: 'log' }),
  dropout: float({ min: 0, max: 0.5, step: 0.1 }),
  units: int({ min: 8, max: 64, step: 8 }),
  layers: int({ min: 1, max: 4 }),
  activation: choice(['relu', 'elu', 'tanh']),
  optimizer: alternatives({ adam: {}, sgd: { momentum: float({ min: 0, max: 0.99 }) } }),
});

describe('a search space', () => {
  test('has a different index for every grid point, and findGridIndex is the inverse of getGridParams', () => {
    for (const [searchSpace, steps] of [
      [SMALL, 1],
      [MIXED, 3],
    ] as const) {
      let count = 0;
      const keys = new Set<string>();
      for (
        let flat = getGridParams(searchSpace, 0, steps);
        flat;
        flat = getGridParams(searchSpace, count, steps)
      ) {
        expect(findGridIndex(searchSpace, flat, steps)).toBe(count++);
        keys.add(toParamsKey(flat));
      }
      expect(keys.size).toBe(count);
      if (searchSpace === SMALL) expect(count).toBe(SMALL.count);
    }
    const between = new Map([...getGridParams(MIXED, 0, 3)!, ['rate', 0.5]]);
    expect(findGridIndex(MIXED, between, 3)).toBeUndefined();
  });

  test('counts the possible combinations of values, including those of parameters inside alternatives', () => {
    expect(SMALL.count).toBe(2 * (1 + 3 * 2));
    expect(MIXED.count).toBe(Number.POSITIVE_INFINITY);
  });

  test('converts nested params to JSON and back without changes', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const draws = createRng(seed, 'setting');
        const flat = buildFlatParams(MIXED, ({ parameter }) => parameter.probToValue(draws.next()));
        expect(flattenParams(MIXED, JSON.parse(JSON.stringify(nestParams(MIXED, flat))))).toEqual(flat);
      }),
    );
  });
});

describe('stringifyExact and parseExact', () => {
  test('preserve any text and number, including NaN and both infinities', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('constructor', 'toString', '__proto__', '~', '~NaN', '~~NaN', '~-Infinity', 'NaN'),
    );
    const number = fc.double().map((value) => value + 0); // JSON.stringify writes -0 as 0.
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        text,
        number,
        fc.constantFrom(null, true, false),
        fc.array(tie('value')),
        fc.dictionary(text, tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        expect(parseExact(stringifyExact(original))).toEqual(original);
      }),
    );
  });

  test("preserve trial records with choice values such as '~NaN' and 'constructor'", () => {
    const searchSpace = space({ word: choice(['constructor', '~NaN', '~', 'b']) });
    const search = runSearch(searchSpace, random(), 0, 1, 10);
    const trials = parseExact(stringifyExact(search.trials)) as typeof search.trials;
    const again = askAndTell(searchSpace, { strategy: random(), objectives: LOSS, trials });
    expect(again.trials).toEqual(search.trials);
    expect(again.ask()).toBeUndefined();
  });
});

/** Computes a pseudorandom loss that depends on all params. */
const computeLoss = (params: unknown) => createRng(3, JSON.stringify(params)).next();

const STRATEGIES: readonly (readonly [string, Strategy])[] = [
  ['random', random()],
  ['grid', grid({ steps: 2 })],
  ['hyperband', hyperband({ maxEpochs: 9 })],
  ['tpe', tpe({ startupTrials: 4 })],
];

/** Runs a search with several concurrent trials. They finish in random order, and some of them fail. */
function runSearch(
  searchSpace: Space<any>,
  strategy: Strategy,
  seed: number,
  parallel: number,
  trialCount: number,
  objectives: Objectives = LOSS,
  initialParams: readonly any[] = [],
) {
  const search = askAndTell(searchSpace, { strategy, objectives, seed, initialParams });
  const draws = createRng(seed, 'order');
  const running: TrialRecord[] = [];
  for (let startedCount = 0; ; ) {
    while (running.length < parallel && startedCount < trialCount) {
      let trial: TrialRecord | undefined;
      try {
        trial = search.ask();
      } catch {
        break; // The strategy needs the result of a running trial first.
      }
      if (!trial) break;
      startedCount++;
      running.push(trial);
    }
    if (running.length === 0) return search;
    const [trial] = running.splice(draws.nextInt(running.length), 1);
    const outcome = draws.nextInt(10);
    if (outcome === 0) search.fail(trial!.number, 'for the test');
    else
      search.tell(trial!.number, {
        loss: outcome === 1 ? Number.NaN : computeLoss(trial!.params),
        size: trial!.number % 7,
      });
  }
}

describe.each(STRATEGIES)('a search with the %s strategy', (_, strategy) => {
  test('proposes the same params when it resumes from saved trial records in any order', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 4 }), fc.nat(), (seed, parallel, shuffle) => {
        const { trials } = runSearch(MIXED, strategy, seed, parallel, 30);
        const order = createRng(shuffle, 'shuffle').permutation(trials.length);
        const stored = parseExact(stringifyExact(order.map((i) => trials[i]))) as TrialRecord[];
        for (const { number, params, after, rung } of trials) {
          const knownTrials = getKnownTrials(number, after, stored).reverse();
          const again = proposeTrial(MIXED, { strategy, objectives: LOSS, seed }, number, knownTrials);
          expect(again).toMatchObject({ number, params, after });
          expect((again as TrialRecord).rung).toEqual(rung);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('over a small space tries each combination of params once, and then ends', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 3 }), (seed, parallel) => {
        const { trials } = runSearch(SMALL, strategy, seed, parallel, 100);
        const first = trials.filter(({ rung }) => !rung || rung.round === 0);
        const keys = first.map(({ params }) => toParamsKey(flattenParams(SMALL, params)));
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.length).toBe(SMALL.count); // The first rounds of Hyperband would have more trials: 9 + 5 + 3.
        expect(trials.every(({ state }) => state !== 'running')).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  const initialParamLists = fc
    .uniqueArray(fc.nat(SMALL.count - 1), { minLength: 1, maxLength: SMALL.count })
    .map((indices) => indices.map((i) => nestParams(SMALL, getGridParams(SMALL, i, 2)!)));
  const keysOf = (trials: readonly { readonly params: unknown }[]) =>
    trials.map(({ params }) => toParamsKey(flattenParams(SMALL, params)));
  const isNew = ({ rung }: TrialRecord) => rung?.parent === undefined;

  test('over a small space tries the initial params first, in order, and then every other combination of params once', () => {
    fc.assert(
      fc.property(
        initialParamLists,
        fc.nat(1000),
        fc.integer({ min: 1, max: 3 }),
        (initialParams, seed, parallel) => {
          const { trials } = runSearch(SMALL, strategy, seed, parallel, 100, LOSS, initialParams);
          const newTrials = trials.filter(isNew);
          expect(newTrials.slice(0, initialParams.length).map(({ params }) => params)).toEqual(initialParams);
          expect(newTrials.map(({ isInitial }) => isInitial)).toEqual(
            newTrials.map((_, i) => (i < initialParams.length ? true : undefined)),
          );
          expect(new Set(keysOf(newTrials)).size).toBe(newTrials.length);
          expect(newTrials.length).toBe(SMALL.count);
          for (const { number, params, after, rung, isInitial } of trials) {
            const knownTrials = getKnownTrials(number, after, trials);
            const options = { strategy, objectives: LOSS, seed };
            expect(proposeTrial(SMALL, { ...options, initialParams }, number, knownTrials)).toMatchObject({
              number,
              params,
              after,
            });
            // Params that are not initial params depend only on the records.
            if (!isInitial)
              expect(proposeTrial(SMALL, options, number, knownTrials)).toMatchObject({ params });
            expect(rung !== undefined).toBe(strategy.name === 'hyperband'); // The plan of hyperband contains the initial params too.
            if (rung?.parent !== undefined) expect(params).toEqual(trials[rung.parent - 1]!.params);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test('that resumes over a small space tries the remaining initial params first, and tries no combination of params twice', () => {
    fc.assert(
      fc.property(
        initialParamLists,
        fc.nat(1000),
        fc.nat(8),
        fc.nat(255),
        (initialParams, seed, startedCount, removedBits) => {
          const earlier = runSearch(SMALL, strategy, seed, 1, startedCount).trials;
          // Records are removed at random. Grid search chooses params by trial number, so it would not repeat removed trials.
          const savedTrials = earlier.filter((_, i) => strategy.name === 'grid' || !((removedBits >> i) & 1));
          // If a trial is removed, the trials that continue it are removed too.
          const trials = savedTrials.filter(({ rung }) =>
            savedTrials.some(({ number }) => number === (rung?.parent ?? number)),
          );
          const search = askAndTell(SMALL, { strategy, objectives: LOSS, seed, trials, initialParams });
          for (let trial = search.ask(); trial; trial = search.ask())
            search.tell(trial.number, { loss: computeLoss(trial.params) });
          const newTrials = search.trials.filter(isNew);
          const triedKeys = keysOf(trials);
          const untriedParams = initialParams.filter(
            (params) => !triedKeys.includes(toParamsKey(flattenParams(SMALL, params))),
          );
          const added = newTrials.filter(({ number }) => number > (trials.at(-1)?.number ?? 0));
          expect(added.slice(0, untriedParams.length).map(({ params }) => params)).toEqual(untriedParams);
          expect(new Set(keysOf(newTrials)).size).toBe(newTrials.length);
          if (strategy.name !== 'hyperband') expect(newTrials.length).toBe(SMALL.count);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('proposes the same params for equal seeds, and different params for different seeds unless it is a grid search', () => {
    const values = (seed: number) =>
      JSON.stringify(runSearch(MIXED, strategy, seed, 1, 8).trials.map((trial) => trial.params));
    expect(values(1)).toBe(values(1));
    if (strategy.name !== 'grid') expect(values(1)).not.toBe(values(2));
  });
});

test.each(STRATEGIES)('the %s strategy has the correct `independent` and `finite` flags', (_, strategy) => {
  if (strategy.independent) {
    // Machines that work independently do not know the results of earlier trials, so all of them count as running.
    const [first] = runSearch(MIXED, random(), 1, 1, 2).trials;
    for (const initialParams of [[], [first!.params]]) {
      const before: TrialRecord[] = [];
      const options = { strategy, objectives: LOSS, seed: 5, initialParams };
      for (const { number, params } of runSearch(MIXED, strategy, 5, 3, 40, LOSS, initialParams).trials) {
        const proposal = proposeTrial(MIXED, options, number, before) as TrialRecord;
        expect(proposal.params).toEqual(params);
        before.push(proposal);
      }
    }
  }
  // The number of trials is finite although MIXED has continuous parameters.
  if (strategy.finite) expect(runSearch(MIXED, strategy, 5, 3, 10_000).trials.length).toBeLessThan(10_000);
  expect([strategy.independent, strategy.finite]).toEqual(
    { grid: [true, true], random: [true, undefined], hyperband: [undefined, true] }[strategy.name] ?? [
      undefined,
      undefined,
    ],
  );
});

test('random search over a choice of two values ends after two trials with different values', () => {
  const search = runSearch(space({ filters: choice([32, 64]) }), random(), 0, 1, 10);
  expect(search.trials.map(({ params }) => (params as any).filters).sort()).toEqual([32, 64]);
});

test.each(STRATEGIES.filter(([name]) => name !== 'grid'))(
  'a search with the %s strategy over a range of only two floats ends after it tries both values',
  (_, strategy) => {
    const searchSpace = space({ x: float({ min: 1, max: 1 + Number.EPSILON }) });
    const search = runSearch(searchSpace, strategy, 0, 1, 10);
    const first = search.trials.filter(({ rung }) => !rung?.round);
    expect(first.map(({ params }) => (params as any).x).sort()).toEqual([1, 1 + Number.EPSILON]);
  },
);

describe('the hyperband strategy', () => {
  test('runs the trials of hyperbandPlan and promotes the best trials of each round', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3, 9, 10, 27),
        fc.nat(100),
        fc.integer({ min: 1, max: 5 }),
        (maxEpochs, seed, parallel) => {
          const search = askAndTell(MIXED, { strategy: hyperband({ maxEpochs }), objectives: LOSS, seed });
          const running: TrialRecord[] = [];
          const draws = createRng(seed, 'order');
          for (;;) {
            try {
              for (let next = running.length < parallel ? search.ask() : undefined; next; ) {
                running.push(next);
                next = running.length < parallel ? search.ask() : undefined;
              }
            } catch {}
            if (running.length === 0) break;
            const [trial] = running.splice(draws.nextInt(running.length), 1);
            search.tell(trial!.number, { loss: computeLoss(trial!.params) + 1 / trial!.rung!.epochs });
          }
          const { trials } = search;
          const byNumber = new Map(trials.map((trial) => [trial.number, trial]));
          for (const [i, rounds] of hyperbandPlan({ maxEpochs }).entries()) {
            const bracket = hyperbandPlan({ maxEpochs }).length - 1 - i;
            for (const [round, { trials: size, epochs }] of rounds.entries()) {
              const roundTrials = trials.filter(
                ({ rung }) => rung!.bracket === bracket && rung!.round === round,
              );
              expect(roundTrials).toHaveLength(size);
              expect(roundTrials.every(({ rung }) => rung!.epochs === epochs)).toBe(true);
              if (round === 0) continue;
              const parents = roundTrials.map(({ rung }) => byNumber.get(rung!.parent!)!);
              for (const [k, parent] of parents.entries())
                expect(roundTrials[k]!.params).toEqual(parent.params);
              const previousTrials = trials.filter(
                ({ rung }) => rung!.bracket === bracket && rung!.round === round - 1,
              );
              const getLoss = ({ rows }: TrialRecord) => rows[0]!.loss!;
              const best = [...previousTrials].sort((a, b) => getLoss(a) - getLoss(b)).slice(0, size);
              // Trials that are promoted before the round is complete are among the best too.
              expect(new Set(parents)).toEqual(new Set(best));
            }
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** Branin function (1972), with the minimum 0.397887 at three points. */
const branin = {
  space: space({ x: float({ min: -5, max: 10 }), y: float({ min: 0, max: 15 }) }) as Space<ParameterMap>,
  value: ({ x, y }: any) =>
    (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
    10,
};
const mixed = {
  space: MIXED as Space<ParameterMap>,
  value: ({ rate, dropout, units, layers, activation, optimizer }: any) =>
    (Math.log10(rate) + 3) ** 2 / 4 +
    4 * (dropout - 0.3) ** 2 +
    ((units - 32) / 24) ** 2 +
    (layers - 2) ** 2 / 4 +
    { relu: 0, elu: 0.6, tanh: 1 }[activation as 'relu'] +
    (optimizer.kind === 'adam' ? 0.4 : 2 * (optimizer.momentum - 0.9) ** 2),
};

describe('the tpe strategy', () => {
  test.each([
    ['Branin', branin],
    ['six mixed dimensions', mixed],
  ])(
    'on %s with 60 trials, reaches a median result over 20 seeds that is at least as good as that of random search with 180 trials',
    (_, { space: searchSpace, value }) => {
      const findSortedResults = (strategy: Strategy, count: number) =>
        Array.from({ length: 20 }, (_, seed) => {
          const search = askAndTell(searchSpace, { strategy, objectives: LOSS, seed });
          for (let i = 0; i < count; i++) {
            const { number, params } = search.ask()!;
            search.tell(number, { loss: value(params) });
          }
          return search.bestTrial()!.rows[0]!.loss!;
        }).sort((a, b) => a - b);
      const median = (sorted: number[]) => (sorted[9]! + sorted[10]!) / 2;
      expect(median(findSortedResults(tpe(), 60))).toBeLessThanOrEqual(
        median(findSortedResults(random(), 180)),
      );
    },
  );

  test('with two objectives proposes more than twice as many Pareto-optimal params as random search', () => {
    const searchSpace = space({ x: float({ min: -5, max: 5 }) });
    const objectives: Objectives = [minimize('near'), maximize('far')];
    const countFrontTrials = (strategy: Strategy) => {
      const search = askAndTell(searchSpace, { strategy, objectives, seed: 2 });
      for (let i = 0; i < 60; i++) {
        const { number, params } = search.ask()!;
        // The Pareto front is x from 0 to 2.
        search.tell(number, { near: params.x ** 2, far: -((params.x - 2) ** 2) });
      }
      expect(search.paretoFront()).toEqual(paretoFront(search.trials, objectives));
      return search.trials.filter(({ params }) => params.x >= 0 && params.x <= 2).length;
    };
    expect(countFrontTrials(tpe())).toBeGreaterThan(2 * countFrontTrials(random()));
  });
});

describe('getParamImportances', () => {
  /** Computes the importances of `n` and `u` for a loss that grows with the ratio between n and 2, and slightly with u. */
  const computeShares = (n: Parameter<number>, seed: number) => {
    const searchSpace = space({ n, u: float({ min: 0, max: 1 }) });
    const search = askAndTell(searchSpace, { strategy: random(), objectives: LOSS, seed });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: Math.abs(Math.log(params.n) - Math.log(2)) + 0.3 * params.u });
    }
    return getParamImportances(searchSpace, search.trials, LOSS).map(
      ({ share: countFrontTrials }) => countFrontTrials,
    );
  };

  test('assigns similar importances to an integer parameter and a float parameter with the same log scale', () => {
    for (let seed = 0; seed < 8; seed++) {
      const range = { min: 1, max: 1000, scale: 'log' } as const;
      const [integerShare] = computeShares(int(range), seed);
      const [floatShare] = computeShares(float(range), seed);
      // The trials differ, because an integer covers the range to the next integer.
      expect(Math.abs(integerShare! - floatShare!)).toBeLessThan(0.1);
    }
  });

  /** Runs a random search with a loss that may be equal for several trials. */
  const runRandomSearch = (
    searchSpace: Space<any>,
    count: number,
    seed: number,
    computeLoss: (params: any) => number,
  ) => {
    const search = askAndTell(searchSpace, { strategy: random(), objectives: LOSS, seed });
    for (let i = 0; i < count; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: computeLoss(params) });
    }
    return search.trials;
  };
  const line = float({ min: 0, max: 1 });
  const three = space({ a: line, b: line, c: line });

  test('returns importances of 0 if all trials have the same loss', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 4, max: 40 }), (seed, count) => {
        const trials = runRandomSearch(three, count, seed, () => 0.5);
        for (const { share: countFrontTrials } of getParamImportances(three, trials, LOSS))
          expect(countFrontTrials).toBe(0);
      }),
    );
  });

  test('returns the same importances for any order of trials with equal losses', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 4, max: 30 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, count, levels) => {
          const trials = runRandomSearch(three, count, seed, ({ a }) => Math.floor(levels * a));
          const order = createRng(seed, 'shuffle').permutation(count);
          const others = trials.map((trial, i) => ({ ...trial, number: order[i]! + 1 }));
          const [shares, again] = [trials, others].map((list) => getParamImportances(three, list, LOSS));
          // The doubles are added in a different order.
          for (const [i, { share: countFrontTrials }] of shares!.entries())
            expect(again![i]!.share).toBeCloseTo(countFrontTrials, 9);
        },
      ),
    );
  });

  test('flags a parameter that occurs in fewer than four trials', () => {
    const searchSpace = space({ rate: line, way: alternatives({ plain: {}, odd: { size: line } }) });
    const trials = runRandomSearch(searchSpace, 30, 1, ({ rate }) => rate);
    const odd = trials.filter(({ params }) => (params as any).way.kind === 'odd');
    const few = trials.filter((trial) => !odd.slice(3).includes(trial));
    expect(getParamImportances(searchSpace, few, LOSS).map(({ hasTooFewTrials }) => hasTooFewTrials)).toEqual(
      [undefined, undefined, true],
    );
    expect(
      getParamImportances(searchSpace, trials, LOSS).map(({ hasTooFewTrials }) => hasTooFewTrials),
    ).toEqual([undefined, undefined, undefined]);
  });
});

describe('paretoFront', () => {
  test('returns exactly the trials that no other trial dominates', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { minLength: 1 }),
        (points) => {
          const trials = points.map(
            ([a, b], i): TrialRecord => ({
              ...{ number: i + 1, params: {}, state: 'complete', after: [] },
              rows: [{ epoch: 1, a, b }],
            }),
          );
          const front = paretoFront(trials, [minimize('a'), maximize('b')]);
          const dominates = (one: TrialRecord, other: TrialRecord) => {
            const [x, y] = [one.rows[0]!, other.rows[0]!];
            return x.a! <= y.a! && x.b! >= y.b! && (x.a! < y.a! || x.b! > y.b!);
          };
          for (const trial of trials)
            expect(front.includes(trial)).toBe(!front.some((other) => dominates(other, trial)));
        },
      ),
    );
  });
});

describe('a pruner', () => {
  const trial = (
    number: number,
    losses: readonly number[],
    state: TrialRecord['state'] = 'complete',
  ): TrialRecord => ({
    ...{ number, params: {}, state, after: [] },
    rows: losses.map((loss, i) => ({ epoch: i + 1, loss })),
  });
  const others = [1, 2, 3, 4, 5].map((k) => trial(k, [k, k / 2, k / 3]));

  test('from medianPruner stops a trial that is worse than the median of the complete trials at the same epoch', () => {
    const { prune } = medianPruner({ startupTrials: 5, warmupEpochs: 1 });
    expect(prune(trial(6, [9], 'running'), others, LOSS)).toBeUndefined(); // in a warm-up epoch
    expect(prune(trial(6, [9, 1.5], 'running'), others, LOSS)).toBeUndefined(); // equal to the median
    expect(prune(trial(6, [9, 1.6], 'running'), others, LOSS)).toBe(
      'epoch 2: loss 1.6 is worse than the median of 5 trials, 1.5',
    );
    expect(prune(trial(6, [1, 1.6], 'running'), others, LOSS)).toBeUndefined(); // The best epoch of a trial counts.
    expect(prune(trial(6, [9, 1.6], 'running'), others.slice(1), LOSS)).toBeUndefined(); // There are too few complete trials.
    expect(prune(trial(6, [Number.NaN, Number.NaN], 'running'), others, LOSS)).toContain('NaN is worse');
    expect(prune(trial(6, [9, 4], 'running'), others, maximize('loss'))).toBeUndefined();
  });

  test('from successiveHalvingPruner keeps the best third of the trials at each rung, and stops no trial between two rungs', () => {
    const { prune } = successiveHalvingPruner({ minEpochs: 1, factor: 3 });
    expect(prune(trial(6, [1.5], 'running'), others, LOSS)).toBeUndefined(); // the second-best of six trials
    expect(prune(trial(6, [2.5], 'running'), others, LOSS)).toBe(
      'epoch 1: loss 2.5 is not among the best 2 of 6 trials',
    );
    expect(prune(trial(6, [2.5, 9], 'running'), others, LOSS)).toBeUndefined();
    expect(prune(trial(6, [2.5, 9, 9], 'running'), others, LOSS)).toContain('epoch 3');
    expect(prune(trial(1, [7], 'running'), [], LOSS)).toBeUndefined();
    expect(prune(trial(1, [Number.NaN], 'running'), [], LOSS)).toContain('NaN');
  });
});
