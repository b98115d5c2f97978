import { addBatchSum } from '../context/batchSum.js';
import { addDepthwiseBlockedFilter } from '../context/blockedFilter.js';
import { addPixelGaps } from '../context/blockedPixels.js';
import { chooseImageLayout } from '../context/channelOps.js';
import { addImagesAsFilter, addMergedImages } from '../context/imageChannels.js';
import { BLOCKED_DOMAIN, NCHW_TO_NHWC, NHWC_TO_NCHW, padChannels } from '../context/layout.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';
import { KEEP_SIZE, SLICE_TO_START } from '../context/shapeConstants.js';
import { computeConvGeometry, type Shape4D } from '../context/windowGeometry.js';

/**
 * Lowers the gradient of a depthwise convolution with respect to its input. For a stride of 1, the gradient is a convolution of `dy` with
 * the filter rotated by 180 degrees, which is several times as fast in ONNX Runtime as the transposed convolution that larger strides
 * require.
 */
export const lowerDepthwiseConvInputGradient: OpLowering = (context) => {
  const { call, getAttribute, addNode, transposeInput, addIntegers } = context;
  const blockedGradient = addBlockedInputGradient(context);
  if (blockedGradient !== undefined) return blockedGradient;
  const filterShape = call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filterShape;
  const inputShape = getAttribute<Shape4D>('inputShape');
  const geometry = computeConvGeometry(context, inputShape, filterShape, true);
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = geometry;
  const { effectiveFilterHeight, effectiveFilterWidth, pads } = geometry;
  const [top, left, bottom, right] = pads;
  const dy = transposeInput('dy', NHWC_TO_NCHW);
  const filter = transposeInput('filter', [2, 3, 0, 1]);
  const dilations = [dilationHeight, dilationWidth];
  const gradientPads = [
    effectiveFilterHeight - 1 - top,
    effectiveFilterWidth - 1 - left,
    effectiveFilterHeight - 1 - bottom,
    effectiveFilterWidth - 1 - right,
  ];
  if (strideHeight === 1 && strideWidth === 1 && gradientPads.every((pad) => pad >= 0)) {
    const forBothAxes = (value: number) => addIntegers([value, value]);
    const rotated = addNode('Slice', [
      filter,
      forBothAxes(-1),
      forBothAxes(SLICE_TO_START),
      addIntegers([2, 3]),
      forBothAxes(-1),
    ]);
    const dx = addNode('Conv', [dy, rotated], { group: channels, dilations, pads: gradientPads });
    return addNode('Transpose', [dx], { perm: NCHW_TO_NHWC });
  }
  const flatFilter = addNode('Reshape', [filter, addIntegers([channels * multiplier, 1, height, width])]);
  const dx = addNode('ConvTranspose', [dy, flatFilter], {
    group: channels,
    strides: [strideHeight, strideWidth],
    dilations,
    pads: [top, left, bottom, right],
    // Number of rows and columns at the end of the image that are in no window, because the stride skipped them.
    output_padding: [
      (inputShape[1] + top + bottom - effectiveFilterHeight) % strideHeight,
      (inputShape[2] + left + right - effectiveFilterWidth) % strideWidth,
    ],
  });
  return addNode('Transpose', [dx], { perm: NCHW_TO_NHWC });
};

/**
 * Lowers the gradient of a depthwise convolution with respect to its filter. For each spatial element of the filter, the gradient is the
 * sum of `dy` times the pixels that the forward pass multiplies by the element.
 */
export const lowerDepthwiseConvFilterGradient: OpLowering = (context) => {
  const { call, getAttribute, addNode, getInput, addIntegers, addFloats } = context;
  const inputShape = call.inputs.x!.shape as Shape4D;
  const filterShape = getAttribute<Shape4D>('filterShape');
  const [height, width, channels, multiplier] = filterShape;
  const batchSize = context.countExamples('x');
  if (batchSize !== undefined && multiplier === 1 && chooseImageLayout(context, channels) === 'blocked') {
    return addBlockedFilterGradient(context, batchSize);
  }
  const geometry = computeConvGeometry(context, inputShape, filterShape, true);
  const { strideHeight, strideWidth, outHeight, outWidth, dilationHeight, dilationWidth } = geometry;
  const [top, left, bottom, right] = geometry.pads;
  const pads = [0, top, left, 0, 0, bottom, right, 0];
  const x = pads.some((pad) => pad > 0)
    ? addNode('Pad', [getInput('x'), addIntegers(pads), addFloats([0])])
    : getInput('x');
  const dy =
    multiplier === 1
      ? getInput('dy')
      : addNode('Reshape', [
          getInput('dy'),
          addIntegers([KEEP_SIZE, outHeight, outWidth, channels, multiplier]),
        ]);
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const [row, column] = [i * dilationHeight, j * dilationWidth];
      const pixels = addNode('Slice', [
        x,
        addIntegers([row, column]),
        addIntegers([row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1]),
        addIntegers([1, 2]),
        addIntegers([strideHeight, strideWidth]),
      ]);
      const factor = multiplier === 1 ? pixels : addNode('Unsqueeze', [pixels, addIntegers([4])]);
      taps.push(
        addNode('ReduceSum', [addNode('Mul', [factor, dy]), addIntegers([0, 1, 2])], { keepdims: 0 }),
      );
    }
  }
  return addNode('Reshape', [addNode('Concat', taps, { axis: 0 }), addIntegers(filterShape)]);
};

