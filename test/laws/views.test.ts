/** What branches see of the image: one trunk, called once for each different view that is seen. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  activation,
  averagePool,
  type Block,
  type BuildContext,
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  dense,
  dropout,
  flatten,
  globalAveragePool,
  grayscaleImage,
  imagesInMemory,
  type LayerLike,
  loadModel,
  type MultiTaskModel,
  memoryStore,
  mobileNetV2Backbone,
  multiTask,
  regression,
  resnet50Backbone,
  sgd,
  sharedTrunk,
} from '../../src/index.js';
import { createKerasGraph } from '../../src/interop/keras/write/kerasGraph.js';
import { buildNetwork } from '../../src/network/buildNetwork.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import {
  createBatchArrays,
  createCoefficientArrays,
  toStepInputs,
  toTensors,
} from '../../src/steps/stepArrays.js';
import { computeTrainingStep } from '../../src/steps/trainingStep.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { faultOf } from '../bad-input/faultOf.js';

beforeAll(() => loadWasmBackend());

const SIDE = 12;
const NAMES = ['a', 'b', 'c', 'd'] as const;

/** Views by name; each call makes its blocks anew. */
const VIEWS: { readonly [name: string]: () => readonly LayerLike[] } = {
  image: () => [],
  grey: () => [grayscaleImage()],
  'dark grey': () => [grayscaleImage(), activation('sigmoid')],
  small: () => [averagePool(2)],
};

const build = (views: readonly string[], seed = 1) =>
  views
    .reduce(
      (builder, view, i) =>
        builder.task(
          NAMES[i]!,
          regression({ unit: 'years' }),
          branch([globalAveragePool(), dense(3)], { inputView: VIEWS[view]!() }),
        ),
      multiTask({ input: [SIDE, SIDE, 3], seed }).trunk(
        sharedTrunk([conv(4, 3), batchNorm(), dropout(0.2), conv(2, 2)]),
      ) as any,
    )
    .build() as MultiTaskModel<any>;

const calls = (model: MultiTaskModel<any>, layer: string) =>
  model.architecture().layers.find(({ name }) => name === layer)!.calls.length;
const views = fc.array(fc.constantFrom(...Object.keys(VIEWS)), { minLength: 1, maxLength: 4 });

function image(seed: number, channels = 3) {
  const random = createRng(seed, 'image');
  const data = Uint8Array.from({ length: SIDE * SIDE * channels }, () => random.nextInt(256));
  return { data, height: SIDE, width: SIDE, channels };
}

/** A colour image whose channels all hold Keras's grey of it, as numbers of the network. */
function greyTensor({ data }: { data: Uint8Array }): Float32Array {
  return Float32Array.from(data, (_, i) => {
    const at = 3 * Math.floor(i / 3);
    return (0.2989 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!) / 255;
  });
}

