import { addActivation } from './context/activation.js';
import { addBlockedFilter } from './context/blockedFilter.js';
import { BLOCKED_DOMAIN, NCHW_TO_NHWC, NHWC_TO_NCHW } from './context/layout.js';
import type { LoweringContext, OpLowering } from './context/loweringContext.js';
import { getSampledImage, isBlockedPointwise } from './context/sampledPixels.js';
import { checkChannelsLast, computeConvGeometry, type Shape4D } from './context/windowGeometry.js';

/** Lowers a convolution with a filter `[height, width, in, out]`, including a fused bias and activation. */
export const lowerConv: OpLowering = (context) => {
  const filterShape = context.call.inputs.filter!.shape as Shape4D;
  const activation = context.getAttribute<string | undefined>('activation') ?? 'linear';
  const [, , channels, filters] = filterShape;
  const { channelBlock } = context;
  // The blocked convolution of ONNX Runtime requires whole blocks of channels. Only the input may have fewer channels than one block, and
  // is then channels-first.
  const fitsBlocks =
    channelBlock !== undefined &&
    filters % channelBlock === 0 &&
    (channels < channelBlock || channels % channelBlock === 0);
  if (fitsBlocks && (activation === 'linear' || activation === 'relu')) {
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
  const { addNode, getImage, markLayout, getOptionalInput } = context;
  const geometry = getGeometry(context, filterShape, false);
  const filter = addBlockedFilter(context, context.getInput('filter'), filterShape, block);
  const isSampled = isBlockedPointwise(context, filterShape, geometry);
  const x = isSampled
    ? getSampledImage(context, geometry, 'blocked')
    : getImage('x', filterShape[2] < block ? 'channelsFirst' : 'blocked');
  const bias = getOptionalInput('bias');
  const y = addNode(`${BLOCKED_DOMAIN}:Conv`, [x, filter, ...(bias === undefined ? [] : [bias])], {
    ...toConvAttributes(geometry, filterShape),
    ...(isSampled ? { strides: [1, 1] } : {}),
    ...(activation === 'relu' ? { activation: 'Relu' } : {}),
  });
  return markLayout(y, 'blocked');
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
