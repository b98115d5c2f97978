import { createError } from '../../../../core/errors/errors.js';
import { tf } from '../../../../tensor/tf.js';
import { type Pair, toPair } from '../../../../tensor/toPair.js';
import { describeCall } from '../../../../tensor/trace/describeCall.js';
import type { LoweringContext } from './loweringContext.js';

/** Shape of an image batch or of a convolution filter. */
export type Shape4D = [number, number, number, number];

/** Computes strides, dilations, output sizes and explicit `pads` of a convolution from the attributes of its kernel. */
export function computeConvGeometry(
  { getAttribute }: LoweringContext,
  inputShape: Shape4D,
  filterShape: Shape4D,
  isDepthwise: boolean,
) {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    toPair(getAttribute<Pair>('strides')),
    toPair(getAttribute<Pair | undefined>('dilations')),
    getAttribute<'same'>('pad'),
    getAttribute<'floor' | undefined>('dimRoundingMode'),
    isDepthwise,
  );
  return { ...info, pads: getPads(info) };
}

/** Computes window size, strides, output sizes and explicit `pads` of a pooling from the attributes of its kernel. */
export function computePoolGeometry({ getAttribute }: LoweringContext, inputShape: Shape4D) {
  const info = tf.backend_util.computePool2DInfo(
    inputShape,
    toPair(getAttribute<Pair>('filterSize')),
    toPair(getAttribute<Pair>('strides')),
    1,
    getAttribute<'same'>('pad'),
    getAttribute<'floor' | undefined>('dimRoundingMode'),
  );
  return { ...info, pads: getPads(info) };
}

/** Throws an `engine` error unless the kernel's images are channels-last. */
export function checkChannelsLast({ getAttribute, call }: LoweringContext): void {
  const dataFormat = getAttribute<string | undefined>('dataFormat') ?? 'NHWC';
  if (dataFormat === 'NHWC') return;
  throw createError({
    kind: 'engine',
    path: describeCall(call),
    expected: 'channels-last images (dataFormat "NHWC")',
    received: `dataFormat "${dataFormat}"`,
    advice: 'Remove the dataFormat option from the layer or operation.',
  });
}

interface PaddedWindow {
  readonly padInfo: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

/** Returns `[top, left, bottom, right]`. Explicit pads are needed because ONNX's `SAME_UPPER` can pad the opposite side. */
const getPads = ({ padInfo: { top, left, bottom, right } }: PaddedWindow): Shape4D => [
  top,
  left,
  bottom,
  right,
];
