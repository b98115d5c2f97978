import { describe, expect, test } from 'vitest';
import { errorsOf } from './program.js';

const BEGIN = `import { binary, branch, type Callback, flatten, imagesInMemory, multiTask, regression, weightedLoss } from 'tfjs-multitask';
const model = multiTask({ input: [8, 8, 3] })
  .task('age', regression({ unit: 'years' }), branch([flatten()]))
  .task('gender', binary(['male', 'female']), branch([flatten()]))
  .build();
const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 as const };
const data = imagesInMemory([{ image, labels: { age: 1, gender: 'male' as const } }]);
const weights = { age: 1, gender: 50 } as const;
`;

function errorOf(program: string): string {
  const errors = errorsOf(BEGIN + program);
  expect(errors).toHaveLength(1);
  return errors[0]!;
}

const fitWithClassWeights = (classWeights: string) =>
  `await model.fit(data, { epochs: 1, loss: weightedLoss(weights, { classWeights: ${classWeights} }) });`;

describe('the TypeScript error for an invalid training option', () => {
  test.each([
    [
      'a class weight of an unknown task',
      fitWithClassWeights('{ gendre: { male: 2 } }'),
      "weightedLoss: the model has no task 'gendre'",
    ],
    [
      'a class weight of an unknown label',
      fitWithClassWeights('{ gender: { mael: 2 } }'),
      "weightedLoss: task 'gender' has no label 'mael'",
    ],
    [
      'a class weight of a regression',
      fitWithClassWeights('{ age: { old: 2 } }'),
      "weightedLoss: task 'age' is a regression and has no labels",
    ],
    [
      'a class weight of an unknown label in evaluate',
      `await model.evaluate(data, { loss: weightedLoss(weights, { classWeights: { gender: { mael: 2 } } }) });`,
      "weightedLoss: task 'gender' has no label 'mael'",
    ],
    [
      'a callback with hooks and create()',
      `const both: Callback = { name: 'both', create: () => ({}), onEpochEnd: () => {} };`,
      'a callback has hooks or create(), not both: return the hooks from create()',
    ],
    [
      'a callback with hooks and create() in the options of fit',
      `await model.fit(data, { epochs: 1, callbacks: [{ name: 'both', create: () => ({}), onEpochEnd: () => {} }] });`,
      'a callback has hooks or create(), not both: return the hooks from create()',
    ],
    [
      'getState() without create()',
      `const state: Callback = { name: 'state', onEpochEnd: () => {}, getState: () => ({ values: 1 }) };`,
      'getState() needs create(): return it from create(), with the hooks',
    ],
  ])('contains an English sentence for %s', (_, program, sentence) => {
    expect(errorOf(program)).toContain(`TypeErrorMessage<"${sentence}">`);
  });

  test('contains the name of a hook that does not exist', () => {
    const error = errorOf(`const misspelled: Callback = { name: 'log', onEpochEnds: () => {} };`);
    expect(error).toContain("'onEpochEnds' does not exist in type");
  });
});
