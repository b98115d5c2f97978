import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import {
  averagePool,
  type Block,
  type Branch,
  type BuildContext,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  dense,
  depthwiseConv,
  dropout,
  flatten,
  grayscaleImage,
  maxPool,
  multiTask,
  randomGrayscale,
  regression,
  residual,
  sharedTrunk,
} from '../../src/entries/node.js';
import { catchError } from './catchError.js';
import { GENDERS } from './small.js';

const age = regression({ unit: 'years' });
const flat = branch([flatten(), dense(3)]);
const begin = () => multiTask({ input: [16, 16, 3] });
/** A builder without types, as JavaScript sees it. */
const loose = () => begin() as any;

describe('multiTask() with images of different sizes', () => {
  test('builds Model A for 56x56 images, and the error for smaller images reports 56x56 as the minimum', async () => {
    const model = modelA(56);
    expect(model.layersModel.outputs.map(({ shape }) => shape)).toEqual([
      [null, 1],
      [null, 1],
    ]);
    model.dispose();
    for (const size of [55, 40, 8, 1]) {
      const error = await catchError(() => modelA(size));
      expect(error.kind).toBe('argument');
      expect(error.path).toMatch(/^(trunk|age)_(conv|pool)\d$/);
      expect(error.expected).toContain('at least 56x56 pixels');
      expect(error.received).toMatch(
        /^an input of shape \[.*\], which results in an output of shape \[.*\]$/,
      );
      expect(error.advice).toContain('larger images');
    }
  });

  test.each([
    ['trunk', [conv(4, 3), maxPool(2), conv(4, 3)], 'trunk_conv2', 8],
    ['strides', [conv(4, 3, { strides: 2 }), conv(4, 3, { strides: 2 })], 'trunk_conv2', 7],
    ['dilation', [conv(4, 3, { dilation: 4 })], 'trunk_conv1', 9],
    [
      'same padding',
      [conv(4, 5, { padding: 'same' }), averagePool(2), depthwiseConv(3)],
      'trunk_depthwise1',
      6,
    ],
    ['residual', [residual([conv(4, 3, { padding: 'same' }), batchNorm()]), conv(4, 6)], undefined, 6],
  ] as const)(
    'reports the smallest image size at which the network can be built: %s',
    async (_, layerStack, layer, least) => {
      const at = (side: number) =>
        multiTask({ input: [side, side, 3] })
          .trunk(sharedTrunk(layerStack))
          .task('age', age, flat);
      const error = await catchError(() => at(least - 1).build());
      if (layer) expect(error.path).toBe(layer);
      expect(error.expected).toContain(`at least ${least}x${least} pixels`);
      expect(() => at(least).build().dispose()).not.toThrow();
    },
  );
});

describe('multiTask().task()', () => {
  test('rejects a task without a branch, and the error shows how to pass a branch', async () => {
    const error = await catchError(() => loose().task('age', age));
    expect(error).toMatchObject({ kind: 'argument', path: "task('age')", received: 'undefined' });
    expect(error.expected).toContain('branch([...])');
    expect(error.advice).toContain("task('age', ");
    const list = await catchError(() => loose().task('age', age, [flatten()]));
    expect(list).toMatchObject({ path: "task('age')", received: 'an array' });
    const trunk = await catchError(() => loose().task('age', age, sharedTrunk([flatten()])));
    expect(trunk).toMatchObject({ path: "task('age')", received: 'a trunk' });
    expect(await catchError(() => branch([]))).toMatchObject({ path: 'branch', received: 'an empty array' });
  });

  test('rejects a value that is not a task, and a task name that is already in use or is not a valid column name', async () => {
    const none = await catchError(() => loose().task('age', { unit: 'years' }, flat));
    expect(none).toMatchObject({ kind: 'argument', path: "task('age')" });
    expect(none.expected).toContain('regression()');
    const twice = await catchError(() => loose().task('age', age, flat).task('age', age, flat));
    expect(twice).toMatchObject({ path: "task('age')", received: '"age", the name of another task' });
    for (const name of ['loss', 'val', 'val_age', 'unaugmented_age', 'a b', '1st', '', 'trunk', 'é']) {
      expect(await catchError(() => loose().task(name, age, flat))).toMatchObject({
        kind: 'argument',
        path: `task('${name}')`,
      });
    }
    const clash = await catchError(() => loose().task('age', age, flat).task('age_loss', age, flat));
    expect(clash).toMatchObject({ kind: 'argument', path: "task('age_loss')" });
    expect(clash.received).toBe('the task names "age_loss" and "age"');
  });
});

