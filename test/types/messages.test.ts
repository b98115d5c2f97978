import { describe, expect, test } from 'vitest';
import { errorsOf } from './program.js';

const BEGIN = `import { bestCheckpoint, binary, branch, categorical, conv, dense, earlyStopping, exportKeras, flatten, gradCam, grayscaleImage, imagesInMemory,
  loadKeras, loadModel, memoryStore, mobileNetV2Backbone, multiTask, randomGrayscale, regression, sharedTrunk, weightedLoss }
  from 'tfjs-multitask';
import { alternatives, choice, float, space } from 'tfjs-multitask/tuner';
import { resnet50Backbone } from 'tfjs-multitask/node';
const part = branch([flatten(), dense(4)]);
const begun = multiTask({ input: [8, 8, 3] }).trunk(sharedTrunk([conv(4, 3)])).task('age', regression({ unit: 'years' }), part);
const model = begun.task('gender', binary(['male', 'female']), part).build();
const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 as const };
const years = regression({ unit: 'years' });
const file = new Uint8Array(1);
declare const stage: 'conv5' | undefined;
const data = imagesInMemory([{ image, labels: { age: 1, gender: 'male' as const } }]);
`;

/** Returns the only compiler error for a program that ends with `call`. */
function errorOf(call: string): string {
  const errors = errorsOf(BEGIN + call);
  expect(errors).toHaveLength(1);
  return errors[0]!;
}

test('TypeScript compiles valid calls to the library without errors', () => {
  expect(
    errorsOf(`${BEGIN}
await model.fit(data, { epochs: 1, loss: weightedLoss({ age: 1, gender: 50 }),
  callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_age_mae' }), earlyStopping({ monitor: 'val_unaugmented_loss' })] });
// Names that exist only at run time are checked at run time.
await model.fit(data, { epochs: 1, loss: weightedLoss(JSON.parse('{}') as { [task: string]: number }) });
binary(process.argv as [string, string]);
categorical(process.argv);
begun.task(process.argv[2]!, categorical(process.argv), part);
await loadKeras('face.keras', { weights: new URL('file:///w.h5'), tasks: { age: years } });
await loadKeras(new Blob(), { tasks: JSON.parse('{}') as { [task: string]: typeof years } });
await loadKeras(file, { tasks: JSON.parse('{}') as { [task: string]: typeof years } });
await resnet50Backbone({ trainableFrom: stage });
await resnet50Backbone({ weights: file });
begun.task('seen', binary(['no', 'yes']), branch([flatten()], { inputView: [grayscaleImage(), conv(3, 1)] })).build();
choice(process.argv);
choice([1, 2, true, '1']);
choice([process.argv[0]!, process.argv[1]!]);
choice([stage ?? 'a', stage ?? 'b']);
alternatives(JSON.parse('{}') as { [kind: string]: {} });
space(JSON.parse('{}') as { [name: string]: ReturnType<typeof float> });
begun.task('aged', binary(['no', 'yes']), part).task('age2', binary(['no', 'yes']), part).build();
`),
  ).toEqual([]);
});

