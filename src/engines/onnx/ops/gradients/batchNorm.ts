import { countElements } from '../../../../core/arrays.js';
import { DataType } from '../../../../formats/onnxModel.js';
import { createChannelOps } from '../context/channelOps.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';

/**
 * Lowers batch normalization in training. Inputs: `{ x, gamma, beta }`. Outputs: `[y, mean, variance]`, where mean and variance are those
 * of the batch.
 */
export const lowerBatchNormTraining: OpLowering = (context) => {
  const { addNode, getInput, addFloats, getAttribute } = context;
  const { getValues, addAffine, addSum, addDot, markResult } = createChannelOps(context, 'x');
  const count = addCountPerChannel(context, getValues('x'));
  const mean = addNode('Div', [addSum(getValues('x')), count]);
  const centered = addCentered(context, mean);
  const variance = addNode('Div', [addDot(centered, centered), count]);
  const deviation = addNode('Sqrt', [
    addNode('Add', [variance, addFloats([getAttribute<number>('epsilon')])]),
  ]);
  return [
    markResult(addAffine(centered, addNode('Div', [getInput('gamma'), deviation]), getInput('beta'))),
    mean,
    variance,
  ];
};

/**
 * Lowers the gradient of batch normalization in training. Inputs: `{ x, dy, gamma, mean, variance }`. Outputs: `[dx, dgamma, dbeta]`. `dx`
 * is computed as `a * dy + b * centered + k`, where `a`, `b` and `k` have one element per channel.
 */
export const lowerBatchNormGradient: OpLowering = (context) => {
  const { addNode, getInput, addFloats, getAttribute } = context;
  const { getValues, addAffine, addSum, addDot, markResult } = createChannelOps(context, 'x');
  const count = addCountPerChannel(context, getValues('x'));
  const deviation = addNode('Sqrt', [
    addNode('Add', [getInput('variance'), addFloats([getAttribute<number>('epsilon')])]),
  ]);
  const centered = addCentered(context, getInput('mean'));
  const dbeta = addSum(getValues('dy'));
  const dgamma = addNode('Div', [addDot(getValues('dy'), centered), deviation]);
  const a = addNode('Div', [getInput('gamma'), deviation]);
  const b = addNode('Neg', [
    addNode('Div', [addNode('Mul', [a, dgamma]), addNode('Mul', [deviation, count])]),
  ]);
  const k = addNode('Neg', [addNode('Div', [addNode('Mul', [a, dbeta]), count])]);
  return [markResult(addAffine(getValues('dy'), a, k, addAffine(centered, b))), dgamma, dbeta];
};

/** Adds nodes that compute the number of elements of `x` per channel. */
function addCountPerChannel(
  { call, addNode, addFloats, addIntegers, countExamples }: LoweringContext,
  x: string,
): string {
  const pixels = countElements(call.inputs.x!.shape.slice(1, -1));
  const examples = countExamples('x');
  if (examples !== undefined) return addFloats([examples * pixels]);
  const batchSize = addNode('Gather', [addNode('Shape', [x]), addNode('Squeeze', [addIntegers([0])])]);
  return addNode('Mul', [addNode('Cast', [batchSize], { to: DataType.FLOAT }), addFloats([pixels])]);
}

/** Adds nodes that subtract the channel means from `x`. The forward pass and the gradient add equal nodes, which ONNX Runtime merges. */
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