describe('regression(), binary() and categorical()', () => {
  test('reject an empty unit, duplicate labels, and fewer than two labels', async () => {
    expect(await catchError(() => regression({ unit: ' ' }))).toMatchObject({ path: 'regression.unit' });
    expect(await catchError(() => binary(['a'] as never))).toMatchObject({
      path: 'binary.labels',
      received: '["a"]',
    });
    expect(await catchError(() => binary('ab' as never))).toMatchObject({
      path: 'binary.labels',
      received: '"ab"',
    });
    expect(await catchError(() => binary(['a', 'a'] as never))).toMatchObject({ received: '"a" twice' });
    expect(await catchError(() => categorical(['a'] as never))).toMatchObject({ path: 'categorical.labels' });
    expect(await catchError(() => categorical(['a', '']))).toMatchObject({
      path: 'categorical.labels',
      received: 'the label ""',
    });
  });
});

describe('the model builder multiTask()', () => {
  test('rejects a network without tasks, a second trunk, and a value that is not a trunk', async () => {
    const none = await catchError(() => loose().build());
    expect(none).toMatchObject({ kind: 'argument', path: 'multiTask().build', received: 'no tasks' });
    const trunk = sharedTrunk([conv(2, 3)]);
    const second = await catchError(() => loose().trunk(trunk).trunk(trunk));
    expect(second).toMatchObject({ kind: 'argument', path: 'multiTask().trunk', received: 'a second trunk' });
    const other = await catchError(() => loose().trunk([conv(2, 3)]));
    expect(other).toMatchObject({
      path: 'multiTask().trunk',
      expected: 'a trunk created with sharedTrunk([...])',
      received: 'an array',
    });
  });

  test.each([[[16, 16]], [[16, 16, 4]], [[0, 16, 3]], [[16.5, 16, 3]], ['16x16x3'], [undefined]])(
    'rejects an invalid input shape: %j',
    async (input) => {
      const error = await catchError(() => multiTask({ input: input as never }));
      expect(error).toMatchObject({ kind: 'argument', path: 'multiTask.input' });
      expect(error.received).toBe(JSON.stringify(input) ?? 'undefined');
    },
  );

  test.each([[[0]], [[1, 1]], [[0, Number.NaN]]])('rejects an invalid pixel range: %j', async (range) => {
    const error = await catchError(() => multiTask({ input: [8, 8, 3], range: range as never }));
    expect(error).toMatchObject({ kind: 'argument', path: 'multiTask.range' });
  });

  test('rejects a branch whose output is not a vector, and the error suggests adding flatten()', async () => {
    const error = await catchError(() =>
      begin()
        .task('age', age, branch([conv(2, 3)]))
        .build(),
    );
    expect(error).toMatchObject({
      kind: 'argument',
      path: 'branch age',
      received: 'an output of shape [14, 14, 2]',
    });
    expect(error.advice).toContain('flatten()');
  });

  test('rejects a convolution after flatten(), and the error names the layer', async () => {
    const error = await catchError(() =>
      begin()
        .task('age', age, branch([flatten(), conv(2, 3)]))
        .build(),
    );
    expect(error).toMatchObject({ kind: 'argument', path: 'age: age_conv1' });
    expect(error.expected).toBe('a layer that accepts inputs of shape [768]');
    expect(error.advice).toContain('order');
  });

  test('rejects invalid numbers in a block, such as 0 filters, and the error names the argument', async () => {
    const cases: [() => unknown, string][] = [
      [() => conv(0, 3), 'conv.filters'],
      [() => conv(2, 1.5), 'conv.kernelSize'],
      [() => conv(2, 3, { strides: 0 }), 'conv.strides'],
      [() => conv(2, 3, { dilation: -1 }), 'conv.dilation'],
      [() => conv(2, 3, { l2: Number.NaN }), 'conv.l2'],
      [() => depthwiseConv(3, { depthMultiplier: 0 }), 'depthwiseConv.depthMultiplier'],
      [() => maxPool(0), 'maxPool.size'],
      [() => dense(0), 'dense.units'],
      [() => dense(3, { l2: -1 }), 'dense.l2'],
      [() => dropout(1), 'dropout.rate'],
      [() => dropout(30), 'dropout.rate'],
    ];
    for (const [make, path] of cases) {
      expect(await catchError(make)).toMatchObject({ kind: 'argument', path });
    }
  });

  test('rejects an element of a block list that is not a block, and the error reports its index', async () => {
    const uncalled = await catchError(() => branch([flatten(), dense as never]));
    expect(uncalled).toMatchObject({ kind: 'argument', path: 'branch[1]', received: 'a function' });
    expect(uncalled.advice).toContain('Call the function');
    const record = await catchError(() => sharedTrunk([{ filters: 3 } as never]));
    expect(record).toMatchObject({ kind: 'argument', path: 'sharedTrunk[0]' });
    const notList = await catchError(() => branch(flatten() as never));
    expect(notList).toMatchObject({ kind: 'argument', path: 'branch' });
  });

  test('rejects a layer that generates its own random numbers, a nested model, and a layer that is used in two branches', async () => {
    const noise = branch([flatten(), tf.layers.gaussianNoise({ stddev: 0.1 })]);
    const drawn = await catchError(() => begin().task('age', age, noise).build());
    expect(drawn).toMatchObject({ kind: 'argument', received: 'a GaussianNoise layer' });
    const dilated = tf.layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2, name: 'eye' });
    const passedOver = await catchError(() =>
      begin()
        .task('age', age, branch([dilated, flatten()]))
        .build(),
    );
    expect(passedOver).toMatchObject({
      kind: 'argument',
      path: 'age (eye)',
      received: 'a depthwise convolution with dilation 2x2',
    });
    expect(drawn.path).toContain('age');
    const inner = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [16, 16, 3] })] });
    const nested = await catchError(() =>
      begin()
        .task('age', age, branch([inner as never]))
        .build(),
    );
    expect(nested).toMatchObject({
      kind: 'argument',
      expected: 'a single layer',
      received: 'a model (Sequential)',
    });
    const once = tf.layers.flatten({ name: 'mine' });
    const build = (given: Branch) =>
      begin().task('age', age, given).task('gender', binary(GENDERS), given).build();
    const twice = await catchError(() => build(branch([once])));
    expect(twice).toMatchObject({ kind: 'argument', path: 'gender: mine' });
  });
});

