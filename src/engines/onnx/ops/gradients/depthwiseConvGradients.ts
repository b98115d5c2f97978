import { NCHW_TO_NHWC, NHWC_TO_NCHW } from '../context/layout.js';
import type { OpLowering } from '../context/loweringContext.js';
import { KEEP_SIZE, SLICE_TO_START } from '../context/shapeConstants.js';
import { computeConvGeometry, type Shape4D } from '../context/windowGeometry.js';

/**
 * Lowers the gradient of a depthwise convolution with respect to its input. For a stride of 1, the gradient is a convolution of `dy` with
 * the filter rotated by 180 degrees, which is several times as fast in ONNX Runtime as the transposed convolution that larger strides
 * require.
 */
export const lowerDepthwiseConvInputGradient: OpLowering = (context) => {
  const { call, getAttribute, addNode, transposeInput, addIntegers } = context;
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
