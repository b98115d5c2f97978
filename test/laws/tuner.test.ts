/** Spaces, strategies and searches. */
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
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('a parameter', () => {
  test('has a value at every place, whose cell is where it is', () => {
    fc.assert(
      fc.property(parameters, place, (parameter, at) => {
        const value = parameter.probToValue(at);
        const [from, to] = parameter.valueToProbRange(value)!;
        expect(from).toBeLessThanOrEqual(to);
        // Powers and quotients of doubles are a few bits off.
        expect(at).toBeGreaterThanOrEqual(from - 1e-9);
        expect(at).toBeLessThanOrEqual(to + 1e-9);
        expect(from === to).toBe(!Number.isFinite(parameter.count));
        if (from < to) expect(parameter.probToValue((from + to) / 2)).toBe(value);
        else if (typeof value === 'number')
          expect(parameter.probToValue(from) / value || 0).toBeCloseTo(value === 0 ? 0 : 1, 9);
      }),
    );
  });

  test('with steps has as many values as it says, whose cells fill the whole, and a grid takes each once', () => {
    fc.assert(
      fc.property(parameters, (parameter) => {
        fc.pre(Number.isFinite(parameter.count));
        const values = Array.from({ length: parameter.count }, (_, i) => parameter.valueAt!(i));
        expect(new Set(values).size).toBe(parameter.count);
        const cells = values.map((value) => parameter.valueToProbRange(value)!);
        expect(cells[0]![0]).toBe(0);
        expect(cells.at(-1)![1]).toBeCloseTo(1, 9);
        for (const [i, [from]] of cells.slice(1).entries()) expect(from).toBeCloseTo(cells[i]![1], 9);
        for (const [i, [from, to]] of cells.entries())
          expect(parameter.probToValue((from + to) / 2)).toBe(values[i]);
        const searched = space({ it: parameter });
        const { propose } = grid();
        const given = { space: searched, objectives: LOSS, seed: 0, trials: [] };
        const tried = Array.from({ length: parameter.count }, (_, i) => propose({ ...given, number: i + 1 }));
        expect(tried.map((one) => (one as ProposedParams).flatParams.get('it'))).toEqual(values);
        expect(propose({ ...given, number: parameter.count + 1 })).toBe('exhausted');
      }),
    );
  });

  /** Every value, in order. */
  const all = ({ count, valueAt }: Parameter<number>) => Array.from({ length: count }, (_, i) => valueAt!(i));

  test('counted in steps has them between its bounds, all different, the last of them max where the steps fit', () => {
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
          const values = all(int({ min, max, step }));
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
          // As they are written: the nearest numbers to these decimals.
          const values = all(
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
        const values = all(float({ min, max: whole, step }));
        expect([values.length, values[0], values.at(-1)]).toEqual([n + 1, min, whole]);
        const max = whole + step * Math.abs((more / 1e6) % 0.99);
        const own = all(float({ min, max, step }));
        expect(own.length).toBe(n + 1);
        for (const [i, value] of own.entries()) {
          expect(value >= min && value <= max).toBe(true);
          if (i > 0) expect(value).toBeGreaterThan(own[i - 1]!);
        }
      }),
    );
  });

  test('counted in factors has them between its bounds, all different, the last of them max where they fit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        (min, step, n) => {
          fc.pre(min * step ** n < 2 ** 53);
          const powers = Array.from({ length: n + 1 }, (_, i) => min * step ** i);
          const max = powers.at(-1)!;
          expect(all(int({ min, max, step, scale: 'log' }))).toEqual(powers);
          if (n > 1) expect(all(int({ min, max: max - 1, step, scale: 'log' }))).toEqual(powers.slice(0, -1));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        fc.double({ min: 1.01, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 100 }),
        (min, step, n) => {
          const values = all(float({ min, max: min * step ** n, step, scale: 'log' }));
          expect([values.length, values[0], values.at(-1)]).toEqual([n + 1, min, min * step ** n]);
          for (const [i, value] of values.slice(1).entries()) expect(value).toBeGreaterThan(values[i]!);
        },
      ),
    );
  });

  test('knows what is not a value of it', () => {
    for (const [parameter, wrong] of [
      [float({ min: 0, max: 1 }), [-0.1, 1.1, Number.NaN, '0.5', null]],
      [float({ min: 0, max: 1, step: 0.25 }), [0.3, -0.25, 1.25]],
      [int({ min: 1, max: 9 }), [0, 10, 2.5]],
      [choice(['a', 'b']), ['c', 0, undefined]],
    ] as const)
      for (const value of wrong) expect(parameter.valueToProbRange(value)).toBeUndefined();
  });
});

