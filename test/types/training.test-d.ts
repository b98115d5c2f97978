import { describe, expectTypeOf, test } from 'vitest';
import {
  type BestEpoch,
  binary,
  branch,
  type Callback,
  categorical,
  csvLogger,
  type Dataset,
  earlyStopping,
  flatten,
  type HistoryRecord,
  memoryStore,
  multiTask,
  regression,
  rmse,
  weightedLoss,
} from '../../src/entries/node.js';
import { learningCurves } from '../../src/node/index.js';

const part = branch([flatten()]);
const model = multiTask({ input: [8, 8, 3] })
  .task('age', regression({ unit: 'years' }), part)
  .task('gender', binary(['male', 'female']), part)
  .task('light', categorical(['dawn', 'day', 'night']), part)
  .build();
declare const data: Dataset<{ age: number; gender: 'male' | 'female'; light: 'dawn' | 'day' | 'night' }>;
const weights = { age: 1, gender: 50, light: 10 } as const;
const fit = () => model.fit(data, { epochs: 1 });
declare const history: Awaited<ReturnType<typeof fit>>;

describe('the TypeScript type of the history from fit', () => {
  test('contains every column of a row', () => {
    const row = history.rows[0]!;
    expectTypeOf(row.loss).toEqualTypeOf<number>();
    expectTypeOf(row.val_age_mae).toEqualTypeOf<number | undefined>();
    expectTypeOf(row.gender_accuracy).toEqualTypeOf<number | undefined>();
    expectTypeOf(row.val_unaugmented_light_loss).toEqualTypeOf<number | undefined>();
    expectTypeOf(row.learning_rate).toEqualTypeOf<number>();
    // @ts-expect-error: a regression has no accuracy
    row.val_age_accuracy;
    // @ts-expect-error: the model has no such task
    row.val_size_mae;
  });

  test('contains the columns of the metrics that each task specifies', () => {
    const withRmse = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years', metrics: [rmse()] }), part)
      .build();
    const train = () => withRmse.fit(data, { epochs: 1 });
    type Row = Awaited<ReturnType<typeof train>>['rows'][number];
    expectTypeOf<Row['val_age_rmse']>().toEqualTypeOf<number | undefined>();
    // @ts-expect-error: the task has other metrics
    expectTypeOf<Row['val_age_mae']>();
  });

  test('restricts bestEpoch to known columns', () => {
    expectTypeOf(history.bestEpoch('val_age_mae')).toEqualTypeOf<BestEpoch<'val_age_mae'> | undefined>();
    // @ts-expect-error: no such column
    history.bestEpoch('val_agee_mae');
  });

  test('extends HistoryRecord, which is the type that figures and reports accept', () => {
    expectTypeOf(history).toExtend<HistoryRecord>();
    expectTypeOf(history.engine.name).toExtend<string>();
    expectTypeOf(history.stopped).toEqualTypeOf<string>();
  });

  test('restricts learningCurves to the names of its tasks', () => {
    const draw = () => learningCurves(history, { task: 'light' });
    expectTypeOf(draw).returns.resolves.toEqualTypeOf<string>();
    // @ts-expect-error: no such task
    () => learningCurves(history, { task: 'lihgt' });
    const fromFile = (record: HistoryRecord) => learningCurves(record, { task: 'whatever the file has' });
    expectTypeOf(fromFile).returns.resolves.toEqualTypeOf<string>();
  });
});

describe('the TypeScript type of class weights', () => {
  test('accepts labels of classification tasks, and class weights from a JSON file', () => {
    const loss = weightedLoss(weights, { classWeights: { gender: { female: 2 }, light: { dawn: 3 } } });
    () => model.fit(data, { epochs: 1, loss });
    () => model.evaluate(data, { loss });
    const fromFile = JSON.parse('{}') as { [task: string]: { [label: string]: number } };
    () => model.fit(data, { epochs: 1, loss: weightedLoss(weights, { classWeights: fromFile }) });
  });
});

describe('the TypeScript type of a callback', () => {
  test('infers the arguments of its hooks', () => {
    const callback: Callback = {
      name: 'log',
      onTrainBegin: (run) => void expectTypeOf(run.epochs).toEqualTypeOf<number>(),
      onEpochBegin: (epoch) => void expectTypeOf(epoch).toEqualTypeOf<number>(),
      onBatchEnd: ({ batch }) => void expectTypeOf(batch).toEqualTypeOf<number>(),
      onEpochEnd: ({ row }, run) => run.stop(`loss ${row.loss}`),
      onTrainEnd: async (reason) => void expectTypeOf(reason).toEqualTypeOf<string>(),
    };
    () => model.fit(data, { epochs: 1, callbacks: [callback, csvLogger(memoryStore()), earlyStopping()] });
  });

  test('accepts an object with a create() method', () => {
    const callback: Callback = {
      name: 'count',
      create: (run, saved) => {
        expectTypeOf(run.learningRate).toEqualTypeOf<number>();
        let count = Number(saved?.values ?? 0);
        return { onBatchEnd: () => void count++, getState: () => ({ values: count }) };
      },
    };
    () => model.fit(data, { epochs: 1, callbacks: [callback] });
  });
});
