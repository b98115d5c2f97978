import { describe, expectTypeOf, test } from 'vitest';
import { readStudy, runSingleTrial, runStudy, runStudyWorker } from '../../src/node/index.js';
import type { TrialOf } from '../../src/node/tuning/studyModule.js';
import {
  alternatives,
  askAndTell,
  bestTrial,
  choice,
  float,
  int,
  minimize,
  type ParamsOf,
  random,
  type Study,
  space,
  study,
} from '../../src/tuner/index.js';

const searched = space({
  dropout: float({ min: 0, max: 0.5 }),
  layers: int({ min: 1, max: 4 }),
  filters: choice([32, 64, 128]),
  activation: choice(['relu', 'elu']),
  norm: choice([false, true]),
  optimizer: alternatives({
    adam: { rate: float({ min: 1e-5, max: 1e-2, scale: 'log' }) },
    sgd: { rate: float({ min: 1e-3, max: 1, scale: 'log' }), nesterov: choice([false, true]) },
    plain: {},
  }),
});
type Values = ParamsOf<typeof searched>;

describe('the TypeScript types of the params of a search space', () => {
  test('are numbers, or the literal types of the values of a choice', () => {
    expectTypeOf<Values['dropout']>().toEqualTypeOf<number>();
    expectTypeOf<Values['layers']>().toEqualTypeOf<number>();
    expectTypeOf<Values['filters']>().toEqualTypeOf<32 | 64 | 128>();
    expectTypeOf<Values['activation']>().toEqualTypeOf<'relu' | 'elu'>();
    expectTypeOf<Values['norm']>().toEqualTypeOf<boolean>();
  });

  test('include a union for alternatives, which is discriminated by the `kind` property', () => {
    type Optimizer = Values['optimizer'];
    expectTypeOf<Optimizer['kind']>().toEqualTypeOf<'adam' | 'sgd' | 'plain'>();
    expectTypeOf<Extract<Optimizer, { kind: 'sgd' }>>().toEqualTypeOf<{
      readonly kind: 'sgd';
      readonly rate: number;
      readonly nesterov: boolean;
    }>();
    expectTypeOf<Extract<Optimizer, { kind: 'plain' }>>().toEqualTypeOf<{ readonly kind: 'plain' }>();
  });

  test('are the types of the trial params in askAndTell', () => {
    const search = askAndTell(searched, { strategy: random(), objectives: minimize('val_loss') });
    expectTypeOf(search.ask()!.params).toEqualTypeOf<Values>();
    expectTypeOf(search.bestTrial()!.params.filters).toEqualTypeOf<32 | 64 | 128>();
  });

  test('apply to initialParams', () => {
    const optimizer = { kind: 'plain' } as const;
    const good = { dropout: 0.3, layers: 2, filters: 64, activation: 'relu', norm: true, optimizer } as const;
    const options = {
      space: searched,
      strategy: random(),
      objectives: minimize('loss'),
      run: async () => {},
    };
    study({ ...options, initialParams: [good] });
    // @ts-expect-error no such number of filters
    study({ ...options, initialParams: [{ ...good, filters: 48 }] });
    const partial = { dropout: 0.3 };
    // @ts-expect-error a part is missing
    study({ ...options, initialParams: [partial] });
    const search = { strategy: random(), objectives: minimize('loss') };
    // @ts-expect-error a part is missing
    askAndTell(searched, { ...search, initialParams: [partial] });
  });

  test('do not allow unknown parameters', () => {
    const values = {} as Values;
    // @ts-expect-error no such parameter
    void values.dropuot;
    // @ts-expect-error only sgd has it
    void values.optimizer.nesterov;
    // @ts-expect-error a space has parameters, not values
    space({ rate: 0.1 });
    // @ts-expect-error `kind` is the name of the alternative
    alternatives({ a: { kind: choice([1, 2]) }, b: {} });
  });
});