const small = space({
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

describe('a space', () => {
  test('gives every setting a number, and finds it again', () => {
    for (const [searched, steps] of [
      [small, 1],
      [MIXED, 3],
    ] as const) {
      let count = 0;
      const keys = new Set<string>();
      for (let flat = getGridParams(searched, 0, steps); flat; flat = getGridParams(searched, count, steps)) {
        expect(findGridIndex(searched, flat, steps)).toBe(count++);
        keys.add(toParamsKey(flat));
      }
      expect(keys.size).toBe(count);
      if (searched === small) expect(count).toBe(small.count);
    }
    const between = new Map([...getGridParams(MIXED, 0, 3)!, ['rate', 0.5]]);
    expect(findGridIndex(MIXED, between, 3)).toBeUndefined();
  });

  test('counts its settings, alternatives with what they have of their own', () => {
    expect(small.count).toBe(2 * (1 + 3 * 2));
    expect(MIXED.count).toBe(Number.POSITIVE_INFINITY);
  });

  test('values and places of settings belong to each other', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const draws = createRng(seed, 'setting');
        const flat = buildFlatParams(MIXED, ({ parameter }) => parameter.probToValue(draws.next()));
        expect(flattenParams(MIXED, JSON.parse(JSON.stringify(nestParams(MIXED, flat))))).toEqual(flat);
      }),
    );
  });
});

describe('a record as text', () => {
  test('reads back as it was: any text, NaN and the infinities', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('constructor', 'toString', '__proto__', '~', '~NaN', '~~NaN', '~-Infinity', 'NaN'),
    );
    const number = fc.double().map((value) => value + 0); // JSON has no -0
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
      fc.property(value, (given) => {
        expect(parseExact(stringifyExact(given))).toEqual(given);
      }),
    );
  });

  test('holds a choice between any words', () => {
    const searched = space({ word: choice(['constructor', '~NaN', '~', 'b']) });
    const search = played(searched, random(), 0, 1, 10);
    const trials = parseExact(stringifyExact(search.trials)) as typeof search.trials;
    const again = askAndTell(searched, { strategy: random(), objectives: LOSS, trials });
    expect(again.trials).toEqual(search.trials);
    expect(again.ask()).toBeUndefined();
  });
});

/** What a setting comes to, a number that depends on all of it. */
const lossOf = (values: unknown) => createRng(3, JSON.stringify(values)).next();

const STRATEGIES: readonly (readonly [string, Strategy])[] = [
  ['random', random()],
  ['grid', grid({ steps: 2 })],
  ['hyperband', hyperband({ maxEpochs: 9 })],
  ['tpe', tpe({ startupTrials: 4 })],
];

/** A search in which several run at a time and end in another order than they began, some failing. */
function played(
  searched: Space<any>,
  strategy: Strategy,
  seed: number,
  atOnce: number,
  most: number,
  objectives: Objectives = LOSS,
  initialParams: readonly any[] = [],
) {
  const search = askAndTell(searched, { strategy, objectives, seed, initialParams });
  const draws = createRng(seed, 'order');
  const running: TrialRecord[] = [];
  for (let begun = 0; ; ) {
    while (running.length < atOnce && begun < most) {
      let trial: TrialRecord | undefined;
      try {
        trial = search.ask();
      } catch {
        break; // it waits
      }
      if (!trial) break;
      begun++;
      running.push(trial);
    }
    if (running.length === 0) return search;
    const [trial] = running.splice(draws.nextInt(running.length), 1);
    const what = draws.nextInt(10);
    if (what === 0) search.fail(trial!.number, 'for the test');
    else
      search.tell(trial!.number, {
        loss: what === 1 ? Number.NaN : lossOf(trial!.params),
        size: trial!.number % 7,
      });
  }
}

