import { beforeAll, describe, expect, test } from 'vitest';
import {
  branch,
  conv,
  efficientNetB0Backbone,
  globalAveragePool,
  mobileNetV2Backbone,
  multiTask,
  regression,
  resnet50Backbone,
  sharedTrunk,
} from '../../src/entries/node.js';
import type { Hdf5Dataset } from '../../src/formats/hdf5/hdf5Group.js';
import * as inNode from '../../src/node/index.js';
import { bodyOf } from '../parity/backbones.js';
import { catchError } from './catchError.js';
import { drawnLayers, kerasFile, type Layers } from './weightFiles.js';

let mobile: Layers;
beforeAll(async () => {
  mobile = await drawnLayers('mobileNetV2');
});

/** Returns a copy whose layers and weights can be replaced. The numbers are shared. */
const copy = (layers: Layers): Layers =>
  new Map([...layers].map(([name, weights]) => [name, new Map(weights)]));
const read = (weights: Uint8Array, options = {}) =>
  mobileNetV2Backbone({ weights, file: 'mobile.h5', ...options });

const built = (
  backbone: Parameters<ReturnType<typeof multiTask>['trunk']>[0],
  input: [number, number, number] = [32, 32, 3],
) =>
  multiTask({ input, range: [0, 255] })
    .trunk(backbone)
    .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
    .build();

