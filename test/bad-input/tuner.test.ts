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
import { catchError } from './catchError.js';

/** Removes the type of a value, as in a call from JavaScript. */
const loose = (value: unknown) => value as never;

describe('space(), float(), int(), choice() and alternatives()', () => {
  test.each([
    ['an empty space', () => space(loose({})), 'space', 'no parameters'],
    ['undefined instead of parameters', () => space(loose(undefined)), 'space', 'undefined'],
    ['a value instead of a parameter', () => space(loose({ rate: 3 })), 'space.rate', '3'],
    ['a name with a dot', () => space({ 'a.b': choice([1, 2]) }), 'space: "a.b"', '"a.b"'],
    ['a single alternative', () => alternatives(loose({ adam: {} })), 'alternatives', '1 alternative'],
    [
      'a parameter called kind',
      () => alternatives(loose({ a: { kind: choice([1, 2]) }, b: {} })),
      'alternatives.a.kind',
      '"kind", which is reserved for the name of the alternative',
    ],
    ['missing bounds', () => float(loose({})), 'float.min', 'undefined'],
    ['missing options', () => float(loose(undefined)), 'float', 'undefined'],
    ['bounds in reverse order', () => float({ min: 1, max: 0 }), 'float.max', '0'],
    ['equal bounds', () => int({ min: 1, max: 1 }), 'int.max', '1'],
    ['NaN as a bound', () => float({ min: Number.NaN, max: 1 }), 'float.min', 'NaN'],
    ['infinity as a bound', () => float({ min: 0, max: Number.POSITIVE_INFINITY }), 'float.max', 'Infinity'],
    [
      'bounds whose difference exceeds the range of numbers',
      () => float({ min: -1e308, max: 1e308 }),
      'float.max',
      '1e+308',
    ],
    [
      'bounds whose ratio exceeds the range of numbers',
      () => float({ min: 1e-300, max: 1e300, scale: 'log' }),
      'float.max',
      '1e+300',
    ],
    ['an integer of 2^53', () => int({ min: 0, max: 2 ** 53 }), 'int.max', '9007199254740992'],
    ['a log scale that starts at 0', () => float({ min: 0, max: 1, scale: 'log' }), 'float.min', '0'],
    ['an unknown scale', () => float({ min: 0, max: 1, scale: loose('loud') }), 'float.scale', '"loud"'],
    ['a step that is too large', () => float({ min: 0, max: 1, step: 2 }), 'float.step', '2'],
    ['a step of 0', () => float({ min: 0, max: 1, step: 0 }), 'float.step', '0'],
    ['a step of 1 on a log scale', () => int({ min: 1, max: 8, step: 1, scale: 'log' }), 'int.step', '1'],
    [
      'a step that results in too many values',
      () => float({ min: 0, max: 1, step: 1e-9 }),
      'float.step',
      '1e-9',
    ],
    [
      'a step smaller than the precision of numbers',
      () => float({ min: 1e15, max: 1e15 + 1, step: 0.1 }),
      'float.step',
      '0.1',
    ],
    ['a fraction as an integer bound', () => int({ min: 0.5, max: 3 }), 'int.min', '0.5'],
    ['a choice with one value', () => choice(loose([1])), 'choice', '[1]'],
    ['a choice without a list', () => choice(loose('relu')), 'choice', '"relu"'],
    ['a repeated value in a choice', () => choice(loose([1, 2, 1])), 'choice', '1 twice'],
    ['NaN in a choice', () => choice([1, Number.NaN]), 'choice', 'NaN'],
    ['an object in a choice', () => choice(loose([1, { a: 1 }])), 'choice', '{"a":1}'],
  ] as const)('reject %s', async (_, make, path, received) => {
    const error = await catchError(make);
    expect([error.kind, error.path, error.received]).toEqual(['argument', path, received]);
  });
});