describe('a network whose branches see views', () => {
  test('calls its trunk once for each different view, and makes no view that nobody sees', () => {
    fc.assert(
      fc.property(views, (seen) => {
        const model = build(seen);
        expect(calls(model, 'trunk_conv1')).toBe(new Set(seen).size);
        const made = model.layersModel.layers.filter(({ name }) => name.startsWith('image_'));
        const wanted = new Set(
          seen.flatMap(
            (view) =>
              ({ image: [], grey: ['grey'], 'dark grey': ['grey 2', 'sigmoid'], small: ['pool'] })[view] ??
              [],
          ),
        );
        expect(made).toHaveLength(wanted.size);
        // A view has no weights that are trained: the network is the one without views, and its greys.
        const greys = made.filter(({ name }) => name.startsWith('image_grey')).length;
        const plain = build(seen.map(() => 'image'));
        expect(model.architecture().parameters).toBe(plain.architecture().parameters + 12 * greys);
        expect(model.architecture().trainableParameters).toBe(plain.architecture().trainableParameters);
        for (const weight of plain.layersModel.weights) {
          const twin = model.layersModel.weights.find(
            ({ originalName }) => originalName === weight.originalName,
          )!;
          expect(twin.read().dataSync()).toEqual(weight.read().dataSync());
        }
        plain.dispose();
        model.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test('answers for each task what the network answers whose every branch sees that', async () => {
    await fc.assert(
      fc.asyncProperty(views, fc.nat(1000), async (seen, seed) => {
        const model = build(seen);
        const answer = await model.predict(image(seed), { engine: 'wasm' });
        for (const [i, view] of seen.entries()) {
          const alone = build(seen.map(() => view));
          const own = await alone.predict(image(seed), { engine: 'wasm' });
          // The same operations on the same numbers.
          expect(answer[NAMES[i]!]).toBe(own[NAMES[i]!]);
          alone.dispose();
        }
        model.dispose();
      }),
      { numRuns: 15 },
    );
  });

  test('in grey answers what a plain one answers to the grey image', () => {
    const given = image(3);
    const [grey, plain] = [build(['grey']), build(['image'])];
    const ask = (model: MultiTaskModel<any>, data: Float32Array) =>
      tf.tidy(
        () => (model.layersModel.predict(tf.tensor(data, [1, SIDE, SIDE, 3])) as tf.Tensor).dataSync()[0]!,
      );
    const bytes = Float32Array.from(given.data, (byte) => byte / 255);
    // Sums of three products in another order.
    expect(ask(grey, bytes)).toBeCloseTo(ask(plain, greyTensor(given)), 5);
    expect(ask(grey, bytes)).not.toBeCloseTo(ask(plain, bytes), 5);
  });

  test('is the same after it was saved and loaded, and goes on where it was stopped', async () => {
    await fc.assert(
      fc.asyncProperty(views, async (seen) => {
        const names = NAMES.slice(0, seen.length);
        const data = imagesInMemory(
          Array.from({ length: 7 }, (_, i) => ({
            image: image(i),
            labels: Object.fromEntries(names.map((name, at) => [name, i + at])),
          })),
        );
        const options = { batchSize: 3, engine: 'wasm', seed: 2, validation: data } as const;
        const rows = async (model: MultiTaskModel<any>, more: object) =>
          (await model.fit(data, { ...options, ...more } as any)).rows.map(({ seconds: _, ...row }) => row);
        const whole = build(seen);
        const wanted = await rows(whole, { epochs: 2 });
        const checkpoint = memoryStore();
        const first = build(seen);
        await rows(first, { epochs: 1, checkpoint });
        const second = build(seen);
        expect(await rows(second, { epochs: 2, checkpoint, resume: true })).toEqual(wanted);
        const store = memoryStore();
        await second.save(store);
        const again = await loadModel(store);
        expect(again.architecture()).toEqual(second.architecture());
        expect(await again.predict(image(9))).toEqual(await second.predict(image(9)));
        expect(await rows(again, { epochs: 1 })).toEqual(await rows(second, { epochs: 1 }));
        for (const model of [whole, first, second, again]) model.dispose();
      }),
      { numRuns: 6 },
    );
  });
});

test('a trunk that is called twice drops out by a mask for each call, as Keras draws one for each', () => {
  const network = buildNetwork({
    input: { shape: [4, 4, 3], range: [0, 1] },
    seed: 1,
    trunk: sharedTrunk([dropout(0.5)]),
    tasks: (['age', 'gender'] as const).map((name) => ({
      name,
      task: regression({ unit: 'years' }),
      branch: branch([flatten()], name === 'gender' ? { inputView: grayscaleImage() } : {}),
    })),
  });
  const masks = drawDropoutMasks(network, 20, 1, 0, 0);
  const [one, other] = Object.values(masks);
  expect(Object.keys(masks)).toHaveLength(2);
  const alike = one!.data.filter((bit, i) => bit === other!.data[i]).length / one!.data.length;
  expect(Math.abs(alike - 0.5)).toBeLessThan(0.08); // of 960 independent draws: five deviations
  // Each call takes its own: an image of ones comes out with the zeros of its mask.
  const seen: tf.Tensor[] = [];
  const layer = network.layersModel.getLayer('trunk_dropout1');
  const stock = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    const output = stock(inputs, kwargs) as tf.Tensor;
    seen.push(tf.keep(output));
    return output;
  };
  const data = imagesInMemory(
    Array.from({ length: 20 }, (_, i) => ({
      image: { data: new Uint8Array(48).fill(255), height: 4, width: 4, channels: 3 },
      labels: { age: i, gender: i },
    })),
  );
  const indices = Array.from({ length: 20 }, (_, i) => i);
  const batch = { indices, pixels: new Float32Array(960).fill(255), count: 20 };
  const images = [{ shape: [20, 4, 4, 3], data: new Float32Array(960).fill(1) }];
  const arrays = {
    ...createBatchArrays(network, data, batch, {}, images),
    ...masks,
    ...createCoefficientArrays([0.1, 0.1]),
  };
  const inputs = toStepInputs(network, toTensors(arrays));
  computeTrainingStep(network, sgd(), { age: 1, gender: 1 }, 'update', inputs, []);
  expect(seen).toHaveLength(2);
  seen.forEach((output, call) => {
    const bits = output.dataSync().map((value) => (value > 0 ? 1 : 0));
    expect(Float32Array.from(bits)).toEqual([one, other][call]!.data);
  });
});

describe('views', () => {
  const two = (a: readonly LayerLike[] | LayerLike, b: readonly LayerLike[] | LayerLike) =>
    multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(4, 3)]))
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: a }))
      .task('gender', binary(['male', 'female']), branch([flatten()], { inputView: b }))
      .build();

  test('that are trained are equal where they are the same blocks', () => {
    const learned = conv(3, 1);
    expect(calls(two(learned, learned), 'trunk_conv1')).toBe(1);
    expect(calls(two(learned, [learned]), 'trunk_conv1')).toBe(1);
    const own = two(conv(3, 1), conv(3, 1));
    expect(calls(own, 'trunk_conv1')).toBe(2);
    expect(own.layersModel.layers.map(({ name }) => name)).toContain('image_conv2');
  });

  test('may be a layer of TensorFlow.js, for one branch or for several', () => {
    const crop = tf.layers.cropping2D({ cropping: 2, name: 'crop' });
    const shared = two(crop, [crop]);
    expect(calls(shared, 'trunk_conv1')).toBe(1);
    expect(shared.architecture().layers.find(({ name }) => name === 'trunk_conv1')!.outputShape).toEqual([
      6, 6, 4,
    ]);
  });

  /** A frozen 1x1 convolution to `values.length / 3` channels, as a user writes one. */
  const mix = (values: readonly number[]): Block => ({
    '~block': 'mix',
    computeOutputSize: (input) => input,
    build: (input, site) => {
      const filters = values.length / 3;
      const layer = tf.layers.conv2d({
        name: site.createName('mix'),
        filters,
        kernelSize: 1,
        useBias: false,
      });
      layer.trainable = false;
      const output = site.connect(layer, input);
      site.setWeights(layer, [Float32Array.from(values)]);
      return output;
    },
  });
  const RED = [1, 0, 0];

  test('of a block of the user are equal where they make the same layers of the same weights', () => {
    expect(calls(two(mix(RED), mix(RED)), 'trunk_conv1')).toBe(1);
    const apart = two(mix(RED), mix([0, 1, 0]));
    expect(calls(apart, 'trunk_conv1')).toBe(2);
    // One that was built in vain leaves neither a layer nor a gap in the names.
    const third = multiTask({ input: [SIDE, SIDE, 3] })
      .task('a', regression({ unit: 'years' }), branch([flatten()], { inputView: mix(RED) }))
      .task('b', regression({ unit: 'years' }), branch([flatten()], { inputView: mix(RED) }))
      .task('c', regression({ unit: 'years' }), branch([flatten()], { inputView: mix([0, 0, 1]) }))
      .build();
    const views = third.layersModel.layers.map(({ name }) => name).filter((name) => /^image_/.test(name));
    expect(views).toEqual(['image_mix1', 'image_mix2']);
  });

  test('that were built in vain leave no weights behind', () => {
    const before = tf.memory().numTensors;
    two(grayscaleImage(), grayscaleImage()).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('of the same layers are others where these read each other in another way, or end elsewhere', () => {
    /** Two mixtures, one behind the other or both of the image, of which one is the view. */
    const both = (chained: boolean, end: 0 | 1): Block => ({
      '~block': 'both',
      computeOutputSize: (input) => input,
      build: (input, site) => {
        const first = mix([1, 0, 0, 0, 1, 0, 0, 0, 1]).build(input, site);
        return [first, mix([0, 1, 0, 0, 0, 1, 1, 0, 0]).build(chained ? first : input, site)][end]!;
      },
    });
    expect(calls(two(both(true, 1), both(true, 1)), 'trunk_conv1')).toBe(1);
    expect(calls(two(both(true, 1), both(false, 1)), 'trunk_conv1')).toBe(2);
    expect(calls(two(both(true, 0), both(true, 1)), 'trunk_conv1')).toBe(2);
  });

  test('leave a shared layer as deep as its farthest call, in the order of the layers that Keras 3.15 gives them', () => {
    const age = regression({ unit: 'years' });
    const model = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([conv(4, 3), batchNorm()]))
      .task('age', age, branch([flatten()]))
      .task('gender', age, branch([conv(2, 3), conv(2, 3), flatten()], { inputView: grayscaleImage() }))
      .build();
    expect(createKerasGraph(model.layersModel).layers.map(({ name }) => name)).toEqual([
      ...['image', 'image_grey1', 'trunk_conv1', 'trunk_bn1', 'gender_conv1', 'gender_conv2'],
      ...['age_flatten1', 'gender_flatten1', 'age', 'gender'],
    ]);
    model.dispose();
  });

  test('of blocks with other settings are others', () => {
    expect(
      calls(
        two([grayscaleImage(), activation('sigmoid')], [grayscaleImage(), activation('tanh')]),
        'trunk_conv1',
      ),
    ).toBe(2);
    expect(calls(two(averagePool(2), averagePool(3)), 'trunk_conv1')).toBe(2);
    expect(calls(two(averagePool(2), averagePool(2)), 'trunk_conv1')).toBe(1);
  });

  test('stand in the architecture as part of the input, each call of the trunk with what it reads', () => {
    const { layers } = two(grayscaleImage(), averagePool(2)).architecture();
    const layer = (name: string) => layers.find((own) => own.name === name)!;
    expect(layer('image_grey1')).toMatchObject({ part: 'input', detail: '1×1, to grey', trainable: false });
    expect(layer('trunk_conv1').calls).toEqual([
      [{ layer: 'image_grey1', call: 0 }],
      [{ layer: 'image_avgpool1', call: 0 }],
    ]);
    expect(layer('age_flatten1').calls).toEqual([[{ layer: 'trunk_conv1', call: 0 }]]);
    expect(layer('gender_flatten1').calls).toEqual([[{ layer: 'trunk_conv1', call: 1 }]]);
    const trunk = multiTask({ input: [SIDE, SIDE, 3] })
      .trunk(sharedTrunk([grayscaleImage(), conv(2, 3)]))
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build();
    expect(trunk.architecture().layers[1]).toMatchObject({ part: 'trunk', detail: '1×1, to grey' });
  });

  test('stand before a backbone of the branch too', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    const model = multiTask({ input: [32, 32, 3] })
      .task(
        'age',
        regression({ unit: 'years' }),
        branch([...backbone.layerStack, globalAveragePool()], { inputView: grayscaleImage() }),
      )
      .build();
    expect(model.architecture().layers.find(({ name }) => name === 'image_preprocess')!.inputs).toEqual([
      'image_grey1',
    ]);
    // All see grey by what they see, since a backbone wants the image itself.
    const inTrunk = await faultOf(() =>
      multiTask({ input: [32, 32, 3] })
        .trunk(sharedTrunk([grayscaleImage(), ...backbone.layerStack]))
        .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
        .build(),
    );
    expect(inTrunk.advice).toContain('{ inputView: grayscaleImage() }');
  });

  test('of a number of channels of their own are what the trunk is built on', () => {
    const model = two(mix(RED), mix(RED));
    expect(model.architecture().layers.find(({ name }) => name === 'trunk_conv1')!.parameters).toBe(
      4 * (9 + 1),
    );
    const pixels = tf.randomUniform([2, SIDE, SIDE, 3], 0, 1, 'float32', 1);
    const [age] = model.layersModel.predict(pixels) as tf.Tensor[];
    const noGreenOrBlue = tf.mul(pixels, tf.tensor([1, 0, 0]));
    const [same] = model.layersModel.predict(noGreenOrBlue) as tf.Tensor[];
    expect(same!.dataSync()).toEqual(age!.dataSync());
    const noRed = tf.mul(pixels, tf.tensor([0, 1, 1]));
    expect((model.layersModel.predict(noRed) as tf.Tensor[])[0]!.dataSync()).not.toEqual(age!.dataSync());
  });

  test('of a block that holds a ready layer keep its weights', () => {
    const layer = tf.layers.conv2d({ filters: 3, kernelSize: 1, name: 'ready' });
    const ready = {
      '~block': 'ready',
      computeOutputSize: (input: number) => input,
      build: (input: tf.SymbolicTensor, site: BuildContext) => site.connect(layer, input),
    } satisfies Block;
    const model = two(ready, [ready]);
    expect(calls(model, 'trunk_conv1')).toBe(1);
    expect(layer.getWeights()[0]!.isDisposed).toBe(false);
    model.dispose();
  });

  test('of a grey image are the image, and black stays black in any range', async () => {
    const grey = multiTask({ input: [SIDE, SIDE, 1] })
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    expect(grey.layersModel.layers.map(({ name }) => name)).toEqual(['image', 'age_flatten1', 'age']);
    const wide = multiTask({ input: [1, 1, 3], range: [-3, 1] })
      .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
      .build();
    const view = tf.model({
      inputs: wide.layersModel.inputs,
      outputs: wide.layersModel.getLayer('image_grey1').output as tf.SymbolicTensor,
    });
    const black = (view.predict(tf.fill([1, 1, 1, 3], -3)) as tf.Tensor).dataSync();
    for (const value of black) expect(value).toBeCloseTo(-3, 5);
  });

  test('stand before the preprocessing of a backbone, whose weights they share', async () => {
    const backbone = await resnet50Backbone({ weights: null, trainable: false });
    const part = (inputView: readonly LayerLike[]) => branch([dense(4)], { inputView });
    const make = (a: readonly LayerLike[], b: readonly LayerLike[]) =>
      multiTask({ input: [32, 32, 3], seed: 4 })
        .trunk(sharedTrunk([backbone, globalAveragePool()]))
        .task('age', regression({ unit: 'years' }), part(a))
        .task('gender', binary(['male', 'female']), part(b))
        .build();
    const model = make([], [grayscaleImage()]);
    expect(calls(model, 'image_preprocess')).toBe(2);
    const [colour, grey] = [make([], []), make([grayscaleImage()], [grayscaleImage()])];
    expect(model.architecture().parameters).toBe(colour.architecture().parameters + 12);
    const random = createRng(1, 'face');
    const face = {
      data: Uint8Array.from({ length: 32 * 32 * 3 }, () => random.nextInt(256)),
      height: 32,
      width: 32,
      channels: 3,
    };
    const answer = await model.predict(face, { engine: 'wasm' });
    expect(answer.age).toBe((await colour.predict(face)).age);
    expect(answer.gender).toEqual((await grey.predict(face)).gender);
    for (const one of [model, colour, grey]) one.dispose();
  });
});
