import { describe, expect, test } from 'vitest';
import {
  alternatives,
  askAndTell,
  choice,
  float,
  grid,
  hyperband,
  hyperbandPlan,
  int,
  maximize,
  medianPruner,
  minimize,
  random,
  space,
  study,
  successiveHalvingPruner,
  tpe,
} from '../../src/tuner/index.js';
import { computeCosts } from '../../src/tuner/results/bestTrials.js';
import { faultOf } from './faultOf.js';

/** As JavaScript calls it: no types in the way. */
const loose = (value: unknown) => value as never;

describe('a space says what is wrong with', () => {
  test.each([
    ['no parameter', () => space(loose({})), 'space', 'no parameters'],
    ['nothing', () => space(loose(undefined)), 'space', 'no parameters'],
    ['a value instead of a parameter', () => space(loose({ rate: 3 })), 'space.rate', '3'],
    ['a name with a point', () => space({ 'a.b': choice([1, 2]) }), 'space: "a.b"', '"a.b"'],
    ['one alternative', () => alternatives(loose({ adam: {} })), 'alternatives', '1 alternative'],
    [
      'a parameter called kind',
      () => alternatives(loose({ a: { kind: choice([1, 2]) }, b: {} })),
      'alternatives.a.kind',
      '"kind", which contains the name of the alternative',
    ],
    ['no bounds', () => float(loose({})), 'float.min', 'undefined'],
    ['no options', () => float(loose(undefined)), 'float.min', 'undefined'],
    ['bounds in the wrong order', () => float({ min: 1, max: 0 }), 'float.max', '0'],
    ['bounds that are equal', () => int({ min: 1, max: 1 }), 'int.max', '1'],
    ['NaN', () => float({ min: Number.NaN, max: 1 }), 'float.min', 'NaN'],
    ['infinity', () => float({ min: 0, max: Number.POSITIVE_INFINITY }), 'float.max', 'Infinity'],
    ['bounds further apart than numbers go', () => float({ min: -1e308, max: 1e308 }), 'float.max', '1e+308'],
    [
      'a factor beyond numbers',
      () => float({ min: 1e-300, max: 1e300, scale: 'log' }),
      'float.max',
      '1e+300',
    ],
    ['whole numbers beyond 2^53', () => int({ min: 0, max: 2 ** 53 }), 'int.max', '9007199254740992'],
    ['a log scale from 0', () => float({ min: 0, max: 1, scale: 'log' }), 'float.min', '0'],
    ['another scale', () => float({ min: 0, max: 1, scale: loose('loud') }), 'float.scale', '"loud"'],
    ['a step that is too large', () => float({ min: 0, max: 1, step: 2 }), 'float.step', '2'],
    ['a step of nothing', () => float({ min: 0, max: 1, step: 0 }), 'float.step', '0'],
    ['a factor of one', () => int({ min: 1, max: 8, step: 1, scale: 'log' }), 'int.step', '1'],
    ['a step without end', () => float({ min: 0, max: 1, step: 1e-9 }), 'float.step', '1e-9'],
    ['a step that is lost', () => float({ min: 1e15, max: 1e15 + 1, step: 0.1 }), 'float.step', '0.1'],
    ['whole numbers that are not', () => int({ min: 0.5, max: 3 }), 'int.min', '0.5'],
    ['a choice of one', () => choice(loose([1])), 'choice', '[1]'],
    ['a choice without a list', () => choice(loose('relu')), 'choice', '"relu"'],
    ['a value twice', () => choice(loose([1, 2, 1])), 'choice', '1 twice'],
    ['NaN in a choice', () => choice([1, Number.NaN]), 'choice', 'NaN'],
    ['an object in a choice', () => choice(loose([1, { a: 1 }])), 'choice', '{"a":1}'],
  ] as const)('%s', async (_, make, path, received) => {
    const fault = await faultOf(make);
    expect([fault.kind, fault.path, fault.received]).toEqual(['argument', path, received]);
  });
});

