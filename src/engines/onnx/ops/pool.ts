import { chooseImageLayout } from './context/channelOps.js';
import { BLOCKED_DOMAIN, NCHW_TO_NHWC, NHWC_TO_NCHW } from './context/layout.js';
import type { OpLowering } from './context/loweringContext.js';
import { computePoolGeometry, type Shape4D } from './context/windowGeometry.js';

/** Creates the lowering of a pooling kernel. As in TensorFlow.js, padding does not count in an average. */
export const createPoolLowering =
  (opType: 'MaxPool' | 'AveragePool'): OpLowering =>
  (context) => {
    const { call, addNode, transposeInput } = context;
    const shape = call.inputs.x!.shape as Shape4D;
    const { filterHeight, filterWidth, strideHeight, strideWidth, pads } = computePoolGeometry(
      context,
      shape,
    );
    const window = {
      kernel_shape: [filterHeight, filterWidth],
      strides: [strideHeight, strideWidth],
      pads,
    };
    if (opType === 'MaxPool' && chooseImageLayout(context, shape[3]) === 'blocked') {
      return context.markLayout(
        addNode(`${BLOCKED_DOMAIN}:MaxPool`, [context.getImage('x', 'blocked')], window),
        'blocked',
      );
    }
    const attributes = {
      ...window,
      ...(opType === 'AveragePool' ? { count_include_pad: 0 } : {}),
    };
    return addNode('Transpose', [addNode(opType, [transposeInput('x', NHWC_TO_NCHW)], attributes)], {
      perm: NCHW_TO_NHWC,
    });
  };
