import { expect, test } from 'vitest';
import {
  binary,
  branch,
  dense,
  dropout,
  flatten,
  multiTask,
  randomFlip,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';
import { expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { faces, fill, GENDERS } from './same.js';

const keras = fixture<{
  age: FixtureArray;
  gender: FixtureArray;
  'called in training': FixtureArray;
  evaluated: { [column: string]: number };
}>('predict');

const SHAPE = [4, 4, 3] as const;
const turned = [randomFlip('horizontal', { probability: 1 }), randomFlip('vertical', { probability: 1 })];

function network() {
  const model = multiTask({ input: SHAPE })
    .trunk(sharedTrunk([flatten(), dense(6), dropout(0.5)]))
    .task('age', regression({ unit: 'years' }), branch([dense(4), dropout(0.5)]))
    .task('gender', binary(GENDERS), branch([dense(3)]))
    .build();
  fill(model.layersModel, 'predict');
  return model;
}

test('model.predict, like Keras, does not apply augmentation or dropout', async () => {
  const data = faces('predict', 7, SHAPE);
  const model = network();
  const images = await Promise.all(Array.from({ length: 7 }, (_, i) => data.augment(turned).read(i)));
  // On wasm the result for an image does not depend on the batch size.
  const answers = await model.predict(images, { batchSize: 3, engine: 'wasm' });
  expect(await model.predict(images, { batchSize: 7, engine: 'wasm' })).toEqual(answers);
  expectCloseToLargest(
    answers.map(({ age }) => age),
    numbers(keras.age),
    1e-5,
    'age',
  );
  const female = answers.map(({ gender: { label, probability } }) =>
    label === 'female' ? probability : 1 - probability,
  );
  expectCloseToLargest(female, numbers(keras.gender), 1e-5, 'gender');
  // With dropout the predictions would differ by more than the tolerance.
  const dropped = numbers(keras['called in training']);
  expect(() => expectCloseToLargest(female, dropped, 1e-2)).toThrow('apart');
  model.dispose();
});

test('model.evaluate does not apply dropout, and augments images only if the dataset is augmented', async () => {
  const data = faces('predict', 7, SHAPE);
  const model = network();
  const plain = (await model.evaluate(data, { batchSize: 3 })) as unknown as { [column: string]: number };
  expect(Object.keys(plain).sort()).toEqual(Object.keys(keras.evaluated).sort());
  for (const [column, value] of Object.entries(keras.evaluated)) {
    expectCloseToLargest([plain[column]!], [value], 1e-5, column);
  }
  const augmented = await model.evaluate(data.augment(turned), { batchSize: 3 });
  expect(Math.abs(augmented.age_mae - plain.age_mae!)).toBeGreaterThan(1e-3 * plain.age_mae!);
  model.dispose();
});