describe('a strategy says what is wrong with its options', () => {
  test.each([
    [() => grid({ steps: 1 }), 'grid.steps'],
    [() => hyperband({ maxEpochs: 0 }), 'hyperband.maxEpochs'],
    [() => hyperband({ factor: 1 }), 'hyperband.factor'],
    [() => hyperband({ iterations: 0.5 }), 'hyperband.iterations'],
    [() => tpe({ startupTrials: 0 }), 'tpe.startupTrials'],
    [() => tpe({ candidates: -1 }), 'tpe.candidates'],
    [() => medianPruner({ warmupEpochs: -1 }), 'medianPruner.warmupEpochs'],
    [() => successiveHalvingPruner({ minEpochs: 0 }), 'successiveHalvingPruner.minEpochs'],
    [() => successiveHalvingPruner({ factor: 1.5 }), 'successiveHalvingPruner.factor'],
    [() => minimize(''), 'minimize'],
    [() => maximize(loose(undefined)), 'maximize'],
  ] as const)('%s', async (make, path) => expect((await faultOf(make)).path).toBe(path));
});

test.each([
  ['float', () => float(loose({ min: 1, max: 10, log: true })), 'the option "log"', 'min, max, step, scale'],
  ['int', () => int(loose({ min: 1, max: 10, stpe: 2 })), 'the option "stpe"', 'min, max, step, scale'],
  ['grid', () => grid(loose({ step: 3 })), 'the option "step"', 'steps'],
  [
    'hyperband',
    () => hyperband(loose({ epochs: 3 })),
    'the option "epochs"',
    'maxEpochs, factor, iterations',
  ],
  [
    'hyperband',
    () => hyperbandPlan(loose({ epochs: 3 })),
    'the option "epochs"',
    'maxEpochs, factor, iterations',
  ],
  [
    'tpe',
    () => tpe(loose({ nStartupTrials: 3 })),
    'the option "nStartupTrials"',
    'startupTrials, candidates',
  ],
  [
    'medianPruner',
    () => medianPruner(loose({ warmup: 3 })),
    'the option "warmup"',
    'startupTrials, warmupEpochs',
  ],
  [
    'successiveHalvingPruner',
    () => successiveHalvingPruner(loose({ eta: 3 })),
    'the option "eta"',
    'minEpochs, factor',
  ],
] as const)(
  '%s refuses an option that there is not, and says which there are',
  async (path, make, received, known) => {
    const fault = await faultOf(make);
    expect([fault.path, fault.received, fault.expected]).toEqual([
      path,
      received,
      `only the options ${known}`,
    ]);
  },
);

test('a step on a log scale is said to be a factor', async () => {
  const fault = await faultOf(() => float({ min: 1, max: 10, scale: 'log', step: 1 }));
  expect(fault.expected).toBe('a factor greater than 1');
  expect(fault.advice).toContain('factor from one value to the next');
});

