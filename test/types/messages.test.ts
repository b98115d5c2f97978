import { describe, expect, test } from 'vitest';
import { errorsOf, instantiationsOf } from './program.js';

const IMPORTS = `import { bestCheckpoint, binary, branch, categorical, conv, dense, flatten, imagesInMemory, maxPool, memoryStore,
  multiTask, regression, sharedTrunk, weightedLoss } from 'tfjs-multitask';`;
const BEGIN = `${IMPORTS}
const part = branch([flatten(), dense(4)]);
const begun = multiTask({ input: [8, 8, 3] }).trunk(sharedTrunk([conv(4, 3)])).task('age', regression({ unit: 'years' }), part);
const model = begun.task('gender', binary(['male', 'female']), part).build();
const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 as const };
const data = imagesInMemory([{ image, labels: { age: 1, gender: 'male' as const } }]);
`;

test('the right calls compile', { timeout: 120_000 }, () => {
  expect(
    errorsOf(`${BEGIN}
await model.fit(data, { epochs: 1, loss: weightedLoss({ age: 1, gender: 50 }),
  callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_age_mae' })] });
`),
  ).toEqual([]);
});

describe('a wrong call is a type error with a sentence in it', { timeout: 120_000 }, () => {
  test.each([
    ['a second trunk', 'begun.trunk(sharedTrunk([conv(4, 3)]));', 'the trunk is already given'],
    [
      'a task defined twice',
      "begun.task('age', regression({ unit: 'years' }), part);",
      "task 'age' is already defined",
    ],
    [
      'a network without tasks',
      'multiTask({ input: [8, 8, 3] }).build();',
      'add at least one task() before build()',
    ],
    ['one label', "categorical(['only']);", 'categorical() needs at least two labels'],
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
  ])('%s', (_, call, sentence) => {
    expect(errorsOf(BEGIN + call).join('\n')).toContain(sentence);
  });

  test.each([
    [
      'a monitor that does not exist',
      "await model.fit(data, { epochs: 1, callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_agee_mae' })] });",
      'val_agee_mae',
    ],
    [
      'a label outside the list',
      "await model.fit(imagesInMemory([{ image, labels: { gender: 'man' as const } }]), { epochs: 1 });",
      '"man"',
    ],
    ['a label that is read wrongly', "(await model.predict(image)).gender.label === 'man';", '"man"'],
    ['a task that is read wrongly', '(await model.predict(image)).agee;', "'agee'"],
    ['a task without a branch', "begun.task('gender', binary(['male', 'female']));", 'Expected 3 arguments'],
  ])('%s is an error that names it', (_, call, name) => {
    expect(errorsOf(BEGIN + call).join('\n')).toContain(name);
  });
});

test('twelve tasks cost the compiler little more than twelve times one', { timeout: 120_000 }, () => {
  const compose = (count: number) => `
const built = multiTask({ input: [8, 8, 3] }).trunk(sharedTrunk([conv(4, 3), maxPool(2)]))
${Array.from({ length: count }, (_, i) => `  .task('t${i}', ${i % 2 ? "binary(['no', 'yes'])" : "regression({ unit: 'm' })"}, branch([flatten()]))`).join('\n')}
  .build();
export const done = built.fit(null!, { epochs: 1, callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_t0_mae' })],
  loss: weightedLoss({ ${Array.from({ length: count }, (_, i) => `t${i}: 1`).join(', ')} }) });
`;
  expect(errorsOf(IMPORTS + compose(12))).toEqual([]);
  const counts = [1, 4, 12].map((count) => instantiationsOf(IMPORTS, compose(count)));
  console.log('instantiations for 1, 4 and 12 tasks:', counts);
  expect(counts[0]).toBeLessThan(BUDGET[0]);
  expect(counts[1]).toBeLessThan(BUDGET[1]);
  expect(counts[2]).toBeLessThan(BUDGET[2]);
});

/** Measured with TypeScript 5.9, and a fifth more. */
const BUDGET = [660, 1090, 2300] as const;