describe.each(STRATEGIES)('%s', (_, strategy) => {
  test('proposes the same from the records alone, in whatever order they are', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 4 }), fc.nat(), (seed, atOnce, shuffle) => {
        const { trials } = played(MIXED, strategy, seed, atOnce, 30);
        const order = createRng(shuffle, 'shuffle').permutation(trials.length);
        const stored = parseExact(stringifyExact(order.map((i) => trials[i]))) as TrialRecord[];
        for (const { number, params, after, rung } of trials) {
          const known = getKnownTrials(number, after, stored).reverse();
          const again = proposeTrial(MIXED, { strategy, objectives: LOSS, seed }, number, known);
          expect(again).toMatchObject({ number, params, after });
          expect((again as TrialRecord).rung).toEqual(rung);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('tries every setting of a small space once, and then ends', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 3 }), (seed, atOnce) => {
        const { trials } = played(small, strategy, seed, atOnce, 100);
        const first = trials.filter(({ rung }) => !rung || rung.round === 0);
        const keys = first.map(({ params }) => toParamsKey(flattenParams(small, params)));
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.length).toBe(small.count); // Hyperband's first rounds would take more: 9 + 5 + 3
        expect(trials.every(({ state }) => state !== 'running')).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  const firsts = fc
    .uniqueArray(fc.nat(small.count - 1), { minLength: 1, maxLength: small.count })
    .map((places) => places.map((i) => nestParams(small, getGridParams(small, i, 2)!)));
  const keysOf = (trials: readonly { readonly params: unknown }[]) =>
    trials.map(({ params }) => toParamsKey(flattenParams(small, params)));
  const isNew = ({ rung }: TrialRecord) => rung?.parent === undefined;

  test('begins with the settings that come first, in their order, and tries each setting once', () => {
    fc.assert(
      fc.property(firsts, fc.nat(1000), fc.integer({ min: 1, max: 3 }), (initialParams, seed, atOnce) => {
        const { trials } = played(small, strategy, seed, atOnce, 100, LOSS, initialParams);
        const fresh = trials.filter(isNew);
        expect(fresh.slice(0, initialParams.length).map(({ params }) => params)).toEqual(initialParams);
        expect(fresh.map(({ isInitial }) => isInitial)).toEqual(
          fresh.map((_, i) => (i < initialParams.length ? true : undefined)),
        );
        expect(new Set(keysOf(fresh)).size).toBe(fresh.length);
        expect(fresh.length).toBe(small.count);
        for (const { number, params, after, rung, isInitial } of trials) {
          const known = getKnownTrials(number, after, trials);
          const options = { strategy, objectives: LOSS, seed };
          expect(proposeTrial(small, { ...options, initialParams }, number, known)).toMatchObject({
            number,
            params,
            after,
          });
          // What was not given follows from the records alone.
          if (!isInitial) expect(proposeTrial(small, options, number, known)).toMatchObject({ params });
          expect(rung !== undefined).toBe(strategy.name === 'hyperband'); // each has its place in the plan
          if (rung?.parent !== undefined) expect(params).toEqual(trials[rung.parent - 1]!.params);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('of an earlier search tries what comes first next, if no trial had it, and each setting once', () => {
    fc.assert(
      fc.property(firsts, fc.nat(1000), fc.nat(8), fc.nat(255), (initialParams, seed, begun, lost) => {
        const earlier = played(small, strategy, seed, 1, begun).trials;
        // A grid goes by number: what is lost of it does not come again.
        const kept = earlier.filter((_, i) => strategy.name === 'grid' || !((lost >> i) & 1));
        // Without those that trials that are lost were carried on in.
        const trials = kept.filter(({ rung }) =>
          kept.some(({ number }) => number === (rung?.parent ?? number)),
        );
        const search = askAndTell(small, { strategy, objectives: LOSS, seed, trials, initialParams });
        for (let trial = search.ask(); trial; trial = search.ask())
          search.tell(trial.number, { loss: lossOf(trial.params) });
        const fresh = search.trials.filter(isNew);
        const had = keysOf(trials);
        const left = initialParams.filter(
          (values) => !had.includes(toParamsKey(flattenParams(small, values))),
        );
        const added = fresh.filter(({ number }) => number > (trials.at(-1)?.number ?? 0));
        expect(added.slice(0, left.length).map(({ params }) => params)).toEqual(left);
        expect(new Set(keysOf(fresh)).size).toBe(fresh.length);
        if (strategy.name !== 'hyperband') expect(fresh.length).toBe(small.count);
      }),
      { numRuns: 25 },
    );
  });

  test('draws other settings for another seed', () => {
    const values = (seed: number) =>
      JSON.stringify(played(MIXED, strategy, seed, 1, 8).trials.map((trial) => trial.params));
    expect(values(1)).toBe(values(1));
    if (strategy.name !== 'grid') expect(values(1)).not.toBe(values(2));
  });
});

test.each(STRATEGIES)('%s keeps what its flags promise', (_, strategy) => {
  if (strategy.independent) {
    // As machines that know nothing of each other have it: every trial before it still runs.
    const [first] = played(MIXED, random(), 1, 1, 2).trials;
    for (const given of [[], [first!.params]]) {
      const before: TrialRecord[] = [];
      const options = { strategy, objectives: LOSS, seed: 5, initialParams: given };
      for (const { number, params } of played(MIXED, strategy, 5, 3, 40, LOSS, given).trials) {
        const own = proposeTrial(MIXED, options, number, before) as TrialRecord;
        expect(own.params).toEqual(params);
        before.push(own);
      }
    }
  }
  // A finite number of trials, though MIXED has numbers without a step.
  if (strategy.finite) expect(played(MIXED, strategy, 5, 3, 10_000).trials.length).toBeLessThan(10_000);
  expect([strategy.independent, strategy.finite]).toEqual(
    { grid: [true, true], random: [true, undefined], hyperband: [undefined, true] }[strategy.name] ?? [
      undefined,
      undefined,
    ],
  );
});

test('a choice of two with ten trials ends after two, without repeating (parity test 24)', () => {
  const search = played(space({ filters: choice([32, 64]) }), random(), 0, 1, 10);
  expect(search.trials.map(({ params }) => (params as any).filters).sort()).toEqual([32, 64]);
});

test.each(STRATEGIES.filter(([name]) => name !== 'grid'))(
  'a number whose bounds are next to each other ends by %s after its few values, and not in a loop',
  (_, strategy) => {
    const searched = space({ x: float({ min: 1, max: 1 + Number.EPSILON }) });
    const search = played(searched, strategy, 0, 1, 10);
    const first = search.trials.filter(({ rung }) => !rung?.round);
    expect(first.map(({ params }) => (params as any).x).sort()).toEqual([1, 1 + Number.EPSILON]);
  },
);

describe('Hyperband', () => {
  test('runs its plan, promotes the best of each round, and goes on from them', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3, 9, 10, 27),
        fc.nat(100),
        fc.integer({ min: 1, max: 5 }),
        (maxEpochs, seed, atOnce) => {
          const search = askAndTell(MIXED, { strategy: hyperband({ maxEpochs }), objectives: LOSS, seed });
          const running: TrialRecord[] = [];
          const draws = createRng(seed, 'order');
          for (;;) {
            try {
              for (let next = running.length < atOnce ? search.ask() : undefined; next; ) {
                running.push(next);
                next = running.length < atOnce ? search.ask() : undefined;
              }
            } catch {}
            if (running.length === 0) break;
            const [trial] = running.splice(draws.nextInt(running.length), 1);
            search.tell(trial!.number, { loss: lossOf(trial!.params) + 1 / trial!.rung!.epochs });
          }
          const { trials } = search;
          const byNumber = new Map(trials.map((trial) => [trial.number, trial]));
          for (const [i, rounds] of hyperbandPlan({ maxEpochs }).entries()) {
            const bracket = hyperbandPlan({ maxEpochs }).length - 1 - i;
            for (const [round, { trials: size, epochs }] of rounds.entries()) {
              const own = trials.filter(({ rung }) => rung!.bracket === bracket && rung!.round === round);
              expect(own).toHaveLength(size);
              expect(own.every(({ rung }) => rung!.epochs === epochs)).toBe(true);
              if (round === 0) continue;
              const parents = own.map(({ rung }) => byNumber.get(rung!.parent!)!);
              for (const [k, parent] of parents.entries()) expect(own[k]!.params).toEqual(parent.params);
              const past = trials.filter(
                ({ rung }) => rung!.bracket === bracket && rung!.round === round - 1,
              );
              const loss = ({ rows }: TrialRecord) => rows[0]!.loss!;
              const best = [...past].sort((a, b) => loss(a) - loss(b)).slice(0, size);
              // Whoever is promoted early is surely among the best.
              expect(new Set(parents)).toEqual(new Set(best));
            }
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** Branin (1972), least 0.397887 at three places. */
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

describe('TPE', () => {
  test.each([
    ['Branin', branin],
    ['six mixed dimensions', mixed],
  ])(
    'finds on %s in 60 trials at least what chance finds in 180, in the median of 20 seeds',
    (_, { space: searched, value }) => {
      const bests = (strategy: Strategy, count: number) =>
        Array.from({ length: 20 }, (_, seed) => {
          const search = askAndTell(searched, { strategy, objectives: LOSS, seed });
          for (let i = 0; i < count; i++) {
            const { number, params } = search.ask()!;
            search.tell(number, { loss: value(params) });
          }
          return search.bestTrial()!.rows[0]!.loss!;
        }).sort((a, b) => a - b);
      const median = (sorted: number[]) => (sorted[9]! + sorted[10]!) / 2;
      expect(median(bests(tpe(), 60))).toBeLessThanOrEqual(median(bests(random(), 180)));
    },
  );

  test('of two objectives fills the front where both are good', () => {
    const searched = space({ x: float({ min: -5, max: 5 }) });
    const objectives: Objectives = [minimize('near'), maximize('far')];
    const share = (strategy: Strategy) => {
      const search = askAndTell(searched, { strategy, objectives, seed: 2 });
      for (let i = 0; i < 60; i++) {
        const { number, params } = search.ask()!;
        // The front is x from 0 to 2.
        search.tell(number, { near: params.x ** 2, far: -((params.x - 2) ** 2) });
      }
      expect(search.paretoFront()).toEqual(paretoFront(search.trials, objectives));
      return search.trials.filter(({ params }) => params.x >= 0 && params.x <= 2).length;
    };
    expect(share(tpe())).toBeGreaterThan(2 * share(random()));
  });
});

describe('what mattered', () => {
  /** Shares of `n` and `u` where the loss grows with the factor between n and 2, and a little with u. */
  const sharesOf = (n: Parameter<number>, seed: number) => {
    const searched = space({ n, u: float({ min: 0, max: 1 }) });
    const search = askAndTell(searched, { strategy: random(), objectives: LOSS, seed });
    for (let i = 0; i < 60; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: Math.abs(Math.log(params.n) - Math.log(2)) + 0.3 * params.u });
    }
    return getParamImportances(searched, search.trials, LOSS).map(({ share }) => share);
  };

  test('matters as much as a whole number on a log scale as it does as any number', () => {
    for (let seed = 0; seed < 8; seed++) {
      const range = { min: 1, max: 1000, scale: 'log' } as const;
      const [whole] = sharesOf(int(range), seed);
      const [any] = sharesOf(float(range), seed);
      // The trials are others: a whole number takes the place of those from it to the next.
      expect(Math.abs(whole! - any!)).toBeLessThan(0.1);
    }
  });

  /** What mattered, after trials by chance of a loss that may be the same for several. */
  const told = (searched: Space<any>, count: number, seed: number, lossOf: (values: any) => number) => {
    const search = askAndTell(searched, { strategy: random(), objectives: LOSS, seed });
    for (let i = 0; i < count; i++) {
      const { number, params } = search.ask()!;
      search.tell(number, { loss: lossOf(params) });
    }
    return search.trials;
  };
  const line = float({ min: 0, max: 1 });
  const three = space({ a: line, b: line, c: line });

  test('is nothing where all came to the same', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 4, max: 40 }), (seed, count) => {
        const trials = told(three, count, seed, () => 0.5);
        for (const { share } of getParamImportances(three, trials, LOSS)) expect(share).toBe(0);
      }),
    );
  });

  test('does not depend on the numbers of trials that are equally good', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 4, max: 30 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, count, levels) => {
          const trials = told(three, count, seed, ({ a }) => Math.floor(levels * a));
          const order = createRng(seed, 'shuffle').permutation(count);
          const others = trials.map((trial, i) => ({ ...trial, number: order[i]! + 1 }));
          const [shares, again] = [trials, others].map((list) => getParamImportances(three, list, LOSS));
          // Sums of doubles in another order.
          for (const [i, { share }] of shares!.entries()) expect(again![i]!.share).toBeCloseTo(share, 9);
        },
      ),
    );
  });

  test('is unknown of a parameter that fewer than four trials had', () => {
    const searched = space({ rate: line, way: alternatives({ plain: {}, odd: { size: line } }) });
    const trials = told(searched, 30, 1, ({ rate }) => rate);
    const odd = trials.filter(({ params }) => (params as any).way.kind === 'odd');
    const few = trials.filter((trial) => !odd.slice(3).includes(trial));
    expect(getParamImportances(searched, few, LOSS).map(({ hasTooFewTrials }) => hasTooFewTrials)).toEqual([
      undefined,
      undefined,
      true,
    ]);
    expect(getParamImportances(searched, trials, LOSS).map(({ hasTooFewTrials }) => hasTooFewTrials)).toEqual(
      [undefined, undefined, undefined],
    );
  });
});