describe('a search strategy, pruner or objective with an invalid option', () => {
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
  ] as const)('is rejected by the function that creates it: %s', async (make, path) =>
    expect((await catchError(make)).path).toBe(path),
  );
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
  '%s() rejects an unknown option, and the error lists the valid options',
  async (path, make, received, optionNames) => {
    const error = await catchError(make);
    expect([error.path, error.received, error.expected]).toEqual([
      path,
      received,
      `only the options ${optionNames}`,
    ]);
  },
);

test('the error from float() for a step of 1 on a log scale explains that the step is a factor', async () => {
  const error = await catchError(() => float({ min: 1, max: 10, scale: 'log', step: 1 }));
  expect(error.expected).toBe('a factor greater than 1');
  expect(error.advice).toContain('ratio of neighboring values');
});

describe('askAndTell', () => {
  const searchSpace = space({
    filters: choice([32, 64]),
    optimizer: alternatives({ adam: {}, sgd: { momentum: choice([0, 0.9]) } }),
  });
  const begin = (trials?: unknown) =>
    askAndTell(searchSpace, {
      strategy: random(),
      objectives: minimize('val_loss'),
      ...(trials ? { trials: loose(trials) } : {}),
    });

  test.each([
    ['missing options', undefined, undefined, 'undefined'],
    ['a strategy function that was not called', { strategy: tpe }, 'strategy', 'a function'],
    ['a missing strategy', { strategy: undefined }, 'strategy', 'undefined'],
    ['a column name as the objective', { objectives: 'loss' }, 'objectives', 'the string "loss"'],
    ['missing objectives', { objectives: undefined }, 'objectives', 'undefined'],
    ['an objective without a direction', { objectives: { metric: 'loss' } }, 'objectives', 'an object'],
    [
      'two objectives for the same column',
      { objectives: [minimize('a'), maximize('a')] },
      'objectives',
      '"a" twice',
    ],
    ['an object as initial params', { initialParams: { rate: 1 } }, 'initialParams', 'an object'],
    ['a pruner function that was not called', { pruner: medianPruner }, 'pruner', 'a function'],
    ['a fraction as the seed', { seed: 1.5 }, 'seed', '1.5'],
    ['an unknown option', { sead: 1 }, undefined, 'the option "sead"'],
  ])('rejects %s, as study() does', async (_, overrides, part, received) => {
    const parts = overrides && { strategy: random(), objectives: minimize('loss'), ...overrides };
    const studyParts = parts && { space: searchSpace, run: async () => {}, ...parts };
    for (const [path, make] of [
      ['askAndTell', () => askAndTell(searchSpace, loose(parts))],
      ['study', () => study(loose(studyParts))],
    ] as const) {
      const error = await catchError(make);
      const fullPath = part === undefined ? path : `${path}.${part}`;
      expect([error.kind, error.path, error.received]).toEqual(['argument', fullPath, received]);
    }
  });

  test.each([
    [
      'params outside the search space',
      [{ filters: 48, optimizer: { kind: 'adam' } }],
      'initialParams[0].filters',
      '32 or 64',
      '48',
    ],
    [
      'params without a required parameter',
      [{ filters: 32, optimizer: { kind: 'sgd' } }],
      'initialParams[0].optimizer.sgd.momentum',
      '0 or 0.9',
      'undefined',
    ],
    [
      'the same params twice',
      Array(2).fill({ optimizer: { kind: 'adam' }, filters: 32 }),
      'initialParams[1]',
      'params that differ from all other initial params',
      '{"filters":32,"optimizer":"adam"} twice',
    ],
  ])('rejects initialParams that contain %s', async (_, first, path, expected, received) => {
    const make = () =>
      askAndTell(searchSpace, {
        strategy: random(),
        objectives: minimize('loss'),
        initialParams: loose(first),
      });
    expect(await catchError(make)).toMatchObject({ path: `askAndTell.${path}`, expected, received });
  });

  test.each([
    ['null', [null], 'askAndTell.initialParams[0]', 'null'],
    ['undefined', [undefined], 'askAndTell.initialParams[0]', 'undefined'],
    ['an array hole', new Array(1), 'askAndTell.initialParams[0]', 'an empty element', 'an element'],
    ['a number', [{ filters: 32 }, 3], 'askAndTell.initialParams[1]', '3'],
  ])(
    'rejects %s in the list of initial params',
    async (_, first, path, received, expected = 'an object of params') => {
      const searchSpace = space({ filters: choice([32, 64]) });
      const make = () =>
        askAndTell(searchSpace, {
          strategy: random(),
          objectives: minimize('loss'),
          initialParams: loose(first),
        });
      expect(await catchError(make)).toMatchObject({ path, expected, received });
    },
  );

  test('rejects more initial params than the hyperband plan has new trials', async () => {
    const searchSpace = space({ units: int({ min: 1, max: 99 }) });
    const initialParams = Array.from({ length: 18 }, (_, i) => ({ units: i + 1 }));
    const options = { strategy: hyperband({ maxEpochs: 9 }), objectives: minimize('loss') };
    const error = await catchError(() => askAndTell(searchSpace, { ...options, initialParams }));
    expect([error.path, error.expected, error.received]).toEqual([
      'askAndTell.initialParams',
      'at most 17 initial params, the number of trials that hyperband starts',
      '18 initial params',
    ]);
    expect(
      askAndTell(searchSpace, { ...options, initialParams: initialParams.slice(1) }).ask()!.params,
    ).toEqual({ units: 2 });
  });

  test('rejects initial params with a value that is between two steps of its parameter', async () => {
    const searchSpace = space({ dropout: float({ min: 0, max: 0.5, step: 0.1 }) });
    const options = { strategy: random(), objectives: minimize('loss'), initialParams: [{ dropout: 0.25 }] };
    expect((await catchError(() => askAndTell(searchSpace, options))).expected).toBe(
      'a number from 0 to 0.5 in steps of 0.1',
    );
  });

  test('rejects a report without the objective column, and marks a trial whose objective is NaN as failed', async () => {
    const search = begin();
    const { number } = search.ask()!;
    const error = await catchError(() => search.tell(number, { val_los: 3 }));
    expect([error.path, error.received, error.advice]).toEqual([
      'trial 1: val_loss',
      'only the metrics val_los',
      'Did you mean "val_los"?',
    ]);
    expect((await catchError(() => search.tell(number))).received).toBe('no metrics');
    const typeError = await catchError(() => search.report(number, loose({ val_loss: '3' })));
    expect([typeError.path, typeError.received, typeError.advice]).toEqual([
      'trial 1: val_loss',
      'the string "3"',
      'Report a number, or NaN if there is no value.',
    ]);
    search.tell(number, { val_loss: Number.NaN }); // NaN is accepted: the trial fails, as in a study.
    expect(search.bestTrial()).toBeUndefined();
    expect(search.trials[0]).toMatchObject({ state: 'failed', reason: 'val_loss was never a number' });
    const pruned = search.ask()!.number;
    search.report(pruned, { val_loss: Number.NaN });
    search.prune(pruned, 'no promise');
    expect(search.trials[1]).toMatchObject({ state: 'failed', reason: 'val_loss was never a number' });
  });

  test('marks a trial as failed only if no single epoch has numeric values for all objectives', () => {
    const objectives = [minimize('loss'), maximize('accuracy')] as const;
    const begin = () =>
      askAndTell(space({ x: float({ min: 0, max: 1 }) }), { strategy: random(), objectives });
    const search = begin();
    const { number } = search.ask()!;
    search.report(number, { loss: 3, accuracy: 0.5 });
    search.report(number, { loss: 1, accuracy: Number.NaN }); // The loss is better, but the epoch has no accuracy.
    search.tell(number, { loss: 2, accuracy: 0.6 });
    expect(search.trials[0]!.state).toBe('complete');
    expect(computeCosts(search.trials[0]!, objectives)).toEqual([2, -0.6]);
    const other = search.ask()!.number;
    search.report(other, { loss: 1, accuracy: Number.NaN });
    search.tell(other, { loss: Number.NaN, accuracy: 1 });
    expect(search.trials[1]).toMatchObject({
      state: 'failed',
      reason: 'no epoch has numbers for all objectives: loss, accuracy',
    });
  });

  test.each([3, 0, Number.NaN, '3', null, true])(
    'rejects the value %s instead of a metrics object in tell() and report()',
    async (value) => {
      const search = begin();
      const { number } = search.ask()!;
      for (const act of [
        () => search.tell(number, loose(value)),
        () => search.report(number, loose(value)),
      ]) {
        const error = await catchError(act);
        const shown = typeof value === 'number' ? `${value}` : JSON.stringify(value);
        expect([error.path, error.expected, error.received]).toEqual([
          'trial 1',
          'an object that contains the metrics of an epoch',
          shown,
        ]);
        expect(error.advice).toBe(`Write { val_loss: ${typeof value === 'number' ? value : 3} }.`);
      }
    },
  );

  test('rejects a second result for a trial, and a trial number that does not exist', async () => {
    const search = begin();
    search.tell(search.ask()!.number, { val_loss: 1 });
    expect((await catchError(() => search.tell(1, { val_loss: 2 }))).received).toBe(
      'a trial that is already complete',
    );
    expect((await catchError(() => search.fail(7, 'gone'))).received).toBe('no trial with that number');
  });

  test('rejects trial records whose params belong to a different search space', async () => {
    const trial = (params: unknown) => [{ number: 1, params, state: 'complete', rows: [], after: [] }];
    expect((await catchError(() => begin(trial({ filters: 33, optimizer: { kind: 'adam' } })))).path).toBe(
      'trial 1.filters',
    );
    expect((await catchError(() => begin(trial({ filters: 32, optimizer: { kind: 'rmsprop' } })))).path).toBe(
      'trial 1.optimizer.kind',
    );
    expect((await catchError(() => begin(trial({ filters: 32, optimizer: { kind: 'sgd' } })))).path).toBe(
      'trial 1.optimizer.sgd.momentum',
    );
    const misspelled = await catchError(() => begin(trial({ filter: 32, optimizer: { kind: 'adam' } })));
    expect([misspelled.path, misspelled.advice]).toEqual(['trial 1.filter', 'Did you mean "filters"?']);
    expect((await catchError(() => begin(trial(null)))).kind).toBe('data');
  });

  test.each([
    ['an object instead of an array', {}, 'trials', '{}'],
    ['null instead of a trial', [null], 'trials[0]', 'null'],
    ['an unknown state', [{ number: 1, state: 'done', rows: [], after: [] }], 'trials[0]', undefined],
    [
      'a fraction as a trial number',
      [{ number: 1.5, state: 'complete', rows: [], after: [] }],
      'trials[0]',
      undefined,
    ],
    ['missing rows', [{ number: 1, state: 'complete', after: [] }], 'trials[0]', undefined],
    [
      'null instead of a row',
      [{ number: 1, state: 'complete', rows: [null], after: [] }],
      'trials[0]',
      undefined,
    ],
    [
      'a string in the `after` list',
      [{ number: 1, state: 'complete', rows: [], after: ['1'] }],
      'trials[0]',
      undefined,
    ],
    [
      'a repeated trial number',
      [1, 1].map((number) => ({
        ...{ number, state: 'complete', rows: [], after: [] },
        params: { filters: 32, optimizer: { kind: 'adam' } },
      })),
      'trials[1].number',
      '1, the number of another trial',
    ],
  ])('rejects trial records with %s', async (_, trials, path, received) => {
    const error = await catchError(() => begin(trials));
    expect([error.kind, error.path]).toEqual(['data', path]);
    if (received !== undefined) expect(error.received).toBe(received);
  });

  test('rejects ask() while hyperband needs the results of the running trials', async () => {
    const search = askAndTell(space({ rate: float({ min: 0, max: 1 }) }), {
      strategy: hyperband({ maxEpochs: 3 }),
      objectives: minimize('val_loss'),
    });
    for (let i = 0; i < 5; i++) search.ask();
    const error = await catchError(() => search.ask());
    expect([error.path, error.received]).toEqual(['ask', '5 running trials without a result']);
  });
});
