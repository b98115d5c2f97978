import { describe, expect, test } from 'vitest';
import {
  binary,
  branch,
  type Callback,
  flatten,
  imagesInMemory,
  memoryStore,
  multiTask,
  type Run,
} from '../../src/entries/node.js';
import { TrainingHistory } from '../../src/training/trainingHistory.js';

const engine = { name: 'cpu', reason: 'a test' } as const;
const tasks = [{ name: 'age', kind: 'regression', metrics: ['fit'] }] as const;
const modes = { loss: 'min', age_loss: 'min', age_fit: 'max', val_loss: 'min' } as const;
const rows = [
  { epoch: 1, loss: 3, age_fit: 0.1, val_loss: Number.NaN },
  { epoch: 2, loss: 1, age_fit: 0.7, val_loss: Number.NaN },
  { epoch: 3, loss: 1, age_fit: 0.4, val_loss: Number.NaN },
];
const history = new TrainingHistory(tasks, rows, engine, 'finished', modes);

describe('history.bestEpoch', () => {
  test('returns the first epoch with the smallest loss', () => {
    expect(history.bestEpoch('loss')).toEqual({ epoch: 2, monitor: 'loss', value: 1 });
  });

  test('returns the epoch with the largest value of a metric for which larger values are better', () => {
    expect(history.bestEpoch('age_fit')).toEqual({ epoch: 2, monitor: 'age_fit', value: 0.7 });
  });

  test('returns undefined for a column that contains no number', () => {
    expect(history.bestEpoch('val_loss')).toBeUndefined();
    expect(history.bestEpoch('age_loss')).toBeUndefined();
  });

  test('throws an error for a column that the run does not have, and suggests the most similar column', () => {
    expect(() => history.bestEpoch('age_fitt')).toThrow('Did you mean "age_fit"?');
    expect(() => history.bestEpoch('val_age_fit')).toThrow(
      'expected a column of the history: "loss", "age_loss", "age_fit" or "val_loss"',
    );
    expect(() => history.bestEpoch('toString')).toThrow(
      'expected a column of the history: "loss", "age_loss"',
    );
  });

  test('is omitted from the JSON of the history', () => {
    expect(JSON.parse(JSON.stringify(history))).toEqual({
      tasks,
      rows: rows.map((row) => ({ ...row, val_loss: null })),
      engine,
      stopped: 'finished',
    });
  });
});

const data = imagesInMemory(
  Array.from({ length: 4 }, (_, i) => ({
    image: { data: new Uint8Array(12).fill(60 * i), height: 2, width: 2, channels: 3 },
    labels: { light: i < 2 ? ('dark' as const) : ('bright' as const) },
  })),
);
const compose = () =>
  multiTask({ input: [2, 2, 3] })
    .task('light', binary(['dark', 'bright']), branch([flatten()]))
    .build();

describe('the hooks of a callback', () => {
  test('are called in order, and each receives the run as its last argument', async () => {
    const calls: string[] = [];
    const runs = new Set<Run>();
    const note = (text: string, run: Run) => {
      calls.push(text);
      runs.add(run);
    };
    const flat: Callback = {
      name: 'flat',
      onTrainBegin: (run) => note(`begin of ${run.epochs} epochs`, run),
      onEpochBegin: (epoch, run) => note(`epoch ${epoch}`, run),
      onBatchEnd: ({ batch, batches }, run) => note(`batch ${batch} of ${batches}`, run),
      onEpochEnd: ({ row }, run) => note(`end of epoch ${row.epoch}`, run),
      onTrainEnd: (reason, run) => note(reason, run),
    };
    const withCreate: Callback = {
      name: 'withCreate',
      create: (run) => {
        note('create', run);
        return {
          onTrainBegin: (sameRun) => note('begin after create', sameRun),
          onEpochEnd: (_, sameRun) => note('end after create', sameRun),
        };
      },
    };
    const options = { epochs: 1, batchSize: 2, engine: 'cpu', callbacks: [flat, withCreate] } as const;
    await compose().fit(data, options);
    expect(calls).toEqual([
      ...['begin of 1 epochs', 'create', 'begin after create', 'epoch 1'],
      ...['batch 1 of 2', 'batch 2 of 2', 'end of epoch 1', 'end after create', 'finished'],
    ]);
    expect(runs.size).toBe(1);
  });

  test('are called as methods of their object, so an instance of a class can be a callback', async () => {
    class Counter {
      readonly name = 'counter';
      batches = 0;
      onBatchEnd() {
        this.batches++;
      }
    }
    const counter = new Counter();
    await compose().fit(data, { epochs: 2, batchSize: 2, engine: 'cpu', callbacks: [counter] });
    expect(counter.batches).toBe(4);
  });

  test('receive the saved getState() value when the run is resumed', async () => {
    const checkpoint = memoryStore();
    const states: unknown[] = [];
    const count: Callback = {
      name: 'count',
      create: (_, saved) => {
        states.push(saved?.values);
        let batches = Number(saved?.values ?? 0);
        return { onBatchEnd: () => void batches++, getState: () => ({ values: batches }) };
      },
    };
    for (const epochs of [1, 2]) {
      const options = { epochs, batchSize: 2, checkpoint, resume: 'auto', callbacks: [count] } as const;
      await compose().fit(data, { ...options, engine: 'cpu' });
    }
    expect(states).toEqual([undefined, 2]);
  });
});

test('fit returns a history whose bestEpoch() treats the largest accuracy as the best', async () => {
  const result = await compose().fit(data, { epochs: 3, batchSize: 2, engine: 'cpu', validation: data });
  const accuracies = result.rows.map((row) => row.val_light_accuracy!);
  const best = result.bestEpoch('val_light_accuracy')!;
  expect(best.value).toBe(Math.max(...accuracies));
  expect(best.epoch).toBe(accuracies.indexOf(best.value) + 1);
});
