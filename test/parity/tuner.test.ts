import { describe, expect, test } from 'vitest';
import { choice, float, hyperbandPlan, int } from '../../src/tuner/index.js';
import { fixture } from './fixture.js';

interface Keras {
  readonly plans: readonly {
    readonly maxEpochs: number;
    readonly factor: number;
    readonly brackets: readonly (readonly (readonly [trials: number, epochs: number])[])[];
  }[];
  readonly places: readonly number[];
  readonly values: { readonly [parameter: string]: readonly (number | boolean)[] };
}
const keras = fixture<Keras>('tuner');

/** The parameters in keras/make_tuner.py. */
const PARAMETERS = {
  float: float({ min: -2, max: 3 }),
  'float log': float({ min: 1e-5, max: 1e-1, scale: 'log' }),
  'float step': float({ min: 0, max: 0.5, step: 0.125 }),
  'float step that does not end at max': float({ min: 0, max: 1, step: 0.3 }),
  'float log step': float({ min: 1e-4, max: 1, step: 10, scale: 'log' }),
  int: int({ min: 1, max: 7 }),
  'int log': int({ min: 1, max: 1000, scale: 'log' }),
  'int step': int({ min: 16, max: 64, step: 16 }),
  'int log step': int({ min: 1, max: 64, step: 2, scale: 'log' }),
  choice: choice([32, 64, 128]),
  boolean: choice([false, true]),
};

test.each(keras.plans)(
  'hyperbandPlan for $maxEpochs epochs and the factor $factor returns the same brackets as KerasTuner',
  ({ maxEpochs, factor, brackets }) => {
    const plan = hyperbandPlan({ maxEpochs, factor });
    expect(plan.map((rounds) => rounds.map(({ trials, epochs }) => [trials, epochs]))).toEqual(brackets);
  },
);

describe('the probToValue method of a parameter', () => {
  test.each(Object.entries(PARAMETERS))(
    'returns the same values as KerasTuner: %s',
    (name, { probToValue }) => {
      const values = keras.places.map((probability) => probToValue(probability) as number | boolean);
      for (const [i, expected] of keras.values[name]!.entries()) {
        // This library rounds step values to fourteen digits, and the last bit of powers differs between languages.
        if (typeof expected === 'number') expect(values[i]! as number).toBeCloseTo(expected, 10);
        else expect(values[i]).toBe(expected);
      }
    },
  );

  test('can return max for float({ min: 0, max: 0.5, step: 0.1 }), unlike KerasTuner', () => {
    const { probToValue, count } = float({ min: 0, max: 0.5, step: 0.1 });
    expect(Array.from({ length: count }, (_, i) => probToValue((i + 0.5) / count))).toEqual([
      0, 0.1, 0.2, 0.3, 0.4, 0.5,
    ]);
  });

  test('is compared with KerasTuner for every parameter in the KerasTuner fixture', () => {
    expect(Object.keys(keras.values).sort()).toEqual(Object.keys(PARAMETERS).sort());
  });
});
