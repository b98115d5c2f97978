import { describe, expect, test } from 'vitest';
import {
  bestCheckpoint,
  type Callback,
  earlyStopping,
  memoryStore,
  reduceLROnPlateau,
} from '../../src/entries/node.js';
import { createHooks } from '../../src/training/callback.js';
import { expectClose } from './close.js';
import { fixture } from './fixture.js';

/** Numbers from the fixture. NaN and the infinities are the strings `nan`, `inf` and `-inf`. */
type Values = readonly (number | string)[];
interface Options {
  readonly patience?: number;
  readonly mode?: 'min' | 'max';
  readonly min_delta?: number;
  readonly start_from_epoch?: number;
  readonly baseline?: number;
  readonly factor?: number;
  readonly cooldown?: number;
  readonly min_lr?: number;
}
const keras = fixture<{
  stops: { options: Options; restore: boolean; values: Values; epochs: number; end: number }[];
  falls: { options: Options; values: Values; rates: number[] }[];
  checkpoints: { name: string; mode: 'min' | 'max'; values: Values; files: string[] }[];
}>('callbacks');

const numberOf = (value: number | string) =>
  typeof value === 'number' ? value : Number(value.replace('nan', 'NaN').replace('inf', 'Infinity'));

/** Calls the hooks of a callback as make_callbacks.py does, with a single weight whose value is the epoch number. */
async function drive(callback: Callback<'val_loss'> | Callback, values: Values) {
  const saved: string[] = [];
  const history: { epoch: number; val_loss: number }[] = [];
  const rates: number[] = [];
  let stopped = false;
  let weight = 0;
  const run = {
    tasks: [],
    engine: { name: 'wasm', reason: 'requested by name' } as const,
    monitorModes: { val_loss: 'min' as const },
    monitor: { column: 'val_loss', mode: 'min' as const },
    resumed: false,
    epochs: values.length,
    history,
    learningRate: 1,
    setLearningRate: (rate: number) => {
      run.learningRate = rate;
    },
    stop: () => {
      stopped = true;
    },
    getWeights: () => Promise.resolve({ epoch: { data: Float32Array.of(weight), shape: [1] } } as never),
    setWeights: (weights: { readonly [name: string]: { readonly data: ArrayLike<number> } }) => {
      weight = weights.epoch!.data[0]!;
    },
    save: (_: unknown, folder: string) => {
      saved.push(folder);
      return Promise.resolve();
    },
  };
  const hooks = await createHooks(callback, run);
  await hooks.onTrainBegin?.(run);
  for (const [i, value] of values.entries()) {
    const row = { epoch: i + 1, val_loss: numberOf(value) };
    history.push(row);
    weight = i + 1;
    await hooks.onEpochEnd?.({ epoch: i + 1, row }, run);
    rates.push(run.learningRate);
    if (stopped) break;
  }
  await hooks.onTrainEnd?.('finished', run);
  return { epochs: rates.length, end: weight, rates, saved };
}

/** Converts Keras's option names to those of this library. */
function renamed(options: Options) {
  const names: { [name: string]: string } = {
    min_delta: 'minDelta',
    start_from_epoch: 'startFromEpoch',
    min_lr: 'minLearningRate',
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [names[name] ?? name, value]));
}

const title = (options: object, values: Values) => `${JSON.stringify(options)} on ${values.join(' ')}`;

describe('earlyStopping', () => {
  test.each(
    keras.stops.map((one) => [title({ ...one.options, restore: one.restore }, one.values), one] as const),
  )(
    'stops at the same epochs and restores the same weights as Keras: %s',
    async (_, { options, restore, values, epochs, end }) => {
      const done = await drive(earlyStopping({ ...renamed(options), restoreBestWeights: restore }), values);
      expect(done.epochs).toBe(epochs);
      expect(done.end).toBe(end);
    },
  );

  test('is compared with Keras for runs that stop early, runs that do not, and runs that end with restored weights', () => {
    const { stops } = keras;
    expect(stops.filter((one) => one.epochs < one.values.length).length).toBeGreaterThan(20);
    expect(stops.filter((one) => one.epochs === one.values.length).length).toBeGreaterThan(10);
    expect(stops.filter((one) => one.end < one.epochs).length).toBeGreaterThan(20);
  });
});

describe('reduceLROnPlateau', () => {
  test.each(keras.falls.map((one) => [title(one.options, one.values), one] as const))(
    'sets the same learning rates as Keras: %s',
    async (_, { options, values, rates }) => {
      // Keras stores the learning rate as float32.
      expectClose((await drive(reduceLROnPlateau(renamed(options)), values)).rates, rates, 1e-7, 'rate');
    },
  );

  test('is compared with Keras for runs with and without a reduced learning rate', () => {
    const lowest = keras.falls.map((one) => one.rates.at(-1)!);
    expect(lowest.filter((rate) => rate < 1).length).toBeGreaterThan(30);
    expect(lowest.filter((rate) => rate === 1).length).toBeGreaterThan(3);
  });
});

describe('bestCheckpoint', () => {
  test.each(
    keras.checkpoints.map((one) => [title({ name: one.name, mode: one.mode }, one.values), one] as const),
  )(
    'saves the same model folders as ModelCheckpoint in Keras: %s',
    async (_, { name, mode, values, files }) => {
      const { saved } = await drive(bestCheckpoint(memoryStore(), { folder: name, mode }), values);
      expect([...new Set(saved)].sort()).toEqual(files);
    },
  );
});