describe('the TypeScript types of a study that is loaded from a module', () => {
  type Plain = typeof import('../runtime/studies/plain.js');
  type ExpectedParams = { readonly x: number; readonly rate: number; readonly kind: 'a' | 'b' | 'c' };

  test('are inferred from the search space of the study and the settings of its function', () => {
    const run = () =>
      runStudy<Plain>('plain.js', {
        folder: 'out',
        settings: { seed: 3 },
        onChange: (trials) => expectTypeOf(trials[0]!.params).toEqualTypeOf<ExpectedParams>(),
      });
    type Ended = Awaited<ReturnType<typeof run>>;
    expectTypeOf<Ended['trials'][number]['params']>().toEqualTypeOf<ExpectedParams>();
    const best = ({ trials, study }: Ended) => bestTrial(trials, study.objectives)!.params.kind;
    expectTypeOf(best).returns.toEqualTypeOf<'a' | 'b' | 'c'>();
    const read = () => readStudy<Plain>('plain.js', { folder: 'out', settings: { seed: 3 } });
    expectTypeOf<
      Awaited<ReturnType<typeof read>>['trials'][number]['params']
    >().toEqualTypeOf<ExpectedParams>();
    const alone = () => runSingleTrial<Plain>('plain.js', { folder: 'out', number: 1 });
    expectTypeOf<NonNullable<Awaited<ReturnType<typeof alone>>>['params']>().toEqualTypeOf<ExpectedParams>();
    // @ts-expect-error a seed is a number
    void (() => runStudy<Plain>('plain.js', { folder: 'out', settings: { seed: '3' } }));
    // @ts-expect-error here too
    void (() => runSingleTrial<Plain>('plain.js', { folder: 'out', number: 1, settings: { seed: '3' } }));
    // @ts-expect-error and here
    void (() => readStudy<Plain>('plain.js', { folder: 'out', settings: { seed: '3' } }));
    void (() =>
      // @ts-expect-error and here
      runStudyWorker<Plain>('plain.js', { folder: 'out', queue: { url: '' }, settings: { seed: '3' } }));
    // @ts-expect-error a module whose default export is not a study
    void (() => runStudy<{ default: number }>('plain.js', { folder: 'out' }));
  });

  test('are inferred from a study that is either exported directly or returned by a function', () => {
    const exported = study({
      space: searched,
      objectives: minimize('a'),
      strategy: random(),
      run: async () => {},
    });
    expectTypeOf<TrialOf<{ default: () => Promise<typeof exported> }>['params']>().toEqualTypeOf<Values>();
    expectTypeOf<TrialOf<{ default: typeof exported }>['params']>().toEqualTypeOf<Values>();
  });

  test('require the settings that the function of the study requires', () => {
    type Needs = { default: (settings: { data: string; size?: number }) => Study };
    void (() => runStudy<Needs>('search.js', { folder: 'out', settings: { data: 'faces' } }));
    // @ts-expect-error the setting `data` is missing
    void (() => runStudy<Needs>('search.js', { folder: 'out' }));
    // @ts-expect-error here too
    void (() => runSingleTrial<Needs>('search.js', { folder: 'out', number: 1 }));
    // A worker and a reader use the settings of the search.
    void (() =>
      runStudyWorker<Needs>('search.js', { folder: 'out', queue: { url: '' }, settings: { size: 3 } }));
    void (() => readStudy<Needs>('search.js', { folder: 'out' }));
    // @ts-expect-error settings are an object, also for a function without parameters
    void (() => runStudy<{ default: () => Study }>('search.js', { folder: 'out', settings: 5 }));
  });

  test('are `unknown` if the type of the module is not passed', () => {
    const run = () => runStudy('plain.js', { folder: 'out', settings: { any: [1] } });
    expectTypeOf<Awaited<ReturnType<typeof run>>['trials'][number]['params']>().toEqualTypeOf<unknown>();
  });
});
