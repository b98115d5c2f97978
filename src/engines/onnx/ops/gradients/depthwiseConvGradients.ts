import { tf } from '../../../../tensor/tf.js';
import type { LoweringContext } from '../../lower/traceLowering.js';
import { getPads, NCHW_TO_NHWC, NHWC_TO_NCHW, toPair } from '../conv.js';
import type { OpLowering } from '../opRegistry.js';
import { SLICE_TO_START } from '../slices.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

const getConvGeometry = ({ getAttribute }: LoweringContext, input: Shape4D, filter: Shape4D) =>
  tf.backend_util.computeConv2DInfo(
    input,
    filter,
    toPair(getAttribute<Pair>('strides')),
    toPair(getAttribute<Pair | undefined>('dilations')),
    getAttribute<'same'>('pad'),
    getAttribute<'floor' | undefined>('dimRoundingMode'),
    true,
  );

/**
 * Gradient of a depthwise convolution in its input: a convolution of `dy` with the filter turned round, which ONNX
 * Runtime runs several times as fast as the transposed convolution that other strides need.
 */
export const lowerDepthwiseConvInputGradient: OpLowering = (mapping) => {
  const { call, getAttribute, addNode, transposeInput, addIntegers } = mapping;
  const filter = call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filter;
  const input = getAttribute<Shape4D>('inputShape');
  const info = getConvGeometry(mapping, input, filter);
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const [top, left, bottom, right] = getPads(info) as Shape4D;
  const [tall, wide] = [info.effectiveFilterHeight, info.effectiveFilterWidth];
  const dy = transposeInput('dy', NHWC_TO_NCHW);
  const weights = transposeInput('filter', [2, 3, 0, 1]);
  const dilations = [dilationHeight, dilationWidth];
  const around = [tall - 1 - top, wide - 1 - left, tall - 1 - bottom, wide - 1 - right];
  if (strideHeight === 1 && strideWidth === 1 && around.every((pad) => pad >= 0)) {
    const each = (value: number) => addIntegers([value, value]);
    const turned = addNode('Slice', [weights, each(-1), each(SLICE_TO_START), addIntegers([2, 3]), each(-1)]);
    const dx = addNode('Conv', [dy, turned], { group: channels, dilations, pads: around });
    return addNode('Transpose', [dx], { perm: NCHW_TO_NHWC });
  }
  const flat = addNode('Reshape', [weights, addIntegers([channels * multiplier, 1, height, width])]);
  const dx = addNode('ConvTranspose', [dy, flat], {
    group: channels,
    strides: [strideHeight, strideWidth],
    dilations,
    pads: [top, left, bottom, right],
    // Rows that no window reached, because the stride passed over them.
    output_padding: [
      (input[1] + top + bottom - tall) % strideHeight,
      (input[2] + left + right - wide) % strideWidth,
    ],
  });
  return addNode('Transpose', [dx], { perm: NCHW_TO_NHWC });
};

/** Gradient of a depthwise convolution in its filter: for each tap, the pixels under it times `dy`, added up. */
export const lowerDepthwiseConvFilterGradient: OpLowering = (mapping) => {
  const { call, getAttribute, addNode, getInput, addIntegers, addFloats } = mapping;
  const shape = call.inputs.x!.shape as Shape4D;
  const filter = getAttribute<Shape4D>('filterShape');
  const [height, width, channels, multiplier] = filter;
  const info = getConvGeometry(mapping, shape, filter);
  const { strideHeight, strideWidth, outHeight, outWidth, dilationHeight, dilationWidth } = info;
  const [top, left, bottom, right] = getPads(info) as Shape4D;
  const pads = [0, top, left, 0, 0, bottom, right, 0];
  const x = pads.some((pad) => pad > 0)
    ? addNode('Pad', [getInput('x'), addIntegers(pads), addFloats([0])])
    : getInput('x');
  const dy =
    multiplier === 1
      ? getInput('dy')
      : addNode('Reshape', [getInput('dy'), addIntegers([0, outHeight, outWidth, channels, multiplier])]);
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const [row, column] = [i * dilationHeight, j * dilationWidth];
      const under = addNode('Slice', [
        x,
        addIntegers([row, column]),
        addIntegers([row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1]),
        addIntegers([1, 2]),
        addIntegers([strideHeight, strideWidth]),
      ]);
      const pixels = multiplier === 1 ? under : addNode('Unsqueeze', [under, addIntegers([4])]);
      taps.push(
        addNode('ReduceSum', [addNode('Mul', [pixels, dy]), addIntegers([0, 1, 2])], { keepdims: 0 }),
      );
    }
  }
  return addNode('Reshape', [addNode('Concat', taps, { axis: 0 }), addIntegers(filter)]);
};