describe('a custom block', () => {
  const build = (own: (input: tf.SymbolicTensor, context: BuildContext) => unknown) =>
    catchError(() =>
      begin()
        .trunk(
          sharedTrunk([
            { '~block': 'own', computeOutputSize: (side: number) => side, build: own as Block['build'] },
          ]),
        )
        .task('age', age, branch([flatten()]))
        .build(),
    );

  test.each([
    [undefined, 'undefined'],
    [tf.layers.flatten(), 'an object'],
  ])(
    'is rejected if build() returns a value other than the output of context.connect()',
    async (output, received) => {
      const error = await build(() => output);
      expect(error).toMatchObject({ kind: 'argument', path: 'block own', received });
      expect(error.advice).toContain('context.connect(layer, input)');
    },
  );

  test.each([
    [[], 'no arrays'],
    [[new Float32Array(9)], 'arrays of 9 numbers'],
    [[new Float32Array(3), new Float32Array(9)], 'arrays of 3 and 9 numbers'],
    [[new Float32Array(9), new Float32Array(2)], 'arrays of 9 and 2 numbers'],
  ])(
    'is rejected if it sets weights whose number or sizes do not match the layer',
    async (arrays, received) => {
      const error = await build((input, context) => {
        const layer = tf.layers.conv2d({ name: context.createName('own'), filters: 3, kernelSize: 1 });
        const output = context.connect(layer, input);
        context.setWeights(layer, arrays);
        return output;
      });
      expect(error).toMatchObject({
        kind: 'argument',
        path: 'weights of trunk_own1',
        expected: 'arrays of 9 and 3 numbers',
        received,
      });
    },
  );

  test('is rejected if it sets the weights of a layer before connecting the layer', async () => {
    const error = await build((input, context) => {
      const layer = tf.layers.conv2d({ name: context.createName('own'), filters: 3, kernelSize: 1 });
      context.setWeights(layer, [new Float32Array(9), new Float32Array(3)]);
      return context.connect(layer, input);
    });
    expect(error).toMatchObject({ path: 'weights of trunk_own1', received: 'arrays of 9 and 3 numbers' });
    expect(error.advice).toContain('Connect the layer first');
  });
});

