import { createChannelOps } from '../context/channelOps.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';

/** Lowers `{ y, dy } -> [dy where y > 0, its sum over all axes but the last]`. */
export const lowerBiasReluGradient: OpLowering = (context) => {
  const channelOps = createChannelOps(context, 'dy');
  const masked = addReluGradient(context, channelOps.getValues('y'), channelOps.getValues('dy'));
  return [channelOps.markResult(masked), channelOps.addSum(masked)];
};

/** Slope that makes `HardSigmoid` a step function: every number maps to 0 or 1, except denormal numbers. */
export const STEP_SLOPE = 3e38;

/**
 * Computes the gradient of relu: `dy` where the output `y` of relu is not 0. `HardSigmoid` computes the mask in
 * one operation instead of a comparison and a cast. `Where` would be slower than either.
 */
export const addReluGradient = ({ addNode }: LoweringContext, y: string, dy: string) =>
  addNode('Mul', [dy, addNode('HardSigmoid', [y], { alpha: { float: STEP_SLOPE }, beta: { float: 0 } })]);
