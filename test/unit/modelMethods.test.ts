import { afterAll, describe, expect, test } from 'vitest';
import {
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  type Callback,
  conv,
  createRng,
  dense,
  dropout,
  exportKeras,
  flatten,
  grayscaleImage,
  imagesInMemory,
  isMultitaskError,
  loadKeras,
  loadModel,
  memoryStore,
  multiTask,
  randomFlip,
  regression,
  sgd,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';

const compose = () =>
  multiTask({ input: [8, 8, 3] })
    .trunk(sharedTrunk([conv(4, 3, { l2: 0.1 }), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.2)]))
    .task('gender', binary(['male', 'female']), branch([flatten()]))
    .build();
type Model = ReturnType<typeof compose>;

const random = createRng(1, 'images');
const data = imagesInMemory(
  Array.from({ length: 4 }, (_, i) => ({
    image: {
      data: Uint8Array.from({ length: 192 }, () => random.nextInt(256)),
      height: 8,
      width: 8,
      channels: 3,
    },
    labels: { age: i, gender: i < 2 ? ('male' as const) : ('female' as const) },
  })),
);
const options = { epochs: 2, batchSize: 2, engine: 'cpu', optimizer: sgd({ learningRate: 0.01 }) } as const;

/** Returns the weights, keyed by name, as text that can be compared. */
const readWeights = ({ layersModel }: Model) =>
  Object.fromEntries(
    layersModel.layers.flatMap(({ weights }) =>
      weights.map((weight) => [weight.originalName, weight.read().dataSync().join()]),
    ),
  );
const findChanged = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(before).filter((name) => before[name] !== after[name]);

function errorOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    if (isMultitaskError(error)) return error;
    throw error;
  }
  return expect.fail('expected an error');
}

const model = compose();
afterAll(() => model.dispose());

