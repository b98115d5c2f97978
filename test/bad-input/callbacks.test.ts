import { describe, expect, test } from 'vitest';
import { earlyStopping } from '../../src/entries/node.js';
import { catchError } from './catchError.js';
import { good, settings, small } from './small.js';

const nothing = () => {};
const errorOf = (callback: unknown) =>
  catchError(() => small().fit(good(), { ...settings, callbacks: [callback] } as never));

describe('fit with an invalid callback', () => {
  test.each([
    ['a callback that is not an object', nothing, 'a callback', /earlyStopping\(\)/],
    ['null as a callback', null, 'a callback', /earlyStopping\(\)/],
    ['a factory that was not called', earlyStopping, 'a callback', /earlyStopping\(\)/],
    ['a callback without hooks', { name: 'log' }, 'a callback with at least one hook', /onEpochEnd/],
    [
      'a callback with create() and a hook',
      { name: 'log', create: () => ({}), onEpochEnd: nothing },
      'an object with either hooks or create()',
      /from create\(\)/,
    ],
    [
      'a callback with create() and getState()',
      { name: 'log', create: () => ({}), getState: () => ({ values: 1 }) },
      'an object with either hooks or create()',
      /from create\(\)/,
    ],
    [
      'a callback with getState() and a hook',
      { name: 'log', onEpochEnd: nothing, getState: () => ({ values: 1 }) },
      'an object with create(), because the callback has state',
      /Add create\(run, saved\)/,
    ],
    [
      'a misspelled hook name',
      { name: 'log', onEpochend: nothing },
      'only the hooks onTrainBegin, onEpochBegin, onBatchEnd, onEpochEnd, onTrainEnd',
      /Did you mean "onEpochEnd"\?/,
    ],
  ])('rejects %s', async (_, callback, expected, advice) => {
    const error = await errorOf(callback);
    expect(error).toMatchObject({ kind: 'argument', path: 'fit.callbacks[0]', expected });
    expect(error.advice).toMatch(advice);
  });
});