describe('the inputView option of branch()', () => {
  const branchWithView = (inputView: any) => branch([flatten(), dense(3)], { inputView });
  const build = (first: any, second: any) =>
    begin()
      .trunk(sharedTrunk([conv(4, 3), conv(4, 3)]))
      .task('age', age, branchWithView(first))
      .task('gender', binary(GENDERS), branchWithView(second))
      .build();

  test.each([
    [
      'an augmentation',
      randomGrayscale(),
      'the grayscale augmentation',
      /augment\(\[...\]\).*grayscaleImage\(\)/,
    ],
    [
      'a function that creates a block',
      grayscaleImage,
      'a function',
      /Call the function: grayscaleImage\(\), not grayscaleImage\./,
    ],
    ['a string', 'gray', 'the string "gray"', /Pass a block, for example grayscaleImage\(\)/],
    ['null', null, 'null', /Pass a block/],
  ])('rejects a value that is not a block: %s', async (_, view, received, advice) => {
    const error = await catchError(() => branchWithView([view]));
    expect(error).toMatchObject({ kind: 'argument', path: 'branch.inputView[0]', received });
    expect(error.advice).toMatch(advice);
  });

  test.each([
    ['a trunk', sharedTrunk([grayscaleImage()]), 'a trunk'],
    ['a nested list', [grayscaleImage()], 'an array'],
  ])('rejects %s, and the error suggests passing the blocks in one array', async (_, view, received) => {
    const error = await catchError(() => branchWithView([view]));
    expect(error).toMatchObject({ path: 'branch.inputView[0]', received });
    expect(error.advice).toBe('Pass all blocks in one array.');
  });

  test('is checked by branch(), which rejects a misspelled option and a second argument that is not an object', async () => {
    const give = (options: unknown) => catchError(() => branch([flatten()], options as never));
    expect(await give({ inputViews: grayscaleImage() })).toMatchObject({
      kind: 'argument',
      path: 'branch',
      received: 'the option "inputViews"',
      advice: 'Did you mean "inputView"?',
    });
    expect(await give({ inputView: null })).toMatchObject({
      path: 'branch.inputView[0]',
      received: 'null',
    });
    for (const [options, received] of [
      [grayscaleImage(), 'a block or a layer'],
      [tf.layers.flatten(), 'a block or a layer'],
      [[grayscaleImage()], 'an array'],
      [null, 'null'],
      [true, 'the boolean true'],
    ] as const) {
      const error = await give(options);
      expect(error).toMatchObject({ kind: 'argument', path: 'branch', received });
      expect(error.advice).toContain('{ inputView: grayscaleImage() }');
    }
  });

  test('rejects a view whose output is not an image', async () => {
    expect(await catchError(() => build([flatten()], []))).toMatchObject({
      kind: 'argument',
      path: 'branch age: inputView',
      expected: 'an image of shape [height, width, channels]',
      received: 'an output of shape [768]',
    });
  });

  test('rejects a view whose number of channels differs from that of the trunk input', async () => {
    const error = await catchError(() => build([], [conv(1, 1)]));
    expect(error).toMatchObject({
      kind: 'argument',
      path: 'trunk: trunk_conv1, called on image_conv1',
      expected: 'a layer that accepts inputs of shape [16, 16, 1]',
    });
    expect(error.advice).toBe(
      'Give all input views the same number of channels: the layer was built for the channels of image.',
    );
  });

  test('rejects a view whose image size differs from that of the trunk input if the trunk output is flat', async () => {
    const error = await catchError(() =>
      begin()
        .trunk(sharedTrunk([conv(4, 3), flatten(), dense(3)]))
        .task('age', age, branch([dense(2)]))
        .task('gender', binary(GENDERS), branch([dense(2)], { inputView: averagePool(2) }))
        .build(),
    );
    expect(error).toMatchObject({
      path: 'trunk: trunk_dense1, called on image_avgpool1',
      expected: 'a layer that accepts inputs of shape [144]',
    });
    expect(error.advice).toContain('globalAveragePool()');
  });

  test('rejects a view that is too small for the trunk', async () => {
    const error = await catchError(() => build([], [averagePool(4)]));
    expect(error).toMatchObject({
      path: 'trunk_conv2',
      expected: 'an image large enough to produce a non-empty output of this layer: at least 20x20 pixels',
      received: 'an input of shape [2, 2, 4], which results in an output of shape [0, 0, 4]',
    });
  });

  test('rejects a grayscaleImage() block whose input is not a color image', async () => {
    expect(await catchError(() => build([conv(2, 1), grayscaleImage()], []))).toMatchObject({
      kind: 'argument',
      path: 'grayscaleImage',
      received: 'an input of shape [16, 16, 2]',
    });
  });

  test('leaks no tensors when a view cannot be built', async () => {
    const before = tf.memory().numTensors;
    await catchError(() => build([grayscaleImage()], [grayscaleImage(), conv(1, 1)]));
    await catchError(() => build([grayscaleImage(), flatten()], [grayscaleImage()]));
    expect(tf.memory().numTensors).toBe(before);
  });
});
