import { countElements } from '../../../../core/arrays.js';
import { DataType } from '../../../../formats/onnxModel.js';
import { createChannelOps } from '../context/channelOps.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';

/**
 * Lowers batch normalization in training. Inputs: `{ x, gamma, beta }`. Outputs: `[y, mean, variance]`, where mean and variance are those
 * of the batch.
 */
export const lowerBatchNormTraining: OpLowering = (context) => {
  const { addNode, getInput } = context;
  const { getValues, addAffine, addSum, addDot, markResult } = createChannelOps(context, 'x');
  const inverseCount = addInverseCount(context, getValues('x'));
  const mean = addNode('Mul', [addSum(getValues('x')), inverseCount]);
  const centered = addCentered(context, mean);
  const variance = addNode('Mul', [addDot(centered, centered), inverseCount]);
  const scale = addNode('Div', [getInput('gamma'), addNode('Sqrt', [addShiftedVariance(context, variance)])]);
  return [markResult(addAffine(centered, scale, getInput('beta'))), mean, variance];
};

/**
 * Lowers the gradient of batch normalization in training. Inputs: `{ x, dy, gamma, mean, variance }`. Outputs: `[dx, dgamma, dbeta]`. `dx`
 * is computed as `a * dy + b * centered + k`, where `a`, `b` and `k` have one element per channel. The forward pass and the gradient add
 * equal nodes, for example for `a`, which are merged.
 */
export const lowerBatchNormGradient: OpLowering = (context) => {
  const { addNode, getInput } = context;
  const { getValues, addAffine, addSum, addDot, markResult } = createChannelOps(context, 'x');
  const negativeInverseCount = addInverseCount(context, getValues('x'), -1);
  const shiftedVariance = addShiftedVariance(context, getInput('variance'));
  const deviation = addNode('Sqrt', [shiftedVariance]);
  const centered = addCentered(context, getInput('mean'));
  const dbeta = addSum(getValues('dy'));
  const dot = addDot(getValues('dy'), centered);
  const dgamma = addNode('Div', [dot, deviation]);
  const a = addNode('Div', [getInput('gamma'), deviation]);
  // The mean of dy * centered is divided by the square of the deviation.
  const slope = addNode('Div', [addNode('Mul', [dot, negativeInverseCount]), shiftedVariance]);
  const b = addNode('Mul', [a, slope]);
  const k = addNode('Mul', [a, addNode('Mul', [dbeta, negativeInverseCount])]);
  return [markResult(addAffine(getValues('dy'), a, k, addAffine(centered, b))), dgamma, dbeta];
};

/** Adds a node that adds epsilon to the variance. */
const addShiftedVariance = ({ addNode, addFloats, getAttribute }: LoweringContext, variance: string) =>
  addNode('Add', [variance, addFloats([getAttribute<number>('epsilon')])]);

/** Adds nodes that compute `sign` divided by the number of elements of `x` per channel. */
function addInverseCount(
  { call, addNode, addFloats, addIntegers, countExamples }: LoweringContext,
  x: string,
  sign: 1 | -1 = 1,
): string {
  const pixels = countElements(call.inputs.x!.shape.slice(1, -1));
  const examples = countExamples('x');
  if (examples !== undefined) return addFloats([sign / (examples * pixels)]);
  const batchSize = addNode('Gather', [addNode('Shape', [x]), addNode('Squeeze', [addIntegers([0])])]);
  const size = addNode('Cast', [batchSize], { to: DataType.FLOAT });
  return addNode('Div', [addFloats([sign / pixels]), size]);
}

/** Adds nodes that subtract the channel means from `x`. The forward pass and the gradient add equal nodes, which are merged. */
function addCentered(context: LoweringContext, mean: string): string {
  const { call, addNode, addFloats } = context;
  const { getValues, addAffine } = createChannelOps(context, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  return addAffine(
    getValues('x'),
    addFloats(Array<number>(channels).fill(1), [channels]),
    addNode('Neg', [mean]),
  );
}
