import { describe, expectTypeOf, test } from 'vitest';
import {
  bestCheckpoint,
  binary,
  branch,
  categorical,
  type Dataset,
  dense,
  earlyStopping,
  type FitOptions,
  flatten,
  imagesInMemory,
  memoryStore,
  multiTask,
  regression,
  utkFace,
  weightedLoss,
} from '../../src/index.js';
import { imageFolder } from '../../src/node/index.js';

const part = branch([flatten(), dense(4)]);
const model = multiTask({ input: [8, 8, 3] })
  .task('age', regression({ unit: 'years' }), part)
  .task('gender', binary(['male', 'female']), part)
  .task('light', categorical(['dawn', 'day', 'night']), part)
  .build();
declare const image: { data: Uint8Array; height: number; width: number; channels: 1 | 3 };
declare const data: Dataset<{ age: number; gender: 'male' | 'female'; light: 'dawn' | 'day' | 'night' }>;
const whole = { age: 1, gender: 50, light: 10 } as const;

describe('what follows from the tasks', () => {
  test('predictions, of one image and of many', () => {
    type Answer = Awaited<ReturnType<typeof one>>;
    const one = () => model.predict(image);
    expectTypeOf<Answer['age']>().toEqualTypeOf<number>();
    expectTypeOf<Answer['gender']['label']>().toEqualTypeOf<'male' | 'female'>();
    expectTypeOf<Answer['gender']['probability']>().toEqualTypeOf<number>();
    expectTypeOf<Answer['light']['label']>().toEqualTypeOf<'dawn' | 'day' | 'night'>();
    const many = () => model.predict([image]);
    expectTypeOf<Awaited<ReturnType<typeof many>>>().toEqualTypeOf<Answer[]>();
  });

  test('the columns of an evaluation', () => {
    const judge = () => model.evaluate(data);
    expectTypeOf<keyof Awaited<ReturnType<typeof judge>>>().toEqualTypeOf<
      'loss' | 'age_loss' | 'age_mae' | 'gender_loss' | 'gender_accuracy' | 'light_loss' | 'light_accuracy'
    >();
  });

  test('the labels that sources give', () => {
    const faces = () => imageFolder('faces', { labels: utkFace(), size: [8, 8] });
    type Labels = ReturnType<Awaited<ReturnType<typeof faces>>['labels']>;
    expectTypeOf<Labels['age']>().toEqualTypeOf<number>();
    expectTypeOf<Labels['gender']>().toEqualTypeOf<'male' | 'female'>();
    const own = imagesInMemory([{ image, labels: { grade: 3 } }]);
    expectTypeOf(own.labels(0).grade).toEqualTypeOf<number>();
  });

  test('what fit takes', () => {
    const start = (options: Partial<FitOptions<typeof model.tasks, typeof whole>>) =>
      model.fit(data, { epochs: 1, ...options });
    start({ loss: weightedLoss(whole) });
    start({ callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_light_accuracy' }), earlyStopping()] });
    // @ts-expect-error: no such column
    start({ callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_agee_mae' })] });
    // @ts-expect-error: accuracy is no metric of a regression
    start({ callbacks: [earlyStopping({ monitor: 'age_accuracy' })] });
    // @ts-expect-error: no such engine
    start({ engine: 'cuda' });
  });

  test('what datasets fit may have', () => {
    const start = (dataset: Parameters<typeof model.fit>[0]) => dataset;
    start(data);
    expectTypeOf<Dataset<{ age: number }>>().toExtend<Parameters<typeof model.fit>[0]>();
    expectTypeOf<Dataset<{ age: string }>>().not.toExtend<Parameters<typeof model.fit>[0]>();
    expectTypeOf<Dataset<{ gender: 'man' }>>().not.toExtend<Parameters<typeof model.fit>[0]>();
  });
});
