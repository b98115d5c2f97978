import { tf } from '../../tensor/tf.js';
import { FROM_ONNX, padsOf, pair, TO_ONNX } from './images.js';
import type { Operation } from './operations.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

/** In the shape of a Reshape: the size that this axis has already. */
const SAME = 0;
/** The lowest float32. */
const LEAST = -3.4028234663852886e38;

/** Gradient of a convolution in its input: a transposed convolution. */
export const convolutionInput: Operation = ({ call, attribute, node, transposed }) => {
  const filter = call.inputs.filter!.shape as Shape4D;
  const input = attribute<Shape4D>('inputShape');
  const info = tf.backend_util.computeConv2DInfo(
    input,
    filter,
    pair(attribute<Pair>('strides')),
    1,
    attribute<'same'>('pad'),
  );
  const { top, bottom, left, right } = info.padInfo;
  const dx = node('ConvTranspose', [transposed('dy', TO_ONNX), transposed('filter', [3, 2, 0, 1])], {
    strides: [info.strideHeight, info.strideWidth],
    pads: padsOf(info),
    // Rows that no window reached, because the stride passed over them.
    output_padding: [
      (input[1] + top + bottom - filter[0]) % info.strideHeight,
      (input[2] + left + right - filter[1]) % info.strideWidth,
    ],
  });
  return node('Transpose', [dx], { perm: FROM_ONNX });
};

/**
 * Gradient of a convolution in its filter, a matrix product for each tap: `[batch, in, places] x [batch, places, out]`,
 * summed over the batch.
 */
export const convolutionFilter: Operation = ({
  call,
  attribute,
  node,
  input,
  transposed,
  integers,
  floats,
}) => {
  const [height, width, channels, filters] = attribute<Shape4D>('filterShape');
  const depth = call.inputs.x!.shape[3]!;
  const info = tf.backend_util.computeConv2DInfo(
    call.inputs.x!.shape as Shape4D,
    [height, width, channels, filters],
    pair(attribute<Pair>('strides')),
    1,
    attribute<'same'>('pad'),
  );
  const { strideHeight, strideWidth, outHeight, outWidth } = info;
  const [top, left, bottom, right] = padsOf(info) as Shape4D;
  const images = transposed('x', TO_ONNX);
  const pads = [0, 0, top, left, 0, 0, bottom, right];
  const x = pads.some((pad) => pad > 0) ? node('Pad', [images, integers(pads), floats([0])]) : images;
  const places = outHeight * outWidth;
  const dy = node('Reshape', [input('dy'), integers([SAME, places, filters])]);
  const whole = integers([SAME, depth, places]);
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const under = node('Slice', [
        x,
        integers([i, j]),
        integers([i + (outHeight - 1) * strideHeight + 1, j + (outWidth - 1) * strideWidth + 1]),
        integers([2, 3]),
        integers([strideHeight, strideWidth]),
      ]);
      const product = node('MatMul', [node('Reshape', [under, whole]), dy]);
      taps.push(node('ReduceSum', [product, integers([0])], { keepdims: 0 }));
    }
  }
  const all = node('Concat', taps, { axis: 0 });
  return node('Reshape', [all, integers([height, width, channels, filters])]);
};

/** Gradient of max-pooling whose windows do not overlap: each window's gradient goes to its first largest value. */
export const maxPoolGradient: Operation = ({
  call,
  attribute,
  node,
  nodes,
  transposed,
  integers,
  floats,
}) => {
  const size = pair(attribute<Pair>('filterSize'));
  const strides = pair(attribute<Pair>('strides'));
  const info = tf.backend_util.computePool2DInfo(
    call.inputs.input!.shape as Shape4D,
    size,
    strides,
    1,
    attribute<'same'>('pad'),
  );
  // MaxUnpool knows no padding: what is put around is never the largest, and taken off again.
  const [, height, width] = call.inputs.input!.shape as Shape4D;
  const [top, left, bottom, right] = padsOf(info) as Shape4D;
  const padded = top + left + bottom + right > 0;
  const images = transposed('input', TO_ONNX);
  const pads = () => integers([0, 0, top, left, 0, 0, bottom, right]);
  const x = padded ? node('Pad', [images, pads(), floats([LEAST])]) : images;
  const window = { kernel_shape: size, strides };
  const [, places] = nodes('MaxPool', [x], window, 2);
  const dx = node('MaxUnpool', [transposed('dy', TO_ONNX), places!, node('Shape', [x])], window);
  const corner = [integers([top, left]), integers([top + height, left + width]), integers([2, 3])];
  return node('Transpose', [padded ? node('Slice', [dx, ...corner]) : dx], { perm: FROM_ONNX });
};

/** `{ y, dy } -> [dy where y > 0, its sum over all axes but the last]`. */
export const biasReluGradient: Operation = ({ call, node, input, integers, floats }) => {
  const open = node('Greater', [input('y'), floats([0])]);
  const masked = node('Where', [open, input('dy'), floats([0])]);
  const axes = call.inputs.dy!.shape.slice(0, -1).map((_, axis) => axis);
  return [masked, node('ReduceSum', [masked, integers(axes)], { keepdims: 0 })];
};

/** `{ x, gamma, beta }, { epsilon } -> [y, mean, variance]`. */
export const batchNormTraining: Operation = ({ call, node, input, integers, floats, attribute }) => {
  const axes = integers(call.inputs.x!.shape.slice(0, -1).map((_, axis) => axis));
  const mean = node('ReduceMean', [input('x'), axes], { keepdims: 0 });
  const centred = node('Sub', [input('x'), mean]);
  const variance = node('ReduceMean', [node('Mul', [centred, centred]), axes], { keepdims: 0 });
  const deviation = node('Sqrt', [node('Add', [variance, floats([attribute<number>('epsilon')])])]);
  const scaled = node('Mul', [centred, node('Div', [input('gamma'), deviation])]);
  return [node('Add', [scaled, input('beta')]), mean, variance];
};

/** `{ x, dy, gamma, mean, variance }, { epsilon } -> [dx, dgamma, dbeta]`, as `a·dy + b·x + k` with one factor a channel. */
export const batchNormGradient: Operation = ({ call, node, input, integers, floats, attribute }) => {
  const { shape } = call.inputs.x!;
  const axes = integers(shape.slice(0, -1).map((_, axis) => axis));
  const size = node('Cast', [node('Size', [input('x')])], { to: 1 });
  const count = node('Div', [size, floats([shape.at(-1)!])]);
  const sum = (value: string) => node('ReduceSum', [value, axes], { keepdims: 0 });
  const deviation = node('Sqrt', [node('Add', [input('variance'), floats([attribute<number>('epsilon')])])]);
  const dbeta = sum(input('dy'));
  const products = sum(node('Mul', [input('dy'), node('Sub', [input('x'), input('mean')])]));
  const dgamma = node('Div', [products, deviation]);
  const a = node('Div', [input('gamma'), deviation]);
  const b = node('Neg', [node('Div', [node('Mul', [a, dgamma]), node('Mul', [deviation, count])])]);
  const k = node('Neg', [
    node('Add', [node('Div', [node('Mul', [a, dbeta]), count]), node('Mul', [b, input('mean')])]),
  ]);
  const linear = node('Add', [node('Mul', [input('dy'), a]), node('Mul', [input('x'), b])]);
  return [node('Add', [linear, k]), dgamma, dbeta];
};
