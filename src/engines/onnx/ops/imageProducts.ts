import { chooseImageLayout } from './context/channelOps.js';
import { BROADCAST_IMAGE, IMAGE_AFFINE, IMAGE_DOT } from './context/fusedKernels.js';
import { addImageDot, addMergedImages } from './context/imageChannels.js';
import { BLOCKED_DOMAIN, padChannels } from './context/layout.js';
import type { LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import { INFER_SIZE } from './context/shapeConstants.js';
import type { Shape4D } from './context/windowGeometry.js';

/** Returns the shape of the image `name` in the graph, or undefined if it is not stored in blocks or if the batch size is variable. */
function findBlockedShape(context: LoweringContext, name: string): Shape4D | undefined {
  const { shape } = context.call.inputs[name]!;
  const batchSize = context.countExamples(name);
  const [, height, width, channels] = shape as Shape4D;
  return batchSize !== undefined && chooseImageLayout(context, channels) === 'blocked'
    ? [batchSize, height, width, channels]
    : undefined;
}

/**
 * Adds nodes that convert `value`, with one element per image and channel, or one per image, to the shape `[batch, channels of an image in
 * blocks]`. The elements of additional channels are zero.
 */
function addImageVectors(context: LoweringContext, name: string, [batchSize, , , channels]: Shape4D): string {
  const { call, addNode, addIntegers, getInput, channelBlock } = context;
  const count = call.inputs[name]!.shape[3]!;
  const rows = addNode('Reshape', [getInput(name), addIntegers([batchSize, count])]);
  const paddedChannels = padChannels(channels, channelBlock!);
  if (count !== channels) return addNode('Expand', [rows, addIntegers([batchSize, paddedChannels])]);
  const padding = paddedChannels - channels;
  return padding === 0 ? rows : addNode('Pad', [rows, addIntegers([0, 0, 0, padding])]);
}

/**
 * Lowers `x * factor + shift` with one factor and one addend per image and channel. In blocks, it is a depthwise convolution in which every
 * image of the batch has channels of its own.
 */
const lowerImageAffine: OpLowering = (context) => {
  const { call, addNode, addIntegers, addFloats, getImage, getInput, getOptionalInput, markLayout } = context;
  const shape = findBlockedShape(context, 'x');
  if (!shape) {
    const shift = getOptionalInput('shift');
    const product = call.inputs.factor ? addNode('Mul', [getInput('x'), getInput('factor')]) : getInput('x');
    return shift === undefined ? product : addNode('Add', [product, shift]);
  }
  const [batchSize, height, width, channels] = shape;
  const paddedChannels = padChannels(channels, context.channelBlock!);
  const group = batchSize * paddedChannels;
  const flatten = (name: string, size: readonly number[]) =>
    addNode('Reshape', [addImageVectors(context, name, shape), addIntegers(size)]);
  const filter = call.inputs.factor
    ? flatten('factor', [group, 1, 1, 1])
    : addFloats(Array<number>(group).fill(1), [group, 1, 1, 1]);
  const inputs = [addMergedImages(context, getImage('x', 'blocked'), shape), filter];
  if (call.inputs.shift) inputs.push(flatten('shift', [group]));
  const result = addNode(`${BLOCKED_DOMAIN}:Conv`, inputs, { group, kernel_shape: [1, 1] });
  const images = addIntegers([batchSize, paddedChannels, height, width]);
  return markLayout(addNode('Reshape', [result, images]), 'blocked');
};

const lowerBroadcastImage: OpLowering = (context) => {
  const { call, addNode, addIntegers, getInput, markLayout, channelBlock, countExamples } = context;
  const [, height, width, channels] = call.outputs[0]!.shape as Shape4D;
  const batchSize = countExamples('x')!;
  if (chooseImageLayout(context, channels) !== 'blocked') {
    return addNode('Expand', [getInput('x'), addIntegers([batchSize, height, width, channels])]);
  }
  const block = channelBlock!;
  const vectors = addImageVectors(context, 'x', [batchSize, height, width, channels]);
  const blocks = addNode('Reshape', [vectors, addIntegers([INFER_SIZE, 1, 1, block])]);
  const size = batchSize * (padChannels(channels, block) / block);
  const images = addNode('Expand', [blocks, addIntegers([size, height, width, block])]);
  const shape = addIntegers([batchSize, padChannels(channels, block), height, width]);
  return markLayout(addNode('Reshape', [images, shape]), 'blocked');
};

const lowerImageDot: OpLowering = (context) => {
  const { addNode, addIntegers, getImage, getInput, addOutputShape } = context;
  const shape = findBlockedShape(context, 'a');
  if (!shape) {
    const product = addNode('Mul', [getInput('a'), getInput('b')]);
    const sums = addNode('ReduceSum', [product, addIntegers([1, 2])], { keepdims: 0 });
    return addNode('Reshape', [sums, addOutputShape()]);
  }
  const sums = addImageDot(context, getImage('a', 'blocked'), getImage('b', 'blocked'), shape);
  return addImageSums(context, sums, shape);
};

/** Adds nodes that convert sums per image and channel of an image in blocks to the shape of the kernel output. */
export function addImageSums(
  { addNode, addIntegers, addOutputShape, channelBlock }: LoweringContext,
  sums: string,
  [, , , channels]: Shape4D,
): string {
  const paddedChannels = padChannels(channels, channelBlock!);
  const rows = addNode('Reshape', [sums, addIntegers([INFER_SIZE, paddedChannels])]);
  const unpadded =
    paddedChannels === channels
      ? rows
      : addNode('Slice', [rows, addIntegers([0]), addIntegers([channels]), addIntegers([1])]);
  return addNode('Reshape', [unpadded, addOutputShape()]);
}

/** Lowerings of the kernels that `fuseCalls` creates for products of images with numbers per image and channel, as in squeeze-and-excitation. */
export const imageProductOps: OpTable = {
  [IMAGE_AFFINE]: lowerImageAffine,
  [BROADCAST_IMAGE]: lowerBroadcastImage,
  [IMAGE_DOT]: lowerImageDot,
};