describe('the TypeScript error for an invalid call', () => {
  test.each([
    ['a second trunk', 'begun.trunk(sharedTrunk([conv(4, 3)]));', 'the trunk is already defined'],
    [
      'a task defined twice',
      "begun.task('age', regression({ unit: 'years' }), part);",
      "task 'age' is already defined",
    ],
    [
      'a task with the name of a column',
      "begun.task('val_age', regression({ unit: 'years' }), part);",
      "'val_age' cannot be the name of a task: it is reserved for history columns",
    ],
    [
      'a task whose columns belong to a task defined before',
      "begun.task('age_of_face', regression({ unit: 'years' }), part);",
      "task 'age_of_face' would share columns with 'age': rename one",
    ],
    [
      'a task that would have the columns of a task defined before',
      "multiTask({ input: [8, 8, 3] }).task('age_of_face', regression({ unit: 'years' }), part).task('age_of', binary(['no', 'yes']), part);",
      "task 'age_of' would share columns with 'age_of_face': rename one",
    ],
    [
      'a network without tasks',
      'multiTask({ input: [8, 8, 3] }).build();',
      'add at least one task() before build()',
    ],
    ['one label', "categorical(['only']);", 'categorical() needs at least two labels'],
    ['no labels', 'categorical([]);', 'categorical() needs at least two labels'],
    ['a repeated label', "binary(['no', 'no']);", 'binary() needs two different labels'],
    [
      'a task without a weight',
      'await model.fit(data, { epochs: 1, loss: weightedLoss({ age: 1 }) });',
      "weightedLoss: task 'gender' has no weight",
    ],
    [
      'a weight for an unknown task',
      'await model.fit(data, { epochs: 1, loss: weightedLoss({ age: 1, gender: 50, agee: 2 }) });',
      "weightedLoss: the model has no task 'agee'",
    ],
    [
      'a weight for an unknown task in evaluate',
      'await model.evaluate(data, { loss: weightedLoss({ age: 1, gender: 50, agee: 2 }) });',
      "weightedLoss: the model has no task 'agee'",
    ],
    ['a choice with one value', 'choice([32]);', 'choice() needs at least two values'],
    ['a repeated value', 'choice([32, 64, 32]);', 'choice() has 32 twice: remove one of them'],
    ['a repeated string', "choice(['relu', 'elu', 'relu']);", 'choice() has relu twice: remove one of them'],
    ['a repeated boolean', 'choice([true, true]);', 'choice() has true twice: remove one of them'],
    ['an empty space', 'space({});', 'space() needs at least one parameter'],
    ['one alternative', 'alternatives({ adam: {} });', 'alternatives() needs at least two alternatives'],
    ['no alternative', 'alternatives({});', 'alternatives() needs at least two alternatives'],
  ])('contains an explanation in English: %s', (_, call, sentence) => {
    expect(errorOf(call)).toMatch(/'TypeErrorMessage<"[^>]*">'/);
    expect(errorOf(call)).toContain(`TypeErrorMessage<"${sentence}">`);
  });

  test('shows the types of all tasks as a single object type', () => {
    expect(errorOf('model.tasks.agee;')).toMatch(/on type '\{ readonly age: [^&]*readonly gender: [^&]*\}'/);
  });

  test.each([
    [
      'a monitor that does not exist',
      "await model.fit(data, { epochs: 1, callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_agee_mae' })] });",
      `Did you mean '"val_age_mae"'?`,
    ],
    [
      'a metric of another task type',
      "await model.fit(data, { epochs: 1, callbacks: [earlyStopping({ monitor: 'val_age_accuracy' })] });",
      '"val_age_accuracy"',
    ],
    [
      'a label outside the list',
      "await model.fit(imagesInMemory([{ image, labels: { gender: 'man' as const } }]), { epochs: 1 });",
      `Type '"man"' is not assignable to type '"male" | "female" | undefined'`,
    ],
    [
      'a label of another type',
      "await model.fit(imagesInMemory([{ image, labels: { age: '30' } }]), { epochs: 1 });",
      "Type 'string' is not assignable to type 'number'",
    ],
    [
      'labels for none of the tasks',
      'await model.fit(imagesInMemory([{ image, labels: { agee: 30 } }]), { epochs: 1 });',
      'has no properties in common with',
    ],
    [
      'a label that is compared with an unknown label',
      "(await model.predict(image)).gender.label === 'man';",
      '"man"',
    ],
    ['an unknown task of a prediction', '(await model.predict(image)).agee;', "Did you mean 'age'?"],
    [
      'an unknown column of an evaluation',
      '(await model.evaluate(data)).age_mea;',
      "Did you mean 'age_mae'?",
    ],
    ['a task without a branch', "begun.task('gender', binary(['male', 'female']));", 'Expected 3 arguments'],
    [
      'a trunk in place of a branch',
      "begun.task('gender', binary(['male', 'female']), sharedTrunk([conv(4, 3)]));",
      `'"trunk"' is not assignable to type '"branch"'`,
    ],
    [
      'an augmentation in place of a view',
      'branch([flatten()], { inputView: randomGrayscale() });',
      "Type 'PixelTransform' is not assignable to type 'LayerLike | readonly LayerLike[]",
    ],
    [
      'a string in place of a view',
      "branch([flatten()], { inputView: 'gray' });",
      "Type 'string' is not assignable to type 'LayerLike | readonly LayerLike[]",
    ],
    [
      'an unknown option of branch',
      'branch([flatten()], { view: grayscaleImage() });',
      "'view' does not exist in type 'BranchOptions'",
    ],
    [
      'three labels of a binary task',
      "binary(['a', 'b', 'c']);",
      'Source has 3 element(s) but target allows only 2',
    ],
    [
      'an input shape without channels',
      'multiTask({ input: [8, 8] });',
      'Source has 2 element(s) but target requires 3',
    ],
    [
      'both kinds of freezing',
      "await mobileNetV2Backbone({ weights: null, trainable: false, trainableFrom: 'block_13' });",
      'TypeErrorMessage<"trainable is already set: omit one of the two">',
    ],
    [
      'a task in a file with the name of a column',
      'await loadKeras(file, { tasks: { val_age: years } });',
      `TypeErrorMessage<"'val_age' cannot be the name of a task: it is reserved for history columns">`,
    ],
    [
      'two tasks in a file that would share columns',
      'await loadKeras(file, { tasks: { age: years, age_of: years } });',
      `TypeErrorMessage<"task 'age_of' would share columns with 'age': rename one">`,
    ],
    [
      'a misspelled option of loadKeras',
      'await loadKeras(file, { taks: { age: years } });',
      "Did you mean to write 'tasks'?",
    ],
    [
      'the option bytes for a LayersModel',
      'await exportKeras(model.layersModel, { bytes: true });',
      'TypeErrorMessage<"omit this option: a LayersModel has no pixel range and no tasks">',
    ],
    [
      'an unknown column of a model from a Keras file',
      "(await (await loadKeras(file, { tasks: { age: regression({ unit: 'years' }) } })).evaluate(data)).age_mea;",
      "Did you mean 'age_mae'?",
    ],
    [
      'an unknown column of a saved model',
      "(await (await loadModel(memoryStore(), { tasks: { age: regression({ unit: 'years' }) } })).evaluate(data)).age_mea;",
      "Did you mean 'age_mae'?",
    ],
    [
      'loss weights without weightedLoss()',
      'await model.fit(data, { epochs: 1, loss: { age: 1 } });',
      "type 'WeightedLoss<",
    ],
    ['a heat map for an unknown task', "await gradCam(model, image, { task: 'agee' });", `'"agee"'`],
    [
      'a heat map for an unknown label',
      "await gradCam(model, image, { task: 'gender', target: 'man' });",
      `'"man"' is not assignable to type '"male" | "female"'`,
    ],
    [
      'a heat map for a label of a regression task',
      "await gradCam(model, [image], { task: 'age', target: 'male' });",
      `'"male"' is not assignable to type '"higher" | "lower"'`,
    ],
    [
      'a value in place of a parameter',
      'space({ rate: 0.1 });',
      "Type 'number' is not assignable to type 'Parameter<any> | Alternatives<any>'",
    ],
    [
      'a parameter called kind',
      'alternatives({ a: { kind: choice([1, 2]) }, b: {} });',
      `TypeErrorMessage<"'kind' is the name of the alternative: choose another name">`,
    ],
    ['fit without epochs', 'await model.fit(data, {});', "'epochs' is missing"],
  ])('describes the mistake: %s', (_, call, name) => {
    expect(errorOf(call)).toContain(name);
  });
});
