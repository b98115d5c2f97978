import { describe, expect, test } from 'vitest';
import * as checks from '../../src/core/errors/checks.js';
import { describeType, formatValue } from '../../src/core/errors/formatValue.js';
import { suggestAwait } from '../../src/core/errors/suggestions.js';
import { memoryStore } from '../../src/entries/node.js';
import { catchError } from '../bad-input/catchError.js';

const advice = 'Change it.';

describe('the argument checks in core/errors/checks', () => {
  test('accept valid values', () => {
    checks.number('a', 0.5, { min: 0, below: 1, advice });
    checks.number('a', Number.POSITIVE_INFINITY, { above: 0, allowInfinity: true, advice });
    checks.integer('a', 3, { min: 3, max: 3, advice });
    checks.proportion('a', 1, { advice });
    checks.boolean('a', false, { advice });
    checks.string('a', 'b', { advice });
    checks.oneOf('a', 3, [1, 3], { advice });
    checks.list('a', [1], { minLength: 1, advice });
    checks.distinct('a', ['b', 'c'], { advice });
    checks.shape('a', [1, 2], ['height', 'width'], { advice });
    checks.store('a', memoryStore(), { advice });
    checks.optionNames('a', { b: 1 }, ['b']);
  });
});

describe('an argument check in core/errors/checks', () => {
  const number = (value: unknown, bounds: object) => () =>
    checks.number('a', value, { ...bounds, advice } as checks.NumberCheckOptions);
  test.each([
    ['NaN', number(Number.NaN, {}), 'a finite number', 'NaN'],
    ['infinity', number(Number.POSITIVE_INFINITY, { min: 0 }), 'a number of at least 0', 'Infinity'],
    ['a string that looks like a number', number('0.5', { min: 0 }), 'a number of at least 0', '"0.5"'],
    ['a number below its range', number(-1, { min: 0, max: 1 }), 'a number from 0 to 1', '-1'],
    ['a number above its range', number(2, { max: 1 }), 'a number of at most 1', '2'],
    ['an exclusive lower bound', number(0, { above: 0 }), 'a number greater than 0', '0'],
    ['an exclusive upper bound', number(1, { below: 1 }), 'a number less than 1', '1'],
    ['a half-open range', number(1, { min: 0, below: 1 }), 'a number of at least 0 and less than 1', '1'],
    ['an open range', number(1, { above: 0, below: 1 }), 'a number greater than 0 and less than 1', '1'],
    [
      'a number with a noun',
      number(0, { above: 0, max: 9, noun: 'a number of seconds' }),
      'a number of seconds greater than 0 and at most 9',
      '0',
    ],
    [
      'half an integer',
      () => checks.integer('a', 1.5, { min: 1, advice }),
      'an integer of at least 1',
      '1.5',
    ],
    ['a proportion above 1', () => checks.proportion('a', 20, { advice }), 'a number from 0 to 1', '20'],
    ['a word instead of a boolean', () => checks.boolean('a', 'no', { advice }), 'true or false', '"no"'],
    ['a blank string', () => checks.string('a', ' ', { advice }), 'a non-empty string', '" "'],
    ['an unknown word', () => checks.oneOf('a', 'xyz', ['b', 'c'], { advice }), '"b" or "c"', '"xyz"'],
    ['no array', () => checks.list('a', { b: 1 }, { advice }), 'an array', 'an object'],
    [
      'an empty array',
      () => checks.list('a', [], { minLength: 1, advice }),
      'an array with at least 1 element',
      'an empty array',
    ],
    ['a repeated value', () => checks.distinct('a', ['b', 'b'], { advice }), 'different values', '"b" twice'],
    [
      'a shape without a size',
      () => checks.shape('a', [1], ['height', 'width'], { advice }),
      'an array [height, width] of positive integers',
      '[1]',
    ],
    ['a path instead of a store', () => checks.store('a', 'out', { advice }), 'a store', 'the string "out"'],
  ] as const)(
    'throws an argument error that contains the expected and the received value: %s',
    async (_, check, expected, received) => {
      expect(await catchError(check)).toMatchObject({
        kind: 'argument',
        path: 'a',
        expected,
        received,
        advice,
      });
    },
  );

  test('throws an error for an unknown option, and suggests a valid name only if it is similar', async () => {
    const near = await catchError(() => checks.optionNames('a', { stpes: 1 }, ['steps', 'seed']));
    expect(near).toMatchObject({ received: 'the option "stpes"', advice: 'Did you mean "steps"?' });
    const far = await catchError(() => checks.optionNames('a', { other: 1 }, ['steps', 'seed']));
    expect(far).toMatchObject({ expected: 'only the options steps, seed', advice: 'Remove this option.' });
  });

  test('throws an error whose advice contains the default value', async () => {
    const error = await catchError(() => checks.integer('a', 0, { min: 1, defaultValue: 32 }));
    expect(error.advice).toBe('Omit it to use the default, 32.');
  });

  test('throws an error of the requested kind', async () => {
    const error = await catchError(() => checks.number('a', -1, { min: 0, kind: 'data', advice }));
    expect(error.kind).toBe('data');
  });
});

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [[], 'an empty array'],
  [[1], 'an array'],
  [{}, 'an object'],
  [3, 'the number 3'],
  ['a', 'the string "a"'],
  [true, 'the boolean true'],
  [() => 1, 'a function'],
  [Promise.resolve(1), 'a promise'],
  [new Uint8Array(2), 'a Uint8Array'],
  [new ArrayBuffer(2), 'an ArrayBuffer'],
  [{ '~part': 'trunk' }, 'a trunk'],
  [{ '~block': 'conv' }, 'the block conv'],
])('describeType describes %s as %s', (value, description) => {
  expect(describeType(value)).toBe(description);
});

test('formatValue quotes strings, prints NaN and truncates long strings', () => {
  expect([formatValue('a'), formatValue(Number.NaN), formatValue({ b: 1 })]).toEqual([
    '"a"',
    'NaN',
    '{"b":1}',
  ]);
  expect(formatValue('a'.repeat(100))).toHaveLength(80);
});

test('suggestAwait returns the advice to await a promise', () => {
  expect(suggestAwait(Promise.resolve(1), advice)).toBe('Await the promise first.');
  expect(suggestAwait(1, advice)).toBe(advice);
});