describe('a backbone weight file', () => {
  test.each([
    ['by name', (name: string) => name],
    ['in layer order if the layer names are from an older version of Keras', (name: string) => `old_${name}`],
  ])('is loaded into the layers of a backbone %s', async (_, rename) => {
    const layers: Layers = new Map([...mobile].map(([name, weights]) => [rename(name), weights]));
    const model = built(await read(kerasFile(layers, ':0')));
    for (const weight of bodyOf(model).flatMap((layer) => layer.weights)) {
      const [layer, name] = weight.originalName.split('/') as [string, string];
      const { data } = mobile.get(layer)!.get(name.replace('depthwise_kernel', 'kernel'))!;
      const found = weight.read().dataSync();
      expect(
        found.every((value, i) => value === data[i]),
        weight.originalName,
      ).toBe(true);
    }
    model.dispose();
  });

  const changes: [string, (layers: Layers) => void, path: string, received: string][] = [
    [
      'a missing layer',
      (layers) => layers.delete('block_5_expand'),
      'mobile.h5: block_5_expand',
      'a file without this layer',
    ],
    [
      'a missing tensor',
      (layers) => layers.get('block_5_expand_BN')!.delete('beta'),
      'mobile.h5: block_5_expand_BN/beta',
      'a file without this tensor',
    ],
    [
      'an additional layer',
      (layers) => layers.set('block_17_expand', layers.get('block_5_expand')!),
      'mobile.h5: block_17_expand',
      'an additional layer with weights',
    ],
    [
      'an additional tensor',
      (layers) => layers.get('block_5_expand')!.set('bias', { shape: [192], data: new Float32Array(192) }),
      'mobile.h5: block_5_expand/bias',
      'an additional weight',
    ],
    [
      'a tensor of the wrong shape',
      (layers) =>
        layers
          .get('block_5_expand')!
          .set('kernel', { shape: [1, 1, 192, 32], data: new Float32Array(192 * 32) }),
      'mobile.h5: block_5_expand/kernel',
      'a tensor of shape [1, 1, 192, 32]',
    ],
    [
      'two layers in the wrong order and unknown names',
      (layers) => {
        const entries = [...layers];
        layers.clear();
        [entries[1]!, entries[0]!, ...entries.slice(2)].forEach(([name, weights]) => {
          layers.set(`old_${name}`, weights);
        });
      },
      'mobile.h5: old_bn_Conv1',
      'an additional layer with weights',
    ],
  ];
  test.each(changes)(
    'with %s is rejected, and the error names the layer or the tensor',
    async (_, change, path, received) => {
      const layers = copy(mobile);
      change(layers);
      const fault = await catchError(async () => read(kerasFile(layers)));
      expect(fault).toMatchObject({ kind: 'file', path, received });
    },
  );

  test('that contains NaN is rejected, and the error reports the tensor and the index of the NaN value', async () => {
    const layers = copy(mobile);
    const { shape, data } = layers.get('block_5_expand_BN')!.get('gamma')!;
    const broken = (data as Float32Array).slice();
    broken[7] = Number.NaN;
    layers.get('block_5_expand_BN')!.set('gamma', { shape, data: broken });
    const fault = await catchError(async () => read(kerasFile(layers)));
    expect(fault).toMatchObject({ kind: 'file', received: 'NaN at index 7' });
    expect(fault.path).toMatch(/^mobile\.h5.*block_5_expand_BN.*gamma/);
  });

  test('that is truncated or belongs to a different backbone is rejected', async () => {
    const bytes = kerasFile(mobile);
    const other = await catchError(() => resnet50Backbone({ weights: bytes, file: 'mobile.h5' }));
    expect(other).toMatchObject({ kind: 'file', path: 'mobile.h5: Conv1' });
    expect((await catchError(() => read(bytes.slice(0, 4_000_000)))).kind).toBe('file');
    expect((await catchError(() => read(new Uint8Array(0)))).kind).toBe('file');
  });

  test('is rejected if it has a classification layer but includeTop is false, or has none but includeTop is true', async () => {
    const whole = kerasFile(await drawnLayers('mobileNetV2', true));
    expect(await catchError(() => read(whole))).toMatchObject({
      path: 'mobile.h5: predictions',
      advice: 'Set includeTop: true, or pass a file without the classification layers.',
    });
    const without = kerasFile(mobile);
    expect(await catchError(() => read(without, { includeTop: true }))).toMatchObject({
      path: 'mobile.h5: predictions',
      advice: 'Omit includeTop, or pass a file with the classification layers.',
    });
  });

  test('for EfficientNetB0 sets the mean and variance of the preprocessing layer', async () => {
    const three = (...values: number[]): Hdf5Dataset => ({ shape: [3], data: Float32Array.from(values) });
    const count: Hdf5Dataset = { shape: [], data: Float32Array.of(0) };
    const body = await drawnLayers('efficientNetB0');
    const preprocess = async (mean: number[], variance: number[]) => {
      const norm = new Map([
        ['mean', three(...mean)],
        ['variance', three(...variance)],
        ['count', count],
      ]);
      const weights = kerasFile(new Map([['normalization_3', norm], ...body]));
      const model = built(await efficientNetB0Backbone({ weights }));
      const [kernel, bias] = model.layersModel
        .getLayer('image_preprocess')
        .weights.map((weight) => [...weight.read().dataSync()]);
      model.dispose();
      return [0, 1, 2].map((c) => 100 * kernel![4 * c]! + bias![c]!);
    };
    const plain = await preprocess([0.1, 0.2, 0.3], [0.25, 1, 4]);
    [(100 / 255 - 0.1) / 0.5, 100 / 255 - 0.2, (100 / 255 - 0.3) / 2].forEach((value, c) => {
      expect(plain[c]).toBeCloseTo(value, 5);
    });
    // With the ImageNet means, Keras also divides by the square root of the standard deviations.
    const imagenet = await preprocess([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    [
      [0.485, 0.229],
      [0.456, 0.224],
      [0.406, 0.225],
    ].forEach(([mean, deviation], c) => {
      expect(imagenet[c]).toBeCloseTo((100 / 255 - mean!) / deviation!, 5);
    });
  });
});

describe('a backbone function such as resnet50Backbone', () => {
  test.each([
    ['no options', () => (resnet50Backbone as () => Promise<unknown>)(), 'resnet50Backbone', 'undefined'],
    [
      'a misspelled option',
      () => resnet50Backbone({ weights: null, trainabel: false } as never),
      'resnet50Backbone',
      'the option "trainabel"',
    ],
    [
      'a `side` option, which exists only in Node',
      () => resnet50Backbone({ weights: null, side: 224 } as never),
      'resnet50Backbone',
      'the option "side"',
    ],
    [
      'a string instead of a boolean',
      () => efficientNetB0Backbone({ weights: null, trainable: 'false' } as never),
      'efficientNetB0Backbone.trainable',
      '"false"',
    ],
    [
      'a number as trainableFrom',
      () => resnet50Backbone({ weights: null, trainableFrom: 5 } as never),
      'resnet50Backbone.trainableFrom',
      '5',
    ],
    ['no weights', () => resnet50Backbone({} as never), 'resnet50Backbone.weights', 'undefined'],
    [
      "'imagenet' without Node",
      () => resnet50Backbone({ weights: 'imagenet' } as never),
      'resnet50Backbone.weights',
      'the string "imagenet"',
    ],
    [
      'an unknown layer as trainableFrom',
      () => mobileNetV2Backbone({ weights: null, trainableFrom: 'conv5' }),
      'mobileNetV2Backbone.trainableFrom',
      '"conv5"',
    ],
    [
      'an empty string as trainableFrom',
      () => mobileNetV2Backbone({ weights: null, trainableFrom: '' }),
      'mobileNetV2Backbone.trainableFrom',
      '""',
    ],
    [
      'trainable and trainableFrom together',
      () => mobileNetV2Backbone({ weights: null, trainable: false, trainableFrom: 'Conv_1' } as never),
      'mobileNetV2Backbone.trainableFrom',
      'both trainable and trainableFrom',
    ],
  ])('rejects %s, and the error reports the received value', async (_, call, path, received) => {
    expect(await catchError(call)).toMatchObject({ kind: 'argument', path, received });
  });

  test('rejects an unknown stage in trainableFrom, and the error lists the stages', async () => {
    const { expected } = await catchError(() => resnet50Backbone({ weights: null, trainableFrom: 'layer4' }));
    expect(expected).toContain('conv1, conv2, conv3, conv4, conv5');
  });

  test.each([
    ['Conv5', 'Did you mean "conv5"?'],
    ['conv4_blok1', undefined],
    ['conv4_block1_1_cnv', 'Did you mean "conv4_block1_1_conv"?'],
  ])(
    'rejects the misspelled layer %s in trainableFrom, and suggests a layer only if the names are similar',
    async (trainableFrom, advice) => {
      const fault = await catchError(() => resnet50Backbone({ weights: null, trainableFrom }));
      expect(fault.advice).toBe(
        advice ??
          'Set trainableFrom to the name of the first layer that you want to train, or set trainable to false to freeze the whole backbone.',
      );
    },
  );

  test('returns a promise, and sharedTrunk() and trunk() throw an error if they receive the promise instead of the backbone', async () => {
    const backbone = mobileNetV2Backbone({ weights: null });
    const rejection = { received: 'a promise', advice: 'Await the promise first.' };
    expect(await catchError(() => built(sharedTrunk([backbone as never, conv(3, 1)])))).toMatchObject(
      rejection,
    );
    expect(await catchError(() => built(backbone as never))).toMatchObject(rejection);
    await backbone;
  });

  test.each([
    [{ weights: 'https://example.org/x.h5' }, 'resnet50Backbone.weights', /the URL/, /^Download the file/],
    [{ weights: 'ImageNet' }, 'ImageNet', /ENOENT/, /^Did you mean "imagenet"\?/],
    [{ weights: 'none.h5' }, 'none.h5', /ENOENT/, /^Check the path/],
    [{ weight: null }, 'resnet50Backbone', /"weight"/, /^Did you mean "weights"\?/],
    [null, 'resnet50Backbone', /null/, /weights: null/],
  ])(
    'in Node, rejects the invalid options %j, and the error contains advice',
    async (options, path, received, advice) => {
      const fault = await catchError(() => inNode.resnet50Backbone(options as never));
      expect([fault.path, fault.received, fault.advice]).toEqual([
        path,
        expect.stringMatching(received),
        expect.stringMatching(advice),
      ]);
    },
  );

  test('in Node, rejects a value of `side` for which no weight file exists, and the error lists the available values', async () => {
    const fault = await catchError(() => inNode.mobileNetV2Backbone({ side: 100 as 96 }));
    expect(fault).toMatchObject({ path: 'mobileNetV2Backbone.side', received: '100' });
    expect(fault.expected).toContain('96, 128, 160, 192 or 224');
  });

  test('in Node, accepts the bytes of a weight file in the `weights` option', async () => {
    const model = built(await inNode.mobileNetV2Backbone({ weights: kerasFile(mobile) }));
    const [kernel] = model.layersModel.getLayer('Conv1').weights;
    expect([...kernel!.read().dataSync()]).toEqual([...mobile.get('Conv1')!.get('kernel')!.data]);
    model.dispose();
  });

  test.each([
    ['resnet50Backbone', resnet50Backbone],
    ['mobileNetV2Backbone', mobileNetV2Backbone],
    ['efficientNetB0Backbone', efficientNetB0Backbone],
  ] as const)('returns a trunk that rejects images smaller than 32x32 pixels: %s', async (path, make) => {
    const backbone = await make({ weights: null });
    expect(await catchError(() => built(backbone, [31, 40, 3]))).toMatchObject({
      kind: 'argument',
      path,
      expected: 'images of at least 32x32 pixels',
      received: 'images of 31x40 pixels',
    });
  });

  test('returns a trunk that rejects a task with the same name as a backbone layer and, with includeTop: true, rejects a pooling layer', async () => {
    const top = await mobileNetV2Backbone({ weights: null, includeTop: true });
    const pooled = await catchError(() => built(sharedTrunk([top, globalAveragePool()])));
    expect(pooled.advice).toContain('a backbone with includeTop: true is flat, too');
    const named = multiTask({ input: [32, 32, 3] })
      .trunk(await mobileNetV2Backbone({ weights: null }))
      .task('Conv1', regression({ unit: 'years' }), branch([globalAveragePool()]));
    const fault = await catchError(() => named.build());
    expect(fault).toMatchObject({ path: 'trunk: Conv1', received: 'a layer with the name of a task' });
    expect(fault.advice).toMatch(/^Rename the tf\.layers layer or the task/);
  });

  test('returns a trunk that rejects a convolution kernel larger than the feature map, and the error reports the smallest image size', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    const fault = await catchError(() => built(sharedTrunk([backbone, conv(4, 3)]), [64, 64, 3]));
    expect(fault.expected).toContain('at least 65x65 pixels');
  });

  test('returns a trunk that must be the first block of a network and can be used only once', async () => {
    const backbone = await mobileNetV2Backbone({ weights: null });
    expect(await catchError(() => built(sharedTrunk([conv(3, 1), backbone])))).toMatchObject({
      path: 'mobileNetV2Backbone',
      received: 'the output of trunk_conv1',
    });
    const twice = multiTask({ input: [32, 32, 3] })
      .task('age', regression({ unit: 'years' }), branch([backbone, globalAveragePool()]))
      .task('height', regression({ unit: 'cm' }), branch([backbone, globalAveragePool()]));
    expect((await catchError(() => twice.build())).received).toBe('a second layer with this name');
  });
});