describe('model.summary', () => {
  const table = [
    'Model: "multitask"',
    '┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓',
    '┃ Layer (type)                   ┃ Output Shape    ┃ Param # ┃ Connected to    ┃',
    '┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩',
    '│ image (InputLayer)             │ (None, 8, 8, 3) │       0 │ -               │',
    '│ trunk_conv1 (Conv2D)           │ (None, 6, 6, 4) │     112 │ image           │',
    '│ trunk_bn1 (BatchNormalization) │ (None, 6, 6, 4) │      16 │ trunk_conv1     │',
    '│ age_flatten1 (Flatten)         │ (None, 144)     │       0 │ trunk_bn1       │',
    '│ age_dense1 (Dense)             │ (None, 8)       │   1,160 │ age_flatten1    │',
    '│ age_dropout1 (Dropout)         │ (None, 8)       │       0 │ age_dense1      │',
    '│ gender_flatten1 (Flatten)      │ (None, 144)     │       0 │ trunk_bn1       │',
    '│ age (Dense)                    │ (None, 1)       │       9 │ age_dropout1    │',
    '│ gender (Dense)                 │ (None, 1)       │     145 │ gender_flatten1 │',
    '└────────────────────────────────┴─────────────────┴─────────┴─────────────────┘',
    ' Total params: 1,442 (5.63 KB)',
    ' Trainable params: 1,434 (5.60 KB)',
    ' Non-trainable params: 8 (32.00 B)',
  ].join('\n');

  test('returns the same table as Keras, with layers, output shapes, parameters, connections and totals', () => {
    expect(model.summary()).toBe(table);
  });

  test('passes the table to the function in the `log` option', () => {
    const texts: string[] = [];
    expect(model.summary({ log: (text) => void texts.push(text) })).toBe(table);
    expect(texts).toEqual([table]);
  });

  test('marks trainable layers if showTrainable is true', () => {
    const frozen = compose();
    frozen.freeze('trunk_conv1');
    const rows = frozen.summary({ showTrainable: true }).split('\n');
    const markOf = (layer: string) => rows.find((row) => row.includes(`│ ${layer} (`))!.at(-11);
    expect(rows.find((row) => row.startsWith('┃'))).toMatch(/┃ Trainable ┃$/);
    expect(['trunk_conv1', 'trunk_bn1', 'age_dropout1'].map(markOf)).toEqual(['N', 'Y', '-']);
    frozen.dispose();
  });

  test('lists every input of a layer that is called more than once', () => {
    const twoViews = multiTask({ input: [8, 8, 3] })
      .trunk(sharedTrunk([conv(4, 3), batchNorm()]))
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .task('size', regression({ unit: 'm' }), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    const cells = twoViews
      .summary()
      .split('\n')
      .filter((row) => row.startsWith('│'))
      .map((row) =>
        row
          .slice(1, -1)
          .split('│')
          .map((cell) => cell.trim()),
      );
    const at = cells.findIndex(([layer]) => layer === 'trunk_bn1 (BatchNormalization)');
    expect(cells.slice(at, at + 2).map((row) => row[3])).toEqual(['trunk_conv1[0]', 'trunk_conv1[1]']);
    expect(cells[at + 1]!.slice(0, 3)).toEqual(['', '', '']);
    twoViews.dispose();
  });
});

describe('model.freeze', () => {
  test('keeps weights and moving statistics unchanged, and removes the L2 penalty of frozen layers', async () => {
    const frozen = compose();
    expect(frozen.freeze('trunk_*')).toEqual(['trunk_conv1', 'trunk_bn1']);
    const before = readWeights(frozen);
    const { rows } = await frozen.fit(data, options);
    const changed = findChanged(before, readWeights(frozen));
    expect(changed).not.toContainEqual(expect.stringMatching(/^trunk_/));
    expect(changed).toContainEqual(expect.stringMatching(/^age_dense1\//));
    const [row] = rows;
    expect(row!.loss).toBeCloseTo(row!.age_loss! + row!.gender_loss!, 5);
    frozen.dispose();
  });

  test('is undone by model.unfreeze, so that the model trains as if it had never been frozen', async () => {
    const [thawed, untouched] = [compose(), compose()];
    thawed.freeze(/./g);
    expect(thawed.architecture().trainableParameters).toBe(0);
    expect(thawed.unfreeze('*')).toHaveLength(9);
    await thawed.fit(data, options);
    await untouched.fit(data, options);
    expect(readWeights(thawed)).toEqual(readWeights(untouched));
    for (const each of [thawed, untouched]) each.dispose();
  });

  test('accepts a layer name, a pattern with *, or a regular expression, and matches whole names', () => {
    const named = compose();
    expect(named.freeze('age')).toEqual(['age']);
    expect(named.freeze('*_flatten1')).toEqual(['age_flatten1', 'gender_flatten1']);
    expect(named.freeze(/^age_d/g)).toEqual(['age_dense1', 'age_dropout1']);
    expect(named.unfreeze('gender')).toEqual(['gender']);
    named.dispose();
  });

  test('is preserved by save and loadModel', async () => {
    const [store, frozen] = [memoryStore(), compose()];
    frozen.freeze('trunk_bn1');
    await frozen.save(store);
    const loaded = await loadModel(store);
    const { trainable } = loaded.architecture().layers.find(({ name }) => name === 'trunk_bn1')!;
    expect(trainable).toBe(false);
    expect(loaded.architecture().trainableParameters).toBe(frozen.architecture().trainableParameters);
    for (const each of [loaded, frozen]) each.dispose();
  });

  test('does not change predictions', async () => {
    const frozen = compose();
    const image = await data.read(1);
    const before = await frozen.predict(image, { engine: 'cpu' });
    frozen.freeze('*');
    expect(await frozen.predict(image, { engine: 'cpu' })).toEqual(before);
    frozen.dispose();
  });
});

describe('model.freeze and model.unfreeze', () => {
  test.each(['freeze', 'unfreeze'] as const)(
    'reject a name that no layer has, and suggest the most similar name: %s',
    (method) => {
      const error = errorOf(() => model[method]('trunk_cnv1'));
      expect(error).toMatchObject({ kind: 'argument', path: `model.${method}`, received: '"trunk_cnv1"' });
      expect(error.advice).toBe('Did you mean "trunk_conv1"?');
    },
  );

  test('reject a pattern that no layer matches, and a value that is not a name or a pattern', () => {
    expect(errorOf(() => model.freeze(/^conv/)).received).toBe('/^conv/');
    expect(errorOf(() => model.freeze('backbone_*')).advice).toContain('model.summary()');
    expect(errorOf(() => model.freeze(undefined as never)).received).toBe('undefined');
    expect(errorOf(() => model.freeze('trunk.conv1')).received).toBe('"trunk.conv1"');
  });

  test('throw an error while fit is training the model, and after the model is disposed', async () => {
    const training = compose();
    const errors: string[] = [];
    const callback: Callback = {
      name: 'freeze',
      onBatchEnd: () => {
        for (const method of ['freeze', 'unfreeze'] as const)
          errors.push(errorOf(() => training[method]('trunk_*')).path);
      },
    };
    await training.fit(data, { ...options, epochs: 1, batchSize: 4, callbacks: [callback] });
    expect(errors).toEqual(['model.freeze', 'model.unfreeze']);
    expect(training.freeze('trunk_*')).toHaveLength(2);
    training.dispose();
    expect(errorOf(() => training.freeze('trunk_*')).path).toBe('model.freeze');
  });
});

describe('model.evaluate without options', () => {
  const loss = weightedLoss({ age: 3, gender: 50 });
  const augmented = data.augment([randomFlip('horizontal')], { fixed: true });

  test('returns 1 as the weight of each task loss for a model that was never trained', async () => {
    const model = compose();
    const { loss: total, age_loss, gender_loss } = await model.evaluate(data, { engine: 'cpu' });
    const penalty = (await model.evaluate(data, { loss: weightedLoss({ age: 0, gender: 0 }) })).loss;
    expect(total).toBeCloseTo(age_loss + gender_loss + penalty, 4);
    model.dispose();
  });

  test('returns the values of the last epoch: it uses the loss weights, the average and the seed of the last fit', async () => {
    const model = compose();
    const optimizer = sgd({ learningRate: 1e-5 });
    const train = (more: object) =>
      model.fit(data, { ...options, optimizer, epochs: 1, batchSize: 3, validation: augmented, ...more });
    await train({ loss: weightedLoss({ age: 7, gender: 7 }) });
    const { rows } = await train({ loss, lossAverage: 'batches', seed: 5 });
    const evaluation: { readonly [column: string]: number } = await model.evaluate(augmented, {
      batchSize: 3,
    });
    for (const [column, value] of Object.entries(evaluation))
      expect(value, column).toBeCloseTo(rows[0]![`val_${column}` as 'val_loss']!, 5);
    const equalWeights = weightedLoss({ age: 1, gender: 1 });
    expect((await model.evaluate(data, { loss: equalWeights })).loss).not.toBeCloseTo(evaluation.loss!, 1);
    const { loss: afterDefault, age_loss, gender_loss } = await train({}).then(() => model.evaluate(data));
    const penalty = (await model.evaluate(data, { loss: weightedLoss({ age: 0, gender: 0 }) })).loss;
    expect(afterDefault).toBeCloseTo(age_loss + gender_loss + penalty, 4); // The weights of the last fit are 1.
    model.dispose();
  });

  test('returns the same values for the saved, the best and the exported model as for the trained model', async () => {
    const model = compose();
    const store = memoryStore();
    const callbacks = [bestCheckpoint(store, { monitor: 'loss', folder: '{epoch}' })];
    const settings = { lossAverage: 'batches', seed: 5, batchSize: 3, loss, callbacks } as const;
    await model.fit(data, { ...options, ...settings, epochs: 1 });
    const expected = await model.evaluate(augmented, { batchSize: 3 });
    await model.save(store, 'saved');
    const { tasks } = model;
    const copies = [
      await loadModel(store, { folder: 'saved' }),
      await loadModel(store, { folder: 'saved', tasks }),
      await loadModel(store, { folder: '1', tasks }),
      await loadKeras(await exportKeras(model), { tasks }),
    ];
    for (const copy of copies) {
      expect(await (copy as Model).evaluate(augmented, { batchSize: 3 })).toEqual(expected);
      await copy.save(store, 'again'); // A model that was loaded and not trained keeps them.
      const again = await loadModel(store, { folder: 'again', tasks });
      expect(await again.evaluate(augmented, { batchSize: 3 })).toEqual(expected);
      copy.dispose();
      again.dispose();
    }
    model.dispose();
  });

  test('uses weight 1 for a model that was saved without loss weights, and loadModel rejects invalid ones', async () => {
    const model = compose();
    const store = memoryStore();
    await model.fit(data, { ...options, loss });
    await model.save(store);
    const saved = JSON.parse(new TextDecoder().decode((await store.read('model.json'))!));
    const table = saved.userDefinedMetadata;
    expect(table.evaluation).toEqual({ lossWeights: loss.weights, lossAverage: 'examples', seed: 0 });
    const load = async (evaluation: unknown) => {
      const edited = { ...saved, userDefinedMetadata: { ...table, evaluation } };
      await store.write('model.json', new TextEncoder().encode(JSON.stringify(edited)));
      return loadModel(store, { tasks: model.tasks });
    };
    const old = await load(undefined);
    expect(await old.evaluate(data)).toEqual(
      await model.evaluate(data, { loss: weightedLoss({ age: 1, gender: 1 }) }),
    );
    const { evaluation } = table;
    for (const invalid of [
      null,
      {},
      { ...evaluation, lossWeights: { age: 1 } },
      { ...evaluation, lossWeights: { age: 1, gender: -1 } },
      { ...evaluation, lossWeights: { age: 1, gender: '2' } },
      { ...evaluation, lossWeights: { age: 1, gender: 1, size: 1 } },
      { ...evaluation, lossAverage: 'median' },
      { ...evaluation, seed: 0.5 },
    ])
      await expect(load(invalid)).rejects.toMatchObject({
        kind: 'file',
        path: 'memory/model.json: evaluation',
      });
    model.dispose();
    old.dispose();
  });
});
