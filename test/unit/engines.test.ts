import { expect, test } from 'vitest';
import { branch, flatten, multiTask, regression, useEngine } from '../../src/index.js';

test('first calls that begin together start one engine, and all of them end', async () => {
  const image = { data: new Uint8Array(192).fill(9), height: 8, width: 8, channels: 3 };
  const models = Array.from({ length: 3 }, () =>
    multiTask({ input: [8, 8, 3], seed: 1 })
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build(),
  );
  const [one, ...others] = await Promise.all(models.map((model) => model.predict(image)));
  for (const other of others) expect(other).toEqual(one);
});

test('an engine that does not start leaves the next one to start', async () => {
  const [wrong, right] = await Promise.allSettled([useEngine('native'), useEngine('wasm')]);
  expect(wrong.status).toBe('rejected');
  expect(right).toMatchObject({ status: 'fulfilled', value: { name: 'wasm' } });
});
