import { chooseImageLayout, createChannelOps } from '../context/channelOps.js';
import { convertLayout, type Layout, NHWC_TO_NCHW } from '../context/layout.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';
import { addReluGradient } from './biasReluGradient.js';
import { findBlockedMaxPoolGradient } from './maxPoolGradient.js';
import { lowerGeneralMaxPoolGradient } from './poolGradients.js';

/**
 * Lowers the fused gradient of a bias, ReLU and max pooling, a kernel that `simplifyTrace` creates. Inputs: `{ input, output, dy }` of the
 * pooling. Outputs: the gradient with respect to the input of ReLU, and the sum of that gradient per channel, which is the gradient of the
 * bias. The ReLU mask and the sum are computed from the pooled values, because there are fewer pooled values than pixels.
 */
export const lowerPooledBiasReluGradient: OpLowering = (context) => {
  const channelOps = createChannelOps(context, 'dy');
  const masked = addReluGradient(context, channelOps.getValues('output'), channelOps.getValues('dy'));
  const layout = chooseImageLayout(context, context.call.inputs.dy!.shape[3]!);
  const addPoolGradient = findBlockedMaxPoolGradient(context);
  const dx = addPoolGradient
    ? addPoolGradient(context, masked)
    : (lowerGeneralMaxPoolGradient(replaceInput(context, 'dy', masked, layout)) as string);
  return [dx, channelOps.addSum(masked)];
};

/** Returns a copy of a lowering context in which the image `value`, stored in `layout`, replaces the kernel input `name`. */
function replaceInput(
  context: LoweringContext,
  name: string,
  value: string,
  layout: Layout,
): LoweringContext {
  const channels = context.call.inputs[name]!.shape[3]!;
  const convertTo = (target: Layout) => convertLayout(context, value, layout, target, channels);
  return {
    ...context,
    getInput: (inputName) => (inputName === name ? convertTo('channelsLast') : context.getInput(inputName)),
    getImage: (inputName, target) =>
      inputName === name ? convertTo(target) : context.getImage(inputName, target),
    transposeInput: (inputName, order) => {
      if (inputName !== name) return context.transposeInput(inputName, order);
      if (order.join() === NHWC_TO_NCHW.join()) return convertTo('channelsFirst');
      return context.addNode('Transpose', [convertTo('channelsLast')], { perm: order });
    },
  };
}
