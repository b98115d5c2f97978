import { tf } from '../../tensor/tf.js';
import type { Mapping } from './graph.js';
import { FROM_ONNX, padsOf, pair, TO_ONNX } from './images.js';
import type { Operation } from './operations.js';
import { BEFORE_FIRST } from './slices.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

const geometryOf = ({ attribute }: Mapping, input: Shape4D, filter: Shape4D) =>
  tf.backend_util.computeConv2DInfo(
    input,
    filter,
    pair(attribute<Pair>('strides')),
    pair(attribute<Pair | undefined>('dilations')),
    attribute<'same'>('pad'),
    attribute<'floor' | undefined>('dimRoundingMode'),
    true,
  );

/**
 * Gradient of a depthwise convolution in its input: a convolution of `dy` with the filter turned round, which ONNX
 * Runtime runs several times as fast as the transposed convolution that other strides need.
 */
export const depthwiseInput: Operation = (mapping) => {
  const { call, attribute, node, transposed, integers } = mapping;
  const filter = call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filter;
  const input = attribute<Shape4D>('inputShape');
  const info = geometryOf(mapping, input, filter);
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const [top, left, bottom, right] = padsOf(info) as Shape4D;
  const [tall, wide] = [info.effectiveFilterHeight, info.effectiveFilterWidth];
  const dy = transposed('dy', TO_ONNX);
  const weights = transposed('filter', [2, 3, 0, 1]);
  const dilations = [dilationHeight, dilationWidth];
  const around = [tall - 1 - top, wide - 1 - left, tall - 1 - bottom, wide - 1 - right];
  if (strideHeight === 1 && strideWidth === 1 && around.every((pad) => pad >= 0)) {
    const each = (value: number) => integers([value, value]);
    const turned = node('Slice', [weights, each(-1), each(BEFORE_FIRST), integers([2, 3]), each(-1)]);
    const dx = node('Conv', [dy, turned], { group: channels, dilations, pads: around });
    return node('Transpose', [dx], { perm: FROM_ONNX });
  }
  const flat = node('Reshape', [weights, integers([channels * multiplier, 1, height, width])]);
  const dx = node('ConvTranspose', [dy, flat], {
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
  return node('Transpose', [dx], { perm: FROM_ONNX });
};

/** Gradient of a depthwise convolution in its filter: for each tap, the pixels under it times `dy`, added up. */
export const depthwiseFilter: Operation = (mapping) => {
  const { call, attribute, node, input, integers, floats } = mapping;
  const shape = call.inputs.x!.shape as Shape4D;
  const filter = attribute<Shape4D>('filterShape');
  const [height, width, channels, multiplier] = filter;
  const info = geometryOf(mapping, shape, filter);
  const { strideHeight, strideWidth, outHeight, outWidth, dilationHeight, dilationWidth } = info;
  const [top, left, bottom, right] = padsOf(info) as Shape4D;
  const pads = [0, top, left, 0, 0, bottom, right, 0];
  const x = pads.some((pad) => pad > 0) ? node('Pad', [input('x'), integers(pads), floats([0])]) : input('x');
  const dy =
    multiplier === 1
      ? input('dy')
      : node('Reshape', [input('dy'), integers([0, outHeight, outWidth, channels, multiplier])]);
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const [row, column] = [i * dilationHeight, j * dilationWidth];
      const under = node('Slice', [
        x,
        integers([row, column]),
        integers([row + (outHeight - 1) * strideHeight + 1, column + (outWidth - 1) * strideWidth + 1]),
        integers([1, 2]),
        integers([strideHeight, strideWidth]),
      ]);
      const pixels = multiplier === 1 ? under : node('Unsqueeze', [under, integers([4])]);
      taps.push(node('ReduceSum', [node('Mul', [pixels, dy]), integers([0, 1, 2])], { keepdims: 0 }));
    }
  }
  return node('Reshape', [node('Concat', taps, { axis: 0 }), integers(filter)]);
};
