import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fuseSums } from '../../src/engines/onnx/lower/fuseSums.js';
import { mergeEqualNodes } from '../../src/engines/onnx/lower/mergeEqualNodes.js';
import type { OnnxNode } from '../../src/formats/onnxModel.js';
import { measureBatchDifference } from './runOnnx.js';

const CHANNELS = 16;
/** Multiples of 1/2, so that sums are exact in any order, and rounding does not decide which ReLU units are active. */
const coarse = (i: number) => Math.round(Math.sin(i * 1.7 + 0.3) * 2) / 2;
const createFilter = (size: number, seed: number) =>
  tf.tensor(
    Float32Array.from({ length: size * size * CHANNELS * CHANNELS }, (_, i) => coarse(i * 3 + seed)),
    [size, size, CHANNELS, CHANNELS],
  ) as tf.Tensor4D;

/** One operation of a random network. `first` and `second` select earlier images. */
interface Step {
  readonly kind: 'conv1' | 'conv3' | 'relu' | 'add' | 'residual' | 'half' | 'halves';
  readonly first: number;
  readonly second: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('conv1', 'conv3', 'relu', 'add', 'residual', 'half', 'halves'),
  first: fc.nat(9),
  second: fc.nat(9),
});

/** Creates a random network: a graph of convolutions, ReLU and sums on images of two sizes. The result depends on all images. */
const createNetwork = (steps: readonly Step[]) => (x: tf.Tensor) => {
  const full = [x as tf.Tensor4D];
  const half: tf.Tensor4D[] = [];
  const conv = (image: tf.Tensor4D, size: number, seed: number, strides: 1 | 2 = 1) =>
    tf.conv2d(image, createFilter(size, seed), strides, 'same');
  steps.forEach(({ kind, first, second }, i) => {
    // Most steps also run on the images of half size, if there are any.
    const images = half.length > 0 && (first + second) % 2 === 0 ? half : full;
    const [a, b] = [images[first % images.length]!, images[second % images.length]!];
    if (kind === 'conv1') images.push(conv(a, 1, i));
    if (kind === 'conv3') images.push(conv(a, 3, i));
    if (kind === 'relu') images.push(tf.relu(a));
    if (kind === 'add') images.push(tf.add<tf.Tensor4D>(a, b));
    if (kind === 'residual') images.push(tf.relu(tf.add<tf.Tensor4D>(conv(a, 1, i), b)));
    const source = full[first % full.length]!;
    if (kind === 'half') half.push(conv(source, 1, i, 2));
    if (kind === 'halves') half.push(tf.add(conv(source, 1, i, 2), conv(source, 1, i + 9, 2)));
  });
  const sums = [full, half]
    .filter((images) => images.length > 0)
    .map((images) => tf.mean(tf.addN(images as tf.Tensor[]), [1, 2]));
  return tf.tidy(() => tf.mul(tf.addN(sums), 0.01));
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('random residual networks and their gradients, compiled with fused sums, give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const sides = fc.integer({ min: 3, max: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.tuple(sides, sides),
      fc.boolean(),
      fc.constantFrom(undefined, 1, 2, 3, 4, 5),
      fc.constantFrom(8, 16),
      async (steps, size, isGradient, batchSize, channelBlock) => {
        const network = createNetwork(steps);
        const operation = isGradient ? (x: tf.Tensor) => tf.grad((v) => network(v))(x) : network;
        const options = { channelBlock, batchSize };
        const difference = await measureBatchDifference(operation, [...size, CHANNELS], coarse, options);
        expect(difference).toBeLessThan(1e-5);
      },
    ),
    { numRuns: 40 },
  );
});

const CONV = 'com.microsoft.nchwc:Conv';
const node = (opType: string, inputs: string[], output: string, attributes = {}): OnnxNode => ({
  opType,
  inputs,
  outputs: [output],
  attributes,
});
const fuse = (nodes: readonly OnnxNode[]) =>
  fuseSums({ nodes, initializers: [] }, (value) => value.startsWith('image')).nodes;

