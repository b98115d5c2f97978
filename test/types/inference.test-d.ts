import { describe, expectTypeOf, test } from 'vitest';
import { utkFace } from '../../src/datasets/index.js';
import {
  bestCheckpoint,
  binary,
  branch,
  categorical,
  csvLabels,
  type Dataset,
  dense,
  earlyStopping,
  type FitOptions,
  flatten,
  gradCam,
  grayscaleImage,
  imagesInMemory,
  loadModel,
  mae,
  memoryStore,
  multiTask,
  progressBar,
  regression,
  rmse,
  weightedLoss,
} from '../../src/entries/node.js';
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
type Train = Parameters<typeof model.fit>[0];

describe('the TypeScript types of a model', () => {
  test('contain the names and types of its tasks', () => {
    expectTypeOf<keyof typeof model.tasks>().toEqualTypeOf<'age' | 'gender' | 'light'>();
    expectTypeOf(model.tasks.age.kind).toEqualTypeOf<'regression'>();
    expectTypeOf(model.tasks.light.kind).toEqualTypeOf<'categorical'>();
  });

  test('contain tasks whose branches have an input view', () => {
    const withView = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years' }), part)
      .task('gender', binary(['male', 'female']), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    expectTypeOf<keyof typeof withView.tasks>().toEqualTypeOf<'age' | 'gender'>();
    const one = () => withView.predict(image);
    expectTypeOf<Awaited<ReturnType<typeof one>>['gender']['label']>().toEqualTypeOf<'male' | 'female'>();
  });

  test('contain the predictions for one image and for several images', () => {
    type Answer = Awaited<ReturnType<typeof one>>;
    const one = () => model.predict(image);
    expectTypeOf<Answer['age']>().toEqualTypeOf<number>();
    expectTypeOf<Answer['gender']['label']>().toEqualTypeOf<'male' | 'female'>();
    expectTypeOf<Answer['gender']['probability']>().toEqualTypeOf<number>();
    expectTypeOf<Answer['light']['label']>().toEqualTypeOf<'dawn' | 'day' | 'night'>();
    expectTypeOf<keyof Answer['light']['probabilities']>().toEqualTypeOf<'dawn' | 'day' | 'night'>();
    const many = () => model.predict([image]);
    expectTypeOf<Awaited<ReturnType<typeof many>>>().toEqualTypeOf<Answer[]>();
  });

  test('contain the targets of gradCam for one image and for several images', () => {
    const heatMaps = [
      () => gradCam(model, image, { task: 'age' }),
      () => gradCam(model, image, { task: 'light', target: 'dawn' }),
    ] as const;
    expectTypeOf<Awaited<ReturnType<(typeof heatMaps)[0]>>['target']>().toEqualTypeOf<'higher' | 'lower'>();
    expectTypeOf<Awaited<ReturnType<(typeof heatMaps)[1]>>['target']>().toEqualTypeOf<
      'dawn' | 'day' | 'night'
    >();
    const many = () => gradCam(model, [image], { task: 'gender' });
    expectTypeOf<Awaited<ReturnType<typeof many>>[number]['target']>().toEqualTypeOf<'male' | 'female'>();
  });

  test('contain the columns of model.evaluate', () => {
    const evaluate = () => model.evaluate(data);
    expectTypeOf<keyof Awaited<ReturnType<typeof evaluate>>>().toEqualTypeOf<
      'loss' | 'age_loss' | 'age_mae' | 'gender_loss' | 'gender_accuracy' | 'light_loss' | 'light_accuracy'
    >();
  });

  test('contain the columns of the metrics that a task specifies', () => {
    const custom = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years', metrics: [rmse(), mae({ weighted: true })] }), part)
      .build();
    const evaluate = () => custom.evaluate(data);
    expectTypeOf<keyof Awaited<ReturnType<typeof evaluate>>>().toEqualTypeOf<
      'loss' | 'age_loss' | 'age_rmse' | 'age_weighted_mae'
    >();
    const start = (options: Partial<FitOptions<typeof custom.tasks, { age: number }>>) => options;
    start({ callbacks: [earlyStopping({ monitor: 'val_age_weighted_mae' })] });
    // @ts-expect-error: the metric is weighted, and its name starts with `weighted_`
    start({ callbacks: [earlyStopping({ monitor: 'val_age_mae' })] });
  });

  test('contain the columns of metrics that are specified by name', () => {
    const named = multiTask({ input: [8, 8, 3] })
      .task(
        'age',
        regression({ unit: 'years', loss: 'huber', metrics: ['rmse', mae({ weighted: true })] }),
        part,
      )
      .task('gender', binary(['male', 'female'], { loss: 'binary_crossentropy', metrics: [] }), part)
      .build();
    const evaluate = () => named.evaluate(data);
    expectTypeOf<keyof Awaited<ReturnType<typeof evaluate>>>().toEqualTypeOf<
      'loss' | 'age_loss' | 'age_rmse' | 'age_weighted_mae' | 'gender_loss'
    >();
    // @ts-expect-error: a regression has no such loss
    regression({ unit: 'years', loss: 'binary_crossentropy' });
    // @ts-expect-error: a regression has no such metric
    regression({ unit: 'years', metrics: ['accuracy'] });
    // @ts-expect-error: a binary task has no such loss
    binary(['male', 'female'], { loss: 'categorical_crossentropy' });
  });

  test('contain the predictions of a model that loadModel reads with the `tasks` option', () => {
    const load = () => loadModel(memoryStore(), { tasks: model.tasks });
    expectTypeOf<Awaited<ReturnType<typeof load>>['tasks']>().toEqualTypeOf<typeof model.tasks>();
    const one = (loaded: Awaited<ReturnType<typeof load>>) => loaded.predict(image);
    expectTypeOf<Awaited<ReturnType<typeof one>>['gender']['label']>().toEqualTypeOf<'male' | 'female'>();
  });

  test('restrict the options of fit to valid values', () => {
    const start = (options: Partial<FitOptions<typeof model.tasks, typeof whole>>) =>
      model.fit(data, { epochs: 1, ...options });
    start({ loss: weightedLoss(whole) });
    start({ callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_light_accuracy' }), earlyStopping()] });
    start({ callbacks: [progressBar(process.stdout), earlyStopping({ monitor: 'val_unaugmented_loss' })] });
    // @ts-expect-error: no such column
    start({ callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_agee_mae' })] });
    // @ts-expect-error: accuracy is no metric of a regression
    start({ callbacks: [earlyStopping({ monitor: 'age_accuracy' })] });
    // @ts-expect-error: no such engine
    start({ engine: 'cuda' });
    // @ts-expect-error: a list
    start({ callbacks: earlyStopping() });
  });
});

describe('the TypeScript types of labels', () => {
  test('are inferred from label readers and from imagesInMemory', () => {
    const faces = () => imageFolder('faces', { labels: utkFace(), size: [8, 8] });
    type Labels = ReturnType<Awaited<ReturnType<typeof faces>>['labels']>;
    expectTypeOf<Labels['age']>().toEqualTypeOf<number>();
    expectTypeOf<Labels['gender']>().toEqualTypeOf<'male' | 'female'>();
    const graded = imagesInMemory([{ image, labels: { grade: 3 } }]);
    expectTypeOf(graded.labels(0).grade).toEqualTypeOf<number>();
  });

  test('include undefined if csvLabels reads the labels', () => {
    const read = csvLabels('', { columns: { age: Number, gender: ['male', 'female'] } });
    const folder = () => imageFolder('faces', { labels: read, size: [8, 8] });
    type FromCsv = Awaited<ReturnType<typeof folder>>;
    type Labels = ReturnType<FromCsv['labels']>;
    expectTypeOf<Labels['age']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Labels['gender']>().toEqualTypeOf<'male' | 'female' | undefined>();
    expectTypeOf<FromCsv>().toExtend<Train>();
  });

  test('follow from the column types of csvLabels', () => {
    const read = csvLabels('', {
      columns: { name: String, size: { min: 0, max: 9 }, born: (cell) => new Date(cell) },
    });
    type Labels = Extract<ReturnType<typeof read>, { labels: unknown }>['labels'];
    expectTypeOf<Labels>().toEqualTypeOf<{
      readonly name?: string;
      readonly size?: number;
      readonly born?: Date;
    }>();
    // @ts-expect-error: no column type
    csvLabels('', { columns: { age: 'number' } });
  });

  test('are preserved by split, withSampleWeights and augment', () => {
    const { train } = data.split({ validation: 0.2, by: { stratify: ({ light }) => light } });
    expectTypeOf(train).toEqualTypeOf<typeof data>();
    expectTypeOf(data.withSampleWeights(({ age }) => age)).toEqualTypeOf<typeof data>();
    expectTypeOf(data.withoutAugmentation()).toEqualTypeOf<typeof data>();
    // @ts-expect-error: no such label
    data.split({ validation: 0.2, by: { stratify: ({ height }) => height } });
  });

  test('allow fit to accept labels that may be undefined, that cover only some tasks, or that cover additional tasks', () => {
    expectTypeOf(data).toExtend<Train>();
    expectTypeOf<Dataset<{ age: number }>>().toExtend<Train>();
    expectTypeOf<Dataset<{ age: number | undefined }>>().toExtend<Train>();
    expectTypeOf<Dataset<{ age: number; height: number }>>().toExtend<Train>();
    expectTypeOf<Dataset<{ age: string }>>().not.toExtend<Train>();
    expectTypeOf<Dataset<{ gender: 'man' }>>().not.toExtend<Train>();
    expectTypeOf<Dataset<{ gender: string }>>().not.toExtend<Train>();
  });
});
