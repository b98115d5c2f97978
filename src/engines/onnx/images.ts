import { fault } from '../../core/errors.js';
import { tf } from '../../tensor/tf.js';
import { activated } from './activation.js';
import { layoutOf } from './channels.js';
import type { Mapping } from './graph.js';
import { BLOCKED, FROM_ONNX, TO_ONNX } from './layout.js';
import type { Operation } from './operations.js';

export { FROM_ONNX, TO_ONNX };

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

interface Window {
  readonly padInfo: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

/** `[top, left, bottom, right]`: ONNX's own `same` puts the odd pixel elsewhere. */
export const padsOf = ({ padInfo: { top, left, bottom, right } }: Window) => [top, left, bottom, right];
/** Layers of tf.layers give null for none. */
export const pair = (value: Pair | null | undefined): [number, number] => {
  const both = value ?? 1;
  return typeof both === 'number' ? [both, both] : [both[0], both[1]];
};

/** Filter `[height, width, in, out]`, fused with bias and activation or not. */
export const convolution: Operation = (mapping) => {
  const filter = mapping.call.inputs.filter!.shape as Shape4D;
  const activation = mapping.attribute<string | undefined>('activation') ?? 'linear';
  const [, , channels, filters] = filter;
  const { block } = mapping;
  // Few channels are read as they are; what is between a few and a block has no kernel.
  const fits = block !== undefined && filters % block === 0 && (channels < block || channels % block === 0);
  if (fits && (activation === 'linear' || activation === 'relu')) {
    return convolveBlocked(mapping, block, filter, activation);
  }
  return convolve(mapping, mapping.transposed('filter', [3, 2, 0, 1]), filter, 1, false);
};

/** Filter `[height, width, in, multiplier]`; ONNX wants `[in · multiplier, 1, height, width]`. */
export const depthwise: Operation = (mapping) => {
  const filter = mapping.call.inputs.filter!.shape as Shape4D;
  const [height, width, channels, multiplier] = filter;
  const turned = mapping.transposed('filter', [2, 3, 0, 1]);
  const flat = mapping.node('Reshape', [turned, mapping.integers([channels * multiplier, 1, height, width])]);
  return convolve(mapping, flat, filter, channels, true);
};

/**
 * A filter `[height, width, in, out]` in blocks, `[out / block, in / block, height, width, block of in, block of out]`; fewer
 * channels than a block come before the height. Filters are small, and change with every step.
 */
export function blockedFilter(
  { node, integers }: Mapping,
  value: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const inner = Math.min(block, channels);
  const split = [height, width, channels / inner, inner, filters / block, block];
  const order = inner < block ? [4, 2, 3, 0, 1, 5] : [4, 2, 0, 1, 3, 5];
  const blocks = node('Transpose', [node('Reshape', [value, integers(split)])], { perm: order });
  return node('Reshape', [blocks, integers([filters, channels, height, width])]);
}

/** The attributes of a convolution's windows, its padding in numbers. */
function windowsOf(mapping: Mapping, filterShape: Shape4D, isDepthwise: boolean) {
  const { call, attribute } = mapping;
  checkChannelsLast(mapping);
  const strides = pair(attribute<Pair>('strides'));
  const dilations = pair(attribute<Pair | undefined>('dilations'));
  const info = tf.backend_util.computeConv2DInfo(
    call.inputs.x!.shape as Shape4D,
    filterShape,
    strides,
    dilations,
    attribute<'same'>('pad'),
    attribute<'floor' | undefined>('dimRoundingMode'),
    isDepthwise,
  );
  return { strides, dilations, pads: padsOf(info), kernel_shape: filterShape.slice(0, 2) };
}

function convolveBlocked(
  mapping: Mapping,
  block: number,
  filterShape: Shape4D,
  activation: 'linear' | 'relu',
): string {
  const { node, image, laid, optional } = mapping;
  const windows = windowsOf(mapping, filterShape, false);
  const filter = blockedFilter(mapping, mapping.input('filter'), filterShape, block);
  const x = image('x', filterShape[2] < block ? 'first' : 'blocked');
  const bias = optional('bias');
  const y = node(`${BLOCKED}:Conv`, [x, filter, ...(bias === undefined ? [] : [bias])], {
    ...windows,
    ...(activation === 'relu' ? { activation: 'Relu' } : {}),
  });
  return laid(y, 'blocked');
}

function convolve(
  mapping: Mapping,
  filter: string,
  filterShape: Shape4D,
  group: number,
  isDepthwise: boolean,
): string {
  const { node, transposed, optional, attribute } = mapping;
  const bias = optional('bias');
  const attributes = { ...windowsOf(mapping, filterShape, isDepthwise), group };
  const inputs = [transposed('x', TO_ONNX), filter, ...(bias === undefined ? [] : [bias])];
  const y = mapping.laid(node('Conv', inputs, attributes), 'first');
  // Its slopes lie along the last axis; every other activation takes each number alike.
  if (attribute<string | undefined>('activation') === 'prelu') {
    return activated(mapping, node('Transpose', [y], { perm: FROM_ONNX }));
  }
  return mapping.laid(activated(mapping, y), 'first');
}

/** Pooling; an average counts the pixels that exist, as TensorFlow.js's does. */
export const pool =
  (operation: 'MaxPool' | 'AveragePool'): Operation =>
  (mapping) => {
    const { call, attribute, node, transposed } = mapping;
    const size = pair(attribute<Pair>('filterSize'));
    const strides = pair(attribute<Pair>('strides'));
    const info = tf.backend_util.computePool2DInfo(
      call.inputs.x!.shape as Shape4D,
      size,
      strides,
      1,
      attribute<'same'>('pad'),
      attribute<'floor' | undefined>('dimRoundingMode'),
    );
    const window = { kernel_shape: size, strides, pads: padsOf(info) };
    if (operation === 'MaxPool' && layoutOf(mapping, call.inputs.x!.shape[3]!) === 'blocked') {
      return mapping.laid(node(`${BLOCKED}:MaxPool`, [mapping.image('x', 'blocked')], window), 'blocked');
    }
    const attributes = {
      ...window,
      ...(operation === 'AveragePool' ? { count_include_pad: 0 } : {}),
    };
    return node('Transpose', [node(operation, [transposed('x', TO_ONNX)], attributes)], { perm: FROM_ONNX });
  };

function checkChannelsLast({ attribute, call }: Mapping): void {
  if ((attribute<string | undefined>('dataFormat') ?? 'NHWC') === 'NHWC') return;
  throw fault({
    kind: 'engine',
    path: `operation ${call.kernel}`,
    expected: 'channels last',
    received: attribute<string>('dataFormat'),
    advice: 'Leave dataFormat out.',
  });
}