describe('fuseSums', () => {
  const conv = node(CONV, ['image0', 'filter'], 'image1', { group: 1 });

  test('passes an addend and ReLU to the convolution before them', () => {
    const nodes = [conv, node('Add', ['image1', 'image2'], 'image3'), node('Relu', ['image3'], 'image4')];
    expect(fuse(nodes)).toEqual([
      node(CONV, ['image0', 'filter', '', 'image2'], 'image4', { group: 1, activation: 'Relu' }),
    ]);
  });

  test('keeps a sum if another node reads the result of the convolution, or if an addend is not an image', () => {
    const sum = node('Add', ['image1', 'image2'], 'image3');
    const reader = node('Neg', ['image1'], 'image4');
    expect(fuse([conv, sum, reader])).toEqual([conv, sum, reader]);
    const scalarSum = node('Add', ['image1', 'scalar'], 'image3');
    expect(fuse([conv, scalarSum])).toEqual([conv, scalarSum]);
    const double = node('Add', ['image1', 'image1'], 'image3');
    expect(fuse([conv, double])).toEqual([conv, double]);
  });

  test('keeps a second sum after a convolution that already has an addend or an activation', () => {
    const sums = [node('Add', ['image1', 'image2'], 'image3'), node('Add', ['image3', 'image4'], 'image5')];
    expect(fuse([conv, ...sums]).map(({ opType }) => opType)).toEqual([CONV, 'Add']);
    const active = node(CONV, ['image0', 'filter'], 'image1', { activation: 'Relu' });
    expect(fuse([active, sums[0]!])).toEqual([active, sums[0]]);
  });

  test('adds images before they are moved in the same way, and not if the moves differ', () => {
    const moves = (from: string, to: string, pads: string) => [
      node('Reshape', [from, 'shape'], `${to}a`),
      node('Pad', [`${to}a`, pads], to),
    ];
    const branches = [conv, ...moves('image1', 'image2', 'pads'), node(CONV, ['image0', 'other'], 'image3')];
    const sum = node('Add', ['image2', 'image4'], 'image5');
    const same = fuse([...branches, ...moves('image3', 'image4', 'pads'), sum]);
    expect(same.map(({ opType }) => opType)).toEqual([CONV, CONV, 'Reshape', 'Pad']);
    expect(same[1]!.inputs).toEqual(['image0', 'other', '', 'image1']);
    expect(same.at(-1)!.outputs).toEqual(['image5']);
    const ones = { name: 'one', shape: [], data: Float32Array.of(1) };
    const padding = (from: string, to: string) => [node('Pad', [from, 'pads', 'one'], to)];
    const padded = [...branches.slice(0, 1), ...padding('image1', 'image2'), branches.at(-1)!];
    const paddedSum = [...padded, ...padding('image3', 'image4'), sum];
    const isImage = (value: string) => value.startsWith('image');
    expect(fuseSums({ nodes: paddedSum, initializers: [ones] }, isImage).nodes).toEqual(paddedSum);
    const different = [...branches, ...moves('image3', 'image4', 'other pads'), sum];
    expect(fuse(different)).toEqual(different);
  });
});

test('mergeEqualNodes merges nodes with equal operations, inputs and attributes, also after their inputs have become equal', () => {
  const nodes = [
    node('Neg', ['x'], 'a'),
    node('Neg', ['x'], 'b'),
    node('Abs', ['a'], 'c'),
    node('Abs', ['b'], 'd'),
    node('Clip', ['x'], 'e', { max: 1 }),
    node('Clip', ['x'], 'f', { max: 2 }),
    node('Identity', ['c'], 'first output'),
    node('Identity', ['d'], 'second output'),
  ];
  const { nodes: merged } = mergeEqualNodes({ nodes, initializers: [] });
  expect(merged.map(({ inputs, outputs }) => [...inputs, ...outputs].join())).toEqual([
    'x,a',
    'a,c',
    'x,e',
    'x,f',
    'c,first output',
    'c,second output',
  ]);
});
