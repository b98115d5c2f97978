import { expect, test } from 'vitest';
import {
  branch,
  flatten,
  imagesInMemory,
  memoryStore,
  multiTask,
  regression,
  tensorBoard,
} from '../../src/entries/node.js';
import { EVENT_FILE_VERSION, encodeEvents } from '../../src/formats/tfEvents.js';
import { readEvents, scalarsIn } from './eventFile.js';
import { fixture } from './fixture.js';

const keras = fixture<{
  readonly written: {
    readonly [updateFreq: string]: { readonly [run: string]: { readonly [tag: string]: readonly number[] } };
  };
  readonly records: string;
}>('tensorboard');

/** Trains two epochs of three batches, as `keras/make_tensorboard.py` does. Returns the steps, keyed by run and tag, and the history rows. */
async function stepsOf(updateFreq: 'epoch' | 'batch' | number) {
  const store = memoryStore();
  const task = regression({ unit: 'bytes' });
  const model = multiTask({ input: [2, 2, 3] })
    .task('age', task, branch([flatten()]))
    .task('size', task, branch([flatten()]))
    .build();
  const data = imagesInMemory(
    Array.from({ length: 12 }, (_, i) => ({
      image: { data: new Uint8Array(12).fill(i), height: 2, width: 2, channels: 3 },
      labels: { age: i, size: 2 * i },
    })),
  );
  const { rows } = await model.fit(data, {
    epochs: 2,
    batchSize: 4,
    engine: 'cpu',
    validation: data,
    callbacks: [tensorBoard(store, { updateFreq })],
  });
  model.dispose();
  const scalars = await scalarsIn(store);
  const steps: Record<string, Record<string, number[]>> = {};
  for (const [run, list] of Object.entries(scalars)) {
    const tags: Record<string, number[]> = {};
    for (const { tag, step } of list) tags[tag] = [...(tags[tag] ?? []), step];
    steps[run] = tags;
  }
  return { steps, rows, scalars };
}

test.each(['epoch', 'batch'] as const)(
  "tensorBoard with updateFreq: '%s' writes the same runs, tags and steps as Keras",
  async (updateFreq) => {
    const { steps } = await stepsOf(updateFreq);
    const { epoch_seconds: seconds, ...train } = steps.train!;
    expect(seconds).toEqual([0, 1]); // Keras has no such tag.
    expect({ ...steps, train }).toEqual(keras.written[updateFreq]);
  },
);

test('tensorBoard with updateFreq: 2 writes the same batch steps as Keras, but writes the values of every epoch, which Keras does not', async () => {
  const { steps } = await stepsOf(2);
  const theirs = keras.written['2']!;
  const batch = Object.entries(theirs.train!).filter(([tag]) => tag.startsWith('batch_'));
  expect(batch.length).toBeGreaterThan(0);
  for (const [tag, stepsOfTag] of batch) expect(steps.train![tag], tag).toEqual(stepsOfTag);
  // Keras applies updateFreq to epoch values too, and omits those whose step is not a multiple of updateFreq.
  expect(theirs.train!.epoch_loss).toEqual([1]);
  expect(steps.train!.epoch_loss).toEqual([0, 1]);
});

test('tensorBoard writes the history values of each epoch as float32', async () => {
  const { rows, scalars } = await stepsOf('epoch');
  for (const { epoch, ...columns } of rows) {
    for (const [column, value] of Object.entries(columns)) {
      const run = column.startsWith('val_') ? 'validation' : 'train';
      const tag = `epoch_${column.replace('val_', '')}`;
      const written = scalars[run]!.find((scalar) => scalar.tag === tag && scalar.step === epoch - 1);
      expect(written?.value, `${column} of epoch ${epoch}`).toBe(Math.fround(value));
    }
  }
});

test('encodeEvents writes the same bytes for an event as TensorFlow', () => {
  const theirs = Uint8Array.from(Buffer.from(keras.records, 'base64'));
  const scalars = [
    { tag: 'epoch_loss', value: 0.1 },
    { tag: 'epoch_age_mae', value: Number.NaN },
  ];
  const ours = encodeEvents([
    { wallTime: 1700000000.25, what: { version: EVENT_FILE_VERSION } },
    { wallTime: 1700000001.5, what: { step: 300, scalars } },
  ]);
  expect(ours).toEqual(theirs);
  const read = readEvents(theirs);
  expect(read.versions).toEqual([EVENT_FILE_VERSION]);
  expect(read.wallTimes).toEqual([1700000000.25, 1700000001.5]);
  expect(read.scalars).toEqual([
    { tag: 'epoch_loss', step: 300, value: Math.fround(0.1) },
    { tag: 'epoch_age_mae', step: 300, value: Number.NaN },
  ]);
});
