import { tf } from '../../../../tensor/tf.js';
import type { LoweringContext } from '../../lower/traceLowering.js';
import { createChannelOps } from '../context/channelOps.js';
import { getPads, NCHW_TO_NHWC, NHWC_TO_NCHW, toPair } from '../conv.js';
import type { OpLowering } from '../opRegistry.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

/** The lowest float32. */
const MIN_FLOAT32 = -3.4028234663852886e38;

/** Gradient of max-pooling whose windows do not overlap: each window's gradient goes to its first largest value. */
export const lowerDisjointMaxPoolGradient: OpLowering = ({
  call,
  getAttribute,
  addNode,
  addMultiOutputNode,
  transposeInput,
  addIntegers,
  addFloats,
}) => {
  const size = toPair(getAttribute<Pair>('filterSize'));
  const strides = toPair(getAttribute<Pair>('strides'));
  const info = tf.backend_util.computePool2DInfo(
    call.inputs.input!.shape as Shape4D,
    size,
    strides,
    1,
    getAttribute<'same'>('pad'),
  );
  // MaxUnpool knows no padding: what is put around is never the largest, and taken off again.
  const [, height, width] = call.inputs.input!.shape as Shape4D;
  const [top, left, bottom, right] = getPads(info) as Shape4D;
  const padded = top + left + bottom + right > 0;
  const images = transposeInput('input', NHWC_TO_NCHW);
  const pads = () => addIntegers([0, 0, top, left, 0, 0, bottom, right]);
  const x = padded ? addNode('Pad', [images, pads(), addFloats([MIN_FLOAT32])]) : images;
  const window = { kernel_shape: size, strides };
  const [, places] = addMultiOutputNode('MaxPool', [x], window, 2);
  const dx = addNode(
    'MaxUnpool',
    [transposeInput('dy', NHWC_TO_NCHW), places!, addNode('Shape', [x])],
    window,
  );
  const corner = [addIntegers([top, left]), addIntegers([top + height, left + width]), addIntegers([2, 3])];
  return addNode('Transpose', [padded ? addNode('Slice', [dx, ...corner]) : dx], { perm: NCHW_TO_NHWC });
};

/** `{ y, dy } -> [dy where y > 0, its sum over all axes but the last]`. */
export const lowerBiasReluGradient: OpLowering = (mapping) => {
  const channels = createChannelOps(mapping, 'dy');
  const masked = addReluGradient(mapping, channels.getValues('y'), channels.getValues('dy'));
  return [channels.markResult(masked), channels.addSum(masked)];
};

/** As the slope of a `HardSigmoid`: brings every number but the denormal ones to 0 or 1. */
export const STEP_SLOPE = 3e38;

/**
 * `dy` where `y`, which is never negative, is not 0. `HardSigmoid` is the step in one operation where a comparison and a cast
 * are two, and `Where` takes longer than all of them.
 */
export const addReluGradient = ({ addNode }: LoweringContext, y: string, dy: string) =>
  addNode('Mul', [dy, addNode('HardSigmoid', [y], { alpha: { float: STEP_SLOPE }, beta: { float: 0 } })]);

/** `{ x, gamma, beta }, { epsilon } -> [y, mean, variance]`. */
export const lowerBatchNormTraining: OpLowering = (mapping) => {
  const { addNode, getInput, addFloats, getAttribute } = mapping;
  const { getValues, addAffine, addSum, markResult } = createChannelOps(mapping, 'x');
  const count = addCountPerChannel(mapping, getValues('x'));
  const mean = addNode('Div', [addSum(getValues('x')), count]);
  const centred = addCentered(mapping, mean);
  const variance = addNode('Div', [addSum(addNode('Mul', [centred, centred])), count]);
  const deviation = addNode('Sqrt', [
    addNode('Add', [variance, addFloats([getAttribute<number>('epsilon')])]),
  ]);
  return [
    markResult(addAffine(centred, addNode('Div', [getInput('gamma'), deviation]), getInput('beta'))),
    mean,
    variance,
  ];
};

/** `{ x, dy, gamma, mean, variance }, { epsilon } -> [dx, dgamma, dbeta]`, as `a·dy + b·centred + k` with one factor a channel. */
export const lowerBatchNormGradient: OpLowering = (mapping) => {
  const { addNode, getInput, addFloats, getAttribute } = mapping;
  const { getValues, addAffine, addSum, markResult } = createChannelOps(mapping, 'x');
  const count = addCountPerChannel(mapping, getValues('x'));
  const deviation = addNode('Sqrt', [
    addNode('Add', [getInput('variance'), addFloats([getAttribute<number>('epsilon')])]),
  ]);
  const centred = addCentered(mapping, getInput('mean'));
  const dbeta = addSum(getValues('dy'));
  const dgamma = addNode('Div', [addSum(addNode('Mul', [getValues('dy'), centred])), deviation]);
  const a = addNode('Div', [getInput('gamma'), deviation]);
  const b = addNode('Neg', [
    addNode('Div', [addNode('Mul', [a, dgamma]), addNode('Mul', [deviation, count])]),
  ]);
  const k = addNode('Neg', [addNode('Div', [addNode('Mul', [a, dbeta]), count])]);
  return [markResult(addAffine(getValues('dy'), a, k, addAffine(centred, b))), dgamma, dbeta];
};

/** How many numbers each channel of `x` has. */
const addCountPerChannel = ({ call, addNode, addFloats }: LoweringContext, x: string) =>
  addNode('Div', [
    addNode('Cast', [addNode('Size', [x])], { to: 1 }),
    addFloats([call.inputs.x!.shape.at(-1)!]),
  ]);

/** `x` less the mean of its channel; the same nodes forwards and back, which are then run once. */
function addCentered(mapping: LoweringContext, mean: string): string {
  const { call, addNode, addFloats } = mapping;
  const { getValues, addAffine } = createChannelOps(mapping, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  return addAffine(
    getValues('x'),
    addFloats(Array<number>(channels).fill(1), [channels]),
    addNode('Neg', [mean]),
  );
}