describe('the front', () => {
  test('is what nothing else beats, and every other trial is beaten by one of it', () => {
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
          const beats = (one: TrialRecord, other: TrialRecord) => {
            const [x, y] = [one.rows[0]!, other.rows[0]!];
            return x.a! <= y.a! && x.b! >= y.b! && (x.a! < y.a! || x.b! > y.b!);
          };
          for (const trial of trials)
            expect(front.includes(trial)).toBe(!front.some((one) => beats(one, trial)));
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

  test('by the median ends what is worse than half of the others at the same epoch', () => {
    const { prune } = medianPruner({ startupTrials: 5, warmupEpochs: 1 });
    expect(prune(trial(6, [9], 'running'), others, LOSS)).toBeUndefined(); // still warm
    expect(prune(trial(6, [9, 1.5], 'running'), others, LOSS)).toBeUndefined(); // as good as the median
    expect(prune(trial(6, [9, 1.6], 'running'), others, LOSS)).toBe(
      'epoch 2: loss 1.6 is worse than the median of 5 trials, 1.5',
    );
    expect(prune(trial(6, [1, 1.6], 'running'), others, LOSS)).toBeUndefined(); // its best counts
    expect(prune(trial(6, [9, 1.6], 'running'), others.slice(1), LOSS)).toBeUndefined(); // too few
    expect(prune(trial(6, [Number.NaN, Number.NaN], 'running'), others, LOSS)).toContain('NaN is worse');
    expect(prune(trial(6, [9, 4], 'running'), others, maximize('loss'))).toBeUndefined();
  });

  test('by halving lets one in three go on at each rung, and leaves the epochs between alone', () => {
    const { prune } = successiveHalvingPruner({ minEpochs: 1, factor: 3 });
    expect(prune(trial(6, [1.5], 'running'), others, LOSS)).toBeUndefined(); // second of six
    expect(prune(trial(6, [2.5], 'running'), others, LOSS)).toBe(
      'epoch 1: loss 2.5 is not among the best 2 of 6 trials',
    );
    expect(prune(trial(6, [2.5, 9], 'running'), others, LOSS)).toBeUndefined();
    expect(prune(trial(6, [2.5, 9, 9], 'running'), others, LOSS)).toContain('epoch 3');
    expect(prune(trial(1, [7], 'running'), [], LOSS)).toBeUndefined();
    expect(prune(trial(1, [Number.NaN], 'running'), [], LOSS)).toContain('NaN');
  });
});
