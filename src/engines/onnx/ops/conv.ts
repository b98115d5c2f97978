import { addActivation } from './context/activation.js';
import { addBlockedFilter, addDepthwiseBlockedFilter, addPaddedFilter } from './context/blockedFilter.js';
import { addPaddedVector, chooseImageLayout } from './context/channelOps.js';
import { BLOCKED_DOMAIN, NCHW_TO_NHWC, NHWC_TO_NCHW, padChannels } from './context/layout.js';
import type { LoweringContext, OpLowering } from './context/loweringContext.js';
import { getSampledImage, isBlockedPointwise } from './context/sampledPixels.js';
import { INFER_SIZE } from './context/shapeConstants.js';
import { isSinglePixel } from './context/singlePixel.js';
import { checkChannelsLast, computeConvGeometry, type Shape4D } from './context/windowGeometry.js';

/** Lowers a convolution with a filter `[height, width, in, out]`, including a fused bias and activation. */
export const lowerConv: OpLowering = (context) => {
  const filterShape = context.call.inputs.filter!.shape as Shape4D;
  const activation = context.getAttribute<string | undefined>('activation') ?? 'linear';
  const [, , channels, filters] = filterShape;
  const { channelBlock } = context;
  if (isSinglePixel(context, 'x', filterShape) && activation !== 'prelu') {
    return addActivation(context, addPixelProduct(context, filterShape));
  }
  // The blocked convolution of ONNX Runtime requires whole blocks of channels. Only the input may have fewer channels than one block, and
  // is then channels-first.
  const isBlocked =
    channelBlock !== undefined &&
    chooseImageLayout(context, filters) === 'blocked' &&
    (channels < channelBlock || chooseImageLayout(context, channels) === 'blocked');
  if (isBlocked && (activation === 'linear' || activation === 'relu')) {
    return addBlockedConv(context, channelBlock, filterShape, activation);
  }
  return addConv(context, context.transposeInput('filter', [3, 2, 0, 1]), filterShape, 1, false);
};

/**
 * Lowers a depthwise convolution. ONNX treats it as a grouped convolution, so the filter `[height, width, in, multiplier]` becomes `[in *
 * multiplier, 1, height, width]`.
 */
export const lowerDepthwiseConv: OpLowering = (context) => {
  const filterShape = context.call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filterShape;
  const activation = context.getAttribute<string | undefined>('activation') ?? 'linear';
  if (
    multiplier === 1 &&
    chooseImageLayout(context, channels) === 'blocked' &&
    (activation === 'linear' || activation === 'relu')
  ) {
    return addBlockedDepthwiseConv(context, filterShape, activation);
  }
  const transposed = context.transposeInput('filter', [2, 3, 0, 1]);
  const filter = context.addNode('Reshape', [
    transposed,
    context.addIntegers([channels * multiplier, 1, height, width]),
  ]);
  return addConv(context, filter, filterShape, channels, true);
};

/** Computes the geometry of a convolution whose images are channels-last in TensorFlow.js. */
function getGeometry(context: LoweringContext, filterShape: Shape4D, isDepthwise: boolean) {
  checkChannelsLast(context);
  return computeConvGeometry(context, context.call.inputs.x!.shape as Shape4D, filterShape, isDepthwise);
}

/** Returns strides, dilations, padding and kernel size of a convolution as attributes of an ONNX node. */
const toConvAttributes = (
  geometry: ReturnType<typeof computeConvGeometry>,
  [height, width]: readonly number[],
) => ({
  strides: [geometry.strideHeight, geometry.strideWidth],
  dilations: [geometry.dilationHeight, geometry.dilationWidth],
  pads: geometry.pads,
  kernel_shape: [height!, width!],
});

