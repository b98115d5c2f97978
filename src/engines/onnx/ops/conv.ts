import { createError } from '../../../core/errors/errors.js';
import { tf } from '../../../tensor/tf.js';
import type { LoweringContext } from '../lower/traceLowering.js';
import { addActivation } from './context/activation.js';
import { chooseImageLayout } from './context/channelOps.js';
import { BLOCKED_DOMAIN, NCHW_TO_NHWC, NHWC_TO_NCHW } from './context/layout.js';
import type { OpLowering } from './opRegistry.js';

export { NCHW_TO_NHWC, NHWC_TO_NCHW };

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

interface WindowInfo {
  readonly padInfo: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

/** `[top, left, bottom, right]`: ONNX's own `same` puts the odd pixel elsewhere. */
export const getPads = ({ padInfo: { top, left, bottom, right } }: WindowInfo) => [top, left, bottom, right];
/** Layers of tf.layers give null for none. */
export const toPair = (value: Pair | null | undefined): [number, number] => {
  const both = value ?? 1;
  return typeof both === 'number' ? [both, both] : [both[0], both[1]];
};

/** Filter `[height, width, in, out]`, fused with bias and activation or not. */
export const lowerConv: OpLowering = (mapping) => {
  const filter = mapping.call.inputs.filter!.shape as Shape4D;
  const activation = mapping.getAttribute<string | undefined>('activation') ?? 'linear';
  const [, , channels, filters] = filter;
  const { channelBlock } = mapping;
  // Few channels are read as they are; what is between a few and a block has no kernel.
  const fits =
    channelBlock !== undefined &&
    filters % channelBlock === 0 &&
    (channels < channelBlock || channels % channelBlock === 0);
  if (fits && (activation === 'linear' || activation === 'relu')) {
    return addBlockedConv(mapping, channelBlock, filter, activation);
  }
  return addConv(mapping, mapping.transposeInput('filter', [3, 2, 0, 1]), filter, 1, false);
};

/** Filter `[height, width, in, multiplier]`; ONNX wants `[in · multiplier, 1, height, width]`. */
export const lowerDepthwiseConv: OpLowering = (mapping) => {
  const filter = mapping.call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filter;
  const turned = mapping.transposeInput('filter', [2, 3, 0, 1]);
  const flat = mapping.addNode('Reshape', [
    turned,
    mapping.addIntegers([channels * multiplier, 1, height, width]),
  ]);
  return addConv(mapping, flat, filter, channels, true);
};

/**
 * A filter `[height, width, in, out]` in blocks, `[out / block, in / block, height, width, block of in, block of out]`; fewer
 * channels than a block come before the height. Filters are small, and change with every step.
 */
export function addBlockedFilter(
  { addNode, addIntegers }: LoweringContext,
  value: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const inner = Math.min(block, channels);
  const split = [height, width, channels / inner, inner, filters / block, block];
  const order = inner < block ? [4, 2, 3, 0, 1, 5] : [4, 2, 0, 1, 3, 5];
  const blocks = addNode('Transpose', [addNode('Reshape', [value, addIntegers(split)])], { perm: order });
  return addNode('Reshape', [blocks, addIntegers([filters, channels, height, width])]);
}

/** The attributes of a convolution's windows, its padding in numbers. */
function getConvAttributes(mapping: LoweringContext, filterShape: Shape4D, isDepthwise: boolean) {
  const { call, getAttribute } = mapping;
  checkChannelsLast(mapping);
  const strides = toPair(getAttribute<Pair>('strides'));
  const dilations = toPair(getAttribute<Pair | undefined>('dilations'));
  const info = tf.backend_util.computeConv2DInfo(
    call.inputs.x!.shape as Shape4D,
    filterShape,
    strides,
    dilations,
    getAttribute<'same'>('pad'),
    getAttribute<'floor' | undefined>('dimRoundingMode'),
    isDepthwise,
  );
  return { strides, dilations, pads: getPads(info), kernel_shape: filterShape.slice(0, 2) };
}

function addBlockedConv(
  mapping: LoweringContext,
  block: number,
  filterShape: Shape4D,
  activation: 'linear' | 'relu',
): string {
  const { addNode, getImage, markLayout, getOptionalInput } = mapping;
  const windows = getConvAttributes(mapping, filterShape, false);
  const filter = addBlockedFilter(mapping, mapping.getInput('filter'), filterShape, block);
  const x = getImage('x', filterShape[2] < block ? 'first' : 'blocked');
  const bias = getOptionalInput('bias');
  const y = addNode(`${BLOCKED_DOMAIN}:Conv`, [x, filter, ...(bias === undefined ? [] : [bias])], {
    ...windows,
    ...(activation === 'relu' ? { activation: 'Relu' } : {}),
  });
  return markLayout(y, 'blocked');
}

function addConv(
  mapping: LoweringContext,
  filter: string,
  filterShape: Shape4D,
  group: number,
  isDepthwise: boolean,
): string {
  const { addNode, transposeInput, getOptionalInput, getAttribute } = mapping;
  const bias = getOptionalInput('bias');
  const attributes = { ...getConvAttributes(mapping, filterShape, isDepthwise), group };
  const inputs = [transposeInput('x', NHWC_TO_NCHW), filter, ...(bias === undefined ? [] : [bias])];
  const y = mapping.markLayout(addNode('Conv', inputs, attributes), 'first');
  // Its slopes lie along the last axis; every other activation takes each number alike.
  if (getAttribute<string | undefined>('activation') === 'prelu') {
    return addActivation(mapping, addNode('Transpose', [y], { perm: NCHW_TO_NHWC }));
  }
  return mapping.markLayout(addActivation(mapping, y), 'first');
}

/** Pooling; an average counts the pixels that exist, as TensorFlow.js's does. */
export const createPoolLowering =
  (operation: 'MaxPool' | 'AveragePool'): OpLowering =>
  (mapping) => {
    const { call, getAttribute, addNode, transposeInput } = mapping;
    const size = toPair(getAttribute<Pair>('filterSize'));
    const strides = toPair(getAttribute<Pair>('strides'));
    const info = tf.backend_util.computePool2DInfo(
      call.inputs.x!.shape as Shape4D,
      size,
      strides,
      1,
      getAttribute<'same'>('pad'),
      getAttribute<'floor' | undefined>('dimRoundingMode'),
    );
    const window = { kernel_shape: size, strides, pads: getPads(info) };
    if (operation === 'MaxPool' && chooseImageLayout(mapping, call.inputs.x!.shape[3]!) === 'blocked') {
      return mapping.markLayout(
        addNode(`${BLOCKED_DOMAIN}:MaxPool`, [mapping.getImage('x', 'blocked')], window),
        'blocked',
      );
    }
    const attributes = {
      ...window,
      ...(operation === 'AveragePool' ? { count_include_pad: 0 } : {}),
    };
    return addNode('Transpose', [addNode(operation, [transposeInput('x', NHWC_TO_NCHW)], attributes)], {
      perm: NCHW_TO_NHWC,
    });
  };

function checkChannelsLast({ getAttribute, call }: LoweringContext): void {
  if ((getAttribute<string | undefined>('dataFormat') ?? 'NHWC') === 'NHWC') return;
  throw createError({
    kind: 'engine',
    path: `operation ${call.kernel}`,
    expected: 'channels last',
    received: getAttribute<string>('dataFormat'),
    advice: 'Leave dataFormat out.',
  });
}
