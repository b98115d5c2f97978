import { createChannelOps } from '../context/channelOps.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';

/**
 * Lowers the gradient of a bias followed by ReLU. Inputs: the output `y` of ReLU and its gradient `dy`. Outputs: `dy` where `y` is
 * positive, else 0, and its sum per channel, which is the gradient of the bias.
 */
export const lowerBiasReluGradient: OpLowering = (context) => {
  const channelOps = createChannelOps(context, 'dy');
  const masked = addReluGradient(context, channelOps.getValues('y'), channelOps.getValues('dy'));
  return [channelOps.markResult(masked), channelOps.addSum(masked)];
};

/** Slope with which `HardSigmoid` is a step function: it returns 0 or 1 for all numbers but denormal ones. */
export const STEP_SLOPE = 3e38;

/**
 * Adds nodes for the gradient of ReLU: `dy` where the output `y` of ReLU is positive, else 0. `HardSigmoid` computes the mask of zeros and
 * ones in one operation, which is faster than a comparison and a cast, or `Where`.
 */
export const addReluGradient = ({ addNode }: LoweringContext, y: string, dy: string) =>
  addNode('Mul', [dy, addNode('HardSigmoid', [y], { alpha: { float: STEP_SLOPE }, beta: { float: 0 } })]);
