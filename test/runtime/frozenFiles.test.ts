import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  adam,
  binary,
  branch,
  createRng,
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
  sharedTrunk,
  useEngine,
  weightedLoss,
} from '../../src/entries/node.js';
import { fixture } from '../parity/fixture.js';

const SIDE = 32;
/** Models that Keras saved. Each contains its base as a nested model. */
const keras = fixture<{
  readonly shape: readonly [number, number, number];
  readonly faces: { readonly [name: string]: { readonly files: { readonly [kind: string]: string } } };
}>('files');
const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };
type Model = MultiTaskModel<typeof tasks>;

/** Returns eight images of noise. */
function noise(height: number, width: number, channels: number) {
  const random = createRng(1, 'frozen files');
  return imagesInMemory(
    Array.from({ length: 8 }, (_, i) => ({
      labels: { age: 10 * i, gender: i % 2 ? ('male' as const) : ('female' as const) },
      image: {
        data: Uint8Array.from({ length: height * width * channels }, () => random.nextInt(256)),
        height,
        width,
        channels,
      },
    })),
  );
}

const numbersOf = ({ layersModel }: Model) =>
  new Map(layersModel.weights.map((weight) => [weight.originalName, `${weight.read().dataSync()}`]));

const frozenOf = ({ layersModel }: Model) =>
  layersModel.layers.filter(({ trainable }) => !trainable).map(({ name }) => name);

const train = (model: Model) =>
  model.fit(noise(...model.input.shape), {
    epochs: 1,
    batchSize: 4,
    engine: 'wasm',
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 0.01 }),
  });

/** Functions that save a model and load it again, by format. */
const ways: { readonly [name: string]: (model: Model) => Promise<Model> } = {
  'a model folder': async (model) => {
    const store = memoryStore();
    await model.save(store);
    return loadModel(store, { tasks });
  },
  '.keras': async (model) => loadKeras(await exportKeras(model), { tasks }),
  '.h5': async (model) => loadKeras(await exportKeras(model, { format: 'h5' }), { tasks }),
};

beforeAll(() => useEngine('wasm'));

describe.each([
  ['trainable: false', { trainable: false }],
  ["trainableFrom: 'block_16'", { trainableFrom: 'block_16' }],
] as const)('a model whose backbone has %s', (_, freezing) => {
  test.each(Object.keys(ways))(
    'keeps the frozen layers unchanged when the model is trained, saved as %s, loaded and trained again',
    async (way) => {
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
      const changed = [...last.keys()].filter((name) => last.get(name) !== saved.get(name));
      expect(changed).toContain('age/kernel');
      // Moving statistics of trained layers change. Those of frozen layers were compared above.
      expect(changed.includes('block_16_expand_BN/moving_mean')).toBe('trainableFrom' in freezing);
      built.dispose();
      opened.dispose();
    },
  );
});

test.each(['frozen', 'partly'].flatMap((name) => ['keras', 'h5'].map((kind) => [name, kind] as const)))(
  'the frozen layers of a nested model in the fixture "%s" remain frozen in fit after loadKeras reads the model from a %s file',
  async (name, kind) => {
    const file = new Uint8Array(inflateSync(Buffer.from(keras.faces[name]!.files[kind]!, 'base64')));
    const model = await loadKeras(file, { tasks, range: [0, 255] });
    const frozen = new Set(frozenOf(model));
    const before = numbersOf(model);
    await train(model);
    const after = numbersOf(model);
    const frozenWeights = [...before.keys()].filter((weight) => frozen.has(weight.split('/')[0]!));
    expect(frozenWeights.some((weight) => weight.endsWith('moving_mean'))).toBe(true);
    for (const weight of frozenWeights) expect(after.get(weight) === before.get(weight), weight).toBe(true);
    expect(after.get('age/kernel')).not.toBe(before.get('age/kernel'));
    model.dispose();
  },
);