describe('a search says what is wrong with', () => {
  const searched = space({
    filters: choice([32, 64]),
    optimizer: alternatives({ adam: {}, sgd: { momentum: choice([0, 0.9]) } }),
  });
  const begin = (trials?: unknown) =>
    askAndTell(searched, {
      strategy: random(),
      objectives: minimize('val_loss'),
      ...(trials ? { trials: loose(trials) } : {}),
    });

  test.each([
    ['no options', undefined, 'objectives', 'undefined'],
    ['a strategy that was not called', { strategy: tpe }, 'strategy', 'a function'],
    ['no strategy', { strategy: undefined }, 'strategy', 'undefined'],
    ['a column for an objective', { objectives: 'loss' }, 'objectives', 'the string "loss"'],
    ['no objectives', { objectives: undefined }, 'objectives', 'undefined'],
    ['an objective without a direction', { objectives: { metric: 'loss' } }, 'objectives', 'an object'],
    ['an objective twice', { objectives: [minimize('a'), maximize('a')] }, 'objectives', '"a" twice'],
    ['a setting for a list of them', { initialParams: { rate: 1 } }, 'initialParams', 'an object'],
    ['a pruner that was not called', { pruner: medianPruner }, 'pruner', 'a function'],
    ['half a seed', { seed: 1.5 }, 'seed', '1.5'],
    ['an option that there is not', { sead: 1 }, undefined, 'the option "sead"'],
  ])('%s, asked and told as in a study', async (_, given, part, received) => {
    const parts = given && { strategy: random(), objectives: minimize('loss'), ...given };
    const run = async () => {};
    for (const [path, make] of [
      ['askAndTell', () => askAndTell(searched, loose(parts))],
      ['study', () => study(loose({ space: searched, run, ...parts }))],
    ] as const) {
      const fault = await faultOf(make);
      const at = part === undefined ? path : `${path}.${part}`;
      expect([fault.kind, fault.path, fault.received]).toEqual(['argument', at, received]);
    }
  });

  test.each([
    [
      'of another space',
      [{ filters: 48, optimizer: { kind: 'adam' } }],
      'initialParams[0].filters',
      '32 or 64',
      '48',
    ],
    [
      'without a part',
      [{ filters: 32, optimizer: { kind: 'sgd' } }],
      'initialParams[0].optimizer.sgd.momentum',
      '0 or 0.9',
      'undefined',
    ],
    [
      'twice',
      Array(2).fill({ optimizer: { kind: 'adam' }, filters: 32 }),
      'initialParams[1]',
      'different params',
      '{"filters":32,"optimizer":"adam"} twice',
    ],
  ])('a setting to try first, %s', async (_, first, path, expected, received) => {
    const make = () =>
      askAndTell(searched, { strategy: random(), objectives: minimize('loss'), initialParams: loose(first) });
    expect(await faultOf(make)).toMatchObject({ path: `askAndTell.${path}`, expected, received });
  });

  test.each([
    ['null', [null], 'askAndTell.initialParams[0]', 'null'],
    ['nothing', [undefined], 'askAndTell.initialParams[0]', 'undefined'],
    ['a hole', new Array(1), 'askAndTell.initialParams[0]', 'undefined'],
    ['a number', [{ filters: 32 }, 3], 'askAndTell.initialParams[1]', '3'],
  ])('a setting to try first that is %s', async (_, first, path, received) => {
    const searched = space({ filters: choice([32, 64]) });
    const make = () =>
      askAndTell(searched, { strategy: random(), objectives: minimize('loss'), initialParams: loose(first) });
    expect(await faultOf(make)).toMatchObject({ path, expected: 'an object of params', received });
  });

  test('more settings to try first than a plan has room for', async () => {
    const searched = space({ units: int({ min: 1, max: 99 }) });
    const initialParams = Array.from({ length: 18 }, (_, i) => ({ units: i + 1 }));
    const options = { strategy: hyperband({ maxEpochs: 9 }), objectives: minimize('loss') };
    const fault = await faultOf(() => askAndTell(searched, { ...options, initialParams }));
    expect([fault.path, fault.expected, fault.received]).toEqual([
      'askAndTell.initialParams',
      'at most 17 params, the number of first trials of hyperband',
      '18 params',
    ]);
    expect(askAndTell(searched, { ...options, initialParams: initialParams.slice(1) }).ask()!.params).toEqual(
      { units: 2 },
    );
  });

  test('a setting to try first, between two steps', async () => {
    const searched = space({ dropout: float({ min: 0, max: 0.5, step: 0.1 }) });
    const options = { strategy: random(), objectives: minimize('loss'), initialParams: [{ dropout: 0.25 }] };
    expect((await faultOf(() => askAndTell(searched, options))).expected).toBe(
      'a number from 0 to 0.5 in steps of 0.1',
    );
  });

  test('a column that was not reported', async () => {
    const search = begin();
    const { number } = search.ask()!;
    const fault = await faultOf(() => search.tell(number, { val_los: 3 }));
    expect([fault.path, fault.received, fault.advice]).toEqual([
      'trial 1: val_loss',
      'only the columns val_los',
      'Did you mean "val_los"?',
    ]);
    expect((await faultOf(() => search.tell(number))).received).toBe('no columns');
    expect((await faultOf(() => search.report(number, loose({ val_loss: '3' })))).path).toBe(
      'trial 1: val_loss',
    );
    search.tell(number, { val_loss: Number.NaN }); // a number that is none is an answer: the trial failed, as in a study
    expect(search.bestTrial()).toBeUndefined();
    expect(search.trials[0]).toMatchObject({ state: 'failed', reason: 'val_loss was never a number' });
    const pruned = search.ask()!.number;
    search.report(pruned, { val_loss: Number.NaN });
    search.prune(pruned, 'no promise');
    expect(search.trials[1]).toMatchObject({ state: 'failed', reason: 'val_loss was never a number' });
  });

  test('one of two objectives in some epochs only', () => {
    const objectives = [minimize('loss'), maximize('accuracy')] as const;
    const begin = () =>
      askAndTell(space({ x: float({ min: 0, max: 1 }) }), { strategy: random(), objectives });
    const search = begin();
    const { number } = search.ask()!;
    search.report(number, { loss: 3, accuracy: 0.5 });
    search.report(number, { loss: 1, accuracy: Number.NaN }); // the better loss, but half an epoch
    search.tell(number, { loss: 2, accuracy: 0.6 });
    expect(search.trials[0]!.state).toBe('complete');
    expect(computeCosts(search.trials[0]!, objectives)).toEqual([2, -0.6]);
    const other = search.ask()!.number;
    search.report(other, { loss: 1, accuracy: Number.NaN });
    search.tell(other, { loss: Number.NaN, accuracy: 1 });
    expect(search.trials[1]).toMatchObject({
      state: 'failed',
      reason: 'no epoch has numbers of all: loss, accuracy',
    });
  });

  test.each([3, 0, Number.NaN, '3', null, true])('%s instead of columns', async (given) => {
    const search = begin();
    const { number } = search.ask()!;
    for (const act of [() => search.tell(number, loose(given)), () => search.report(number, loose(given))]) {
      const fault = await faultOf(act);
      const shown = typeof given === 'number' ? `${given}` : JSON.stringify(given);
      expect([fault.path, fault.expected, fault.received]).toEqual([
        'trial 1',
        'an object of columns',
        shown,
      ]);
      expect(fault.advice).toBe(`Write { val_loss: ${typeof given === 'number' ? given : 3} }.`);
    }
  });

  test('a trial that is told twice, or never was', async () => {
    const search = begin();
    search.tell(search.ask()!.number, { val_loss: 1 });
    expect((await faultOf(() => search.tell(1, { val_loss: 2 }))).received).toBe(
      'a trial that is already complete',
    );
    expect((await faultOf(() => search.fail(7, 'gone'))).received).toBe('no trial of that number');
  });

  test('records of another space', async () => {
    const trial = (params: unknown) => [{ number: 1, params, state: 'complete', rows: [], after: [] }];
    expect((await faultOf(() => begin(trial({ filters: 33, optimizer: { kind: 'adam' } })))).path).toBe(
      'trial 1.filters',
    );
    expect((await faultOf(() => begin(trial({ filters: 32, optimizer: { kind: 'rmsprop' } })))).path).toBe(
      'trial 1.optimizer.kind',
    );
    expect((await faultOf(() => begin(trial({ filters: 32, optimizer: { kind: 'sgd' } })))).path).toBe(
      'trial 1.optimizer.sgd.momentum',
    );
    const odd = await faultOf(() => begin(trial({ filter: 32, optimizer: { kind: 'adam' } })));
    expect([odd.path, odd.advice]).toEqual(['trial 1.filter', 'Did you mean "filters"?']);
    expect((await faultOf(() => begin(trial(null)))).kind).toBe('data');
  });

  test.each([
    ['no list', {}, 'trials', '{}'],
    ['nothing for a trial', [null], 'trials[0]', 'null'],
    ['another state', [{ number: 1, state: 'done', rows: [], after: [] }], 'trials[0]', undefined],
    ['half a number', [{ number: 1.5, state: 'complete', rows: [], after: [] }], 'trials[0]', undefined],
    ['no rows', [{ number: 1, state: 'complete', after: [] }], 'trials[0]', undefined],
    [
      'a row that is none',
      [{ number: 1, state: 'complete', rows: [null], after: [] }],
      'trials[0]',
      undefined,
    ],
    [
      'no numbers in after',
      [{ number: 1, state: 'complete', rows: [], after: ['1'] }],
      'trials[0]',
      undefined,
    ],
    [
      'a number twice',
      [1, 1].map((number) => ({
        ...{ number, state: 'complete', rows: [], after: [] },
        params: { filters: 32, optimizer: { kind: 'adam' } },
      })),
      'trials[1].number',
      '1 twice',
    ],
  ])('records with %s', async (_, trials, path, received) => {
    const fault = await faultOf(() => begin(trials));
    expect([fault.kind, fault.path]).toEqual(['data', path]);
    if (received !== undefined) expect(fault.received).toBe(received);
  });

  test('a question whose answer depends on trials that run', async () => {
    const search = askAndTell(space({ rate: float({ min: 0, max: 1 }) }), {
      strategy: hyperband({ maxEpochs: 3 }),
      objectives: minimize('val_loss'),
    });
    for (let i = 0; i < 5; i++) search.ask();
    const fault = await faultOf(() => search.ask());
    expect([fault.path, fault.received]).toEqual(['ask', '5 running trials without results']);
  });
});