/**
 * Adds the gradient with respect to the input in blocked layout: a convolution of `dy` with the rotated filter. For a stride larger than 1,
 * zeros are inserted between the pixels of `dy`. Returns undefined if the image does not fit blocks, or if the convolution would need negative
 * padding.
 */
function addBlockedInputGradient(context: LoweringContext): string | undefined {
  const { call, getAttribute, addNode, getImage, markLayout, channelBlock } = context;
  const filterShape = call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filterShape;
  const inputShape = getAttribute<Shape4D>('inputShape');
  const geometry = computeConvGeometry(context, inputShape, filterShape, true);
  const { strideHeight, strideWidth, outHeight, outWidth, dilationHeight, dilationWidth } = geometry;
  const top = geometry.effectiveFilterHeight - 1 - geometry.pads[0];
  const left = geometry.effectiveFilterWidth - 1 - geometry.pads[1];
  const bottom = inputShape[1] - outHeight * strideHeight - top + geometry.effectiveFilterHeight - 1;
  const right = inputShape[2] - outWidth * strideWidth - left + geometry.effectiveFilterWidth - 1;
  const pads = [top, left, bottom, right];
  const isBlocked = multiplier === 1 && chooseImageLayout(context, channels) === 'blocked';
  if (!isBlocked || pads.some((pad) => pad < 0)) return undefined;
  const dy = addPixelGaps(context, getImage('dy', 'blocked'), [outHeight, outWidth], channels, [
    strideHeight,
    strideWidth,
  ]);
  const filter = addDepthwiseBlockedFilter(
    context,
    context.getInput('filter'),
    filterShape,
    channelBlock!,
    true,
  );
  const dx = addNode(`${BLOCKED_DOMAIN}:Conv`, [dy, filter], {
    group: padChannels(channels, channelBlock!),
    kernel_shape: [height, width],
    dilations: [dilationHeight, dilationWidth],
    pads,
  });
  return markLayout(dx, 'blocked');
}

/**
 * Adds the gradient with respect to the filter in blocked layout. It is a depthwise convolution of the image in which `dy` is the filter, and
 * every image of the batch has channels of its own. The strides of the forward pass are the dilations of this convolution, and the dilations
 * are its strides.
 */
function addBlockedFilterGradient(context: LoweringContext, batchSize: number): string {
  const { call, getAttribute, addNode, addIntegers, getImage } = context;
  const block = context.channelBlock!;
  const [, inHeight, inWidth, channels] = call.inputs.x!.shape as Shape4D;
  const filterShape = getAttribute<Shape4D>('filterShape');
  const [height, width] = filterShape;
  const geometry = computeConvGeometry(context, call.inputs.x!.shape as Shape4D, filterShape, true);
  const { strideHeight, strideWidth, outHeight, outWidth, dilationHeight, dilationWidth } = geometry;
  const [top, left, bottom, right] = geometry.pads;
  // The image can have rows and columns at its end that are in no window, because the stride skipped them.
  const resultHeight =
    Math.floor((inHeight + top + bottom - (outHeight - 1) * strideHeight - 1) / dilationHeight) + 1;
  const resultWidth =
    Math.floor((inWidth + left + right - (outWidth - 1) * strideWidth - 1) / dilationWidth) + 1;
  const paddedChannels = padChannels(channels, block);
  const gradients = addNode(
    `${BLOCKED_DOMAIN}:Conv`,
    [
      addMergedImages(context, getImage('x', 'blocked'), [batchSize, inHeight, inWidth, channels]),
      addImagesAsFilter(context, getImage('dy', 'blocked'), [batchSize, outHeight, outWidth, channels]),
    ],
    {
      group: batchSize * paddedChannels,
      kernel_shape: [outHeight, outWidth],
      dilations: [strideHeight, strideWidth],
      strides: [dilationHeight, dilationWidth],
      pads: geometry.pads,
    },
  );
  const blockCount = paddedChannels / block;
  const sum = addNode('Reshape', [
    addBatchSum(context, gradients, batchSize),
    addIntegers([blockCount, resultHeight, resultWidth, block]),
  ]);
  const taps =
    resultHeight === height && resultWidth === width
      ? sum
      : addNode('Slice', [sum, addIntegers([0, 0]), addIntegers([height, width]), addIntegers([1, 2])]);
  const ordered = addNode('Reshape', [
    addNode('Transpose', [taps], { perm: [1, 2, 0, 3] }),
    addIntegers([height, width, paddedChannels, 1]),
  ]);
  if (paddedChannels === channels) return ordered;
  return addNode('Slice', [ordered, addIntegers([0]), addIntegers([channels]), addIntegers([2])]);
}
