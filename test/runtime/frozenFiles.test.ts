import { beforeAll, describe, expect, test } from 'vitest';
import {
  adam,
  binary,
  branch,
  dense,
  exportKeras,
  globalAveragePool,
  imagesInMemory,
  loadKeras,
  loadModel,
  type MultiTaskModel,
  memoryStore,
  mobileNetV2Backbone,
  multiTask,
  regression,
  rng,
  sharedTrunk,
  useEngine,
  weightedLoss,
} from '../../src/index.js';
import { loadPackage } from '../../src/node/index.js';

const SIDE = 32;
const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };
type Model = MultiTaskModel<typeof tasks>;

const random = rng(1, 'frozen files');
const data = imagesInMemory(
  Array.from({ length: 8 }, (_, i) => ({
    labels: { age: 10 * i, gender: i % 2 ? ('male' as const) : ('female' as const) },
    image: {
      data: Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.below(256)),
      height: SIDE,
      width: SIDE,
      channels: 3,
    },
  })),
);

const numbersOf = ({ layersModel }: Model) =>
  new Map(layersModel.weights.map((weight) => [weight.originalName, `${weight.read().dataSync()}`]));

const frozenOf = ({ layersModel }: Model) =>
  layersModel.layers.filter(({ trainable }) => !trainable).map(({ name }) => name);

const train = (model: Model) =>
  model.fit(data, {
    epochs: 1,
    batchSize: 4,
    engine: 'wasm',
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 0.01 }),
  });

/** Ways of a model to a file and back. */
const ways: { readonly [name: string]: (model: Model) => Promise<Model> } = {
  'our folder': async (model) => {
    const store = memoryStore();
    await model.save(store);
    return loadModel(store, { tasks });
  },
  '.keras': async (model) =>
    loadKeras(await exportKeras(model, { load: loadPackage }), { load: loadPackage, tasks }),
  '.h5': async (model) =>
    loadKeras(await exportKeras(model, { load: loadPackage, format: 'h5' }), { load: loadPackage, tasks }),
};

beforeAll(() => useEngine('wasm'));

describe.each([
  ['trainable: false', { trainable: false }],
  ["trainableFrom: 'block_16'", { trainableFrom: 'block_16' }],
] as const)('a backbone with %s', (_, freezing) => {
  test.each(Object.keys(ways))('stays frozen through training, %s, and training on', async (way) => {
    const built = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([await mobileNetV2Backbone({ weights: null, ...freezing }), globalAveragePool()]))
      .task('age', tasks.age, branch([dense(4)]))
      .task('gender', tasks.gender, branch([dense(4)]))
      .build();
    const first = numbersOf(built);
    await train(built);
    const saved = numbersOf(built);
    const opened = await ways[way]!(built);
    expect(frozenOf(opened)).toEqual(frozenOf(built));
    expect(numbersOf(opened)).toEqual(saved);
    await train(opened);
    const last = numbersOf(opened);
    const frozen = new Set(frozenOf(built));
    for (const name of first.keys()) {
      if (frozen.has(name.split('/')[0]!)) expect(last.get(name) === first.get(name), name).toBe(true);
    }
    const moved = [...last.keys()].filter((name) => last.get(name) !== saved.get(name));
    expect(moved).toContain('age/kernel');
    // Statistics of what is trained move, those of what is not were looked at above.
    expect(moved.includes('block_16_expand_BN/moving_mean')).toBe('trainableFrom' in freezing);
    built.dispose();
    opened.dispose();
  });
});
