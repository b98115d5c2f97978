import { tf } from '../../tensor/tf.js';
import { channelsOf } from './channels.js';
import type { Mapping } from './graph.js';
import { FROM_ONNX, padsOf, pair, TO_ONNX } from './images.js';
import type { Operation } from './operations.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

/** The lowest float32. */
const LEAST = -3.4028234663852886e38;

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
export const biasReluGradient: Operation = (mapping) => {
  const channels = channelsOf(mapping, 'dy');
  const masked = open(mapping, channels.of('y'), channels.of('dy'));
  return [channels.done(masked), channels.sum(masked)];
};

/** As the slope of a `HardSigmoid`: brings every number but the denormal ones to 0 or 1. */
export const STEEP = 3e38;

/**
 * `dy` where `y`, which is never negative, is not 0. `HardSigmoid` is the step in one operation where a comparison and a cast
 * are two, and `Where` takes longer than all of them.
 */
export const open = ({ node }: Mapping, y: string, dy: string) =>
  node('Mul', [dy, node('HardSigmoid', [y], { alpha: { float: STEEP }, beta: { float: 0 } })]);

/** `{ x, gamma, beta }, { epsilon } -> [y, mean, variance]`. */
export const batchNormTraining: Operation = (mapping) => {
  const { node, input, floats, attribute } = mapping;
  const { of, affine, sum, done } = channelsOf(mapping, 'x');
  const count = countOf(mapping, of('x'));
  const mean = node('Div', [sum(of('x')), count]);
  const centred = centre(mapping, mean);
  const variance = node('Div', [sum(node('Mul', [centred, centred])), count]);
  const deviation = node('Sqrt', [node('Add', [variance, floats([attribute<number>('epsilon')])])]);
  return [done(affine(centred, node('Div', [input('gamma'), deviation]), input('beta'))), mean, variance];
};

/** `{ x, dy, gamma, mean, variance }, { epsilon } -> [dx, dgamma, dbeta]`, as `a·dy + b·centred + k` with one factor a channel. */
export const batchNormGradient: Operation = (mapping) => {
  const { node, input, floats, attribute } = mapping;
  const { of, affine, sum, done } = channelsOf(mapping, 'x');
  const count = countOf(mapping, of('x'));
  const deviation = node('Sqrt', [node('Add', [input('variance'), floats([attribute<number>('epsilon')])])]);
  const centred = centre(mapping, input('mean'));
  const dbeta = sum(of('dy'));
  const dgamma = node('Div', [sum(node('Mul', [of('dy'), centred])), deviation]);
  const a = node('Div', [input('gamma'), deviation]);
  const b = node('Neg', [node('Div', [node('Mul', [a, dgamma]), node('Mul', [deviation, count])])]);
  const k = node('Neg', [node('Div', [node('Mul', [a, dbeta]), count])]);
  return [done(affine(of('dy'), a, k, affine(centred, b))), dgamma, dbeta];
};

/** How many numbers each channel of `x` has. */
const countOf = ({ call, node, floats }: Mapping, x: string) =>
  node('Div', [node('Cast', [node('Size', [x])], { to: 1 }), floats([call.inputs.x!.shape.at(-1)!])]);

/** `x` less the mean of its channel; the same nodes forwards and back, which are then run once. */
function centre(mapping: Mapping, mean: string): string {
  const { call, node, floats } = mapping;
  const { of, affine } = channelsOf(mapping, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  return affine(of('x'), floats(Array<number>(channels).fill(1), [channels]), node('Neg', [mean]));
}
