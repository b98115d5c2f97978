import { createError } from '../../../../core/errors/errors.js';
import { tf } from '../../../../tensor/tf.js';
import { type Pair, toPair } from '../../../../tensor/toPair.js';
import { describeCall } from '../../../../tensor/trace/describeCall.js';
import type { LoweringContext } from './loweringContext.js';

/** Shape of a batch of images or of a convolution filter. */
export type Shape4D = [number, number, number, number];

/** Computes the strides, dilations, output size and padding of a convolution, in pixels, from the attributes of the kernel call. */
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

/** Computes the window size, strides, output size and padding of a pooling operation, in pixels, from the attributes of the kernel call. */
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

/** Throws an `engine` error unless the images of a kernel call are channels-last. */
export function checkChannelsLast({ getAttribute, call }: LoweringContext): void {
  const dataFormat = getAttribute<string | undefined>('dataFormat') ?? 'NHWC';
  if (dataFormat === 'NHWC') return;
  throw createError({
    kind: 'engine',
    path: describeCall(call),
    expected: 'channels-last images (dataFormat "NHWC")',
    received: `images with dataFormat "${dataFormat}"`,
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

/**
 * Returns the padding of an ONNX node as `[top, left, bottom, right]`, in pixels. The `SAME_UPPER` mode of ONNX is not used, because it can
 * pad a different side than TensorFlow.js does.
 */
const getPads = ({ padInfo: { top, left, bottom, right } }: PaddedWindow): Shape4D => [
  top,
  left,
  bottom,
  right,
];
