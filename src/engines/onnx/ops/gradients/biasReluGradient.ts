import { createChannelOps } from '../context/channelOps.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';

/**
 * Lowers the gradient of a bias followed by ReLU. Inputs: the output `y` of ReLU and its gradient `dy`. Outputs: `dy` where `y` is positive
 * and 0 elsewhere, and the sum of this output per channel, which is the gradient of the bias.
 */
export const lowerBiasReluGradient: OpLowering = (context) => {
  const channelOps = createChannelOps(context, 'dy');
  const masked = addReluGradient(context, channelOps.getValues('y'), channelOps.getValues('dy'));
  return [channelOps.markResult(masked), channelOps.addSum(masked)];
};

/** Slope with which `HardSigmoid` is a step function: it returns 0 or 1 for all numbers except denormal ones. */
export const STEP_SLOPE = 3e38;

/**
 * Adds nodes for the gradient of ReLU: `dy` where the output `y` of ReLU is positive, and 0 elsewhere. `HardSigmoid` computes the mask of
 * zeros and ones in one operation, which is faster than `Where` or a comparison followed by a cast.
 */
export const addReluGradient = ({ addNode }: LoweringContext, y: string, dy: string) =>
  addNode('Mul', [dy, addNode('HardSigmoid', [y], { alpha: { float: STEP_SLOPE }, beta: { float: 0 } })]);