function addBlockedConv(
  context: LoweringContext,
  block: number,
  filterShape: Shape4D,
  activation: 'linear' | 'relu',
): string {
  const { addNode, getImage, markLayout } = context;
  const geometry = getGeometry(context, filterShape, false);
  const isInputBlocked = chooseImageLayout(context, filterShape[2]) === 'blocked';
  const filter = addPaddedFilter(context, context.getInput('filter'), filterShape, block);
  const blockedFilter = addBlockedFilter(context, filter.value, filter.shape, block);
  const isSampled = isBlockedPointwise(context, filterShape, geometry);
  const x = isSampled
    ? getSampledImage(context, geometry, 'blocked')
    : getImage('x', isInputBlocked ? 'blocked' : 'channelsFirst');
  const inputs = [x, blockedFilter, ...getPaddedBias(context, filterShape[3])];
  const y = addNode(`${BLOCKED_DOMAIN}:Conv`, inputs, {
    ...toConvAttributes(geometry, filterShape),
    ...(isSampled ? { strides: [1, 1] } : {}),
    ...(activation === 'relu' ? { activation: 'Relu' } : {}),
  });
  return markLayout(y, 'blocked');
}

function addBlockedDepthwiseConv(
  context: LoweringContext,
  filterShape: Shape4D,
  activation: 'linear' | 'relu',
): string {
  const { addNode, getImage, markLayout, channelBlock } = context;
  const filter = addDepthwiseBlockedFilter(context, context.getInput('filter'), filterShape, channelBlock!);
  const inputs = [getImage('x', 'blocked'), filter, ...getPaddedBias(context, filterShape[2])];
  const y = addNode(`${BLOCKED_DOMAIN}:Conv`, inputs, {
    ...toConvAttributes(getGeometry(context, filterShape, true), filterShape),
    group: padChannels(filterShape[2], channelBlock!),
    ...(activation === 'relu' ? { activation: 'Relu' } : {}),
  });
  return markLayout(y, 'blocked');
}

/** Adds a convolution with a 1x1 filter of images of a single pixel: a matrix product of the pixels of the batch and the filter. */
function addPixelProduct(context: LoweringContext, [, , channels, filters]: Shape4D): string {
  const { addNode, addIntegers, getInput, getOptionalInput, addOutputShape } = context;
  checkChannelsLast(context);
  const product = addNode('MatMul', [
    addNode('Reshape', [getInput('x'), addIntegers([INFER_SIZE, channels])]),
    addNode('Reshape', [getInput('filter'), addIntegers([channels, filters])]),
  ]);
  const bias = getOptionalInput('bias');
  const y = bias === undefined ? product : addNode('Add', [product, bias]);
  return addNode('Reshape', [y, addOutputShape()]);
}

/** Returns the bias of a convolution in blocked layout, with zeros for the additional channels, or an empty array if there is no bias. */
function getPaddedBias(context: LoweringContext, channels: number): readonly string[] {
  const bias = context.getOptionalInput('bias');
  return bias === undefined ? [] : [addPaddedVector(context, bias, channels)];
}

function addConv(
  context: LoweringContext,
  filter: string,
  filterShape: Shape4D,
  group: number,
  isDepthwise: boolean,
): string {
  const { addNode, transposeInput, getOptionalInput, getAttribute } = context;
  const bias = getOptionalInput('bias');
  const geometry = getGeometry(context, filterShape, isDepthwise);
  const attributes = { ...toConvAttributes(geometry, filterShape), group };
  const inputs = [transposeInput('x', NHWC_TO_NCHW), filter, ...(bias === undefined ? [] : [bias])];
  const y = context.markLayout(addNode('Conv', inputs, attributes), 'channelsFirst');
  // PReLU has a slope per channel on the last axis, so it needs channels-last images. All other activations run in any layout.
  if (getAttribute<string | undefined>('activation') === 'prelu') {
    return addActivation(context, addNode('Transpose', [y], { perm: NCHW_TO_NHWC }));
  }
  return context.markLayout(addActivation(context, y), 'channelsFirst');
}
