import { chooseImageLayout } from '../context/channelOps.js';
import { BLOCKED_DOMAIN, padChannels } from '../context/layout.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';
import { computePoolGeometry, type Shape4D } from '../context/windowGeometry.js';
import { STEP_SLOPE } from './biasReluGradient.js';
import { addOverlappingMaxPoolGradient, hasBlockedOverlappingWindows } from './overlappingMaxPoolGradient.js';
import { lowerGeneralMaxPoolGradient } from './poolGradients.js';

/** Lowers the gradient of max pooling. Uses faster methods for 2x2 and 3x3 windows if the image is in blocked layout. */
export const lowerMaxPoolGradient: OpLowering = (context) => {
  const addGradient = findBlockedMaxPoolGradient(context);
  return addGradient
    ? addGradient(context, context.getImage('dy', 'blocked'))
    : lowerGeneralMaxPoolGradient(context);
};

/** Adds nodes for the gradient of max pooling in blocked layout. `dy` is in blocked layout. */
export type BlockedMaxPoolGradient = (context: LoweringContext, dy: string) => string;

/** Returns the function that adds the gradient of a pooling operation in blocked layout, or undefined if there is none for its windows. */
export function findBlockedMaxPoolGradient(context: LoweringContext): BlockedMaxPoolGradient | undefined {
  if (hasBlockedTwoByTwoWindows(context)) return addTwoByTwoMaxPoolGradient;
  if (hasBlockedOverlappingWindows(context)) return addOverlappingMaxPoolGradient;
  return undefined;
}

/**
 * Returns whether the image of a pooling operation is in blocked layout, and its windows are 2x2, do not overlap and need no padding.
 * {@link addTwoByTwoMaxPoolGradient} can compute the gradient of such an operation.
 */
function hasBlockedTwoByTwoWindows(context: LoweringContext): boolean {
  const { call, getAttribute } = context;
  const shape = call.inputs.input!.shape as Shape4D;
  const [, height, width, channels] = shape;
  const { filterHeight, filterWidth, strideHeight, strideWidth } = computePoolGeometry(context, shape);
  const isInside = getAttribute<unknown>('pad') === 'valid' || (height % 2 === 0 && width % 2 === 0);
  return (
    [filterHeight, filterWidth, strideHeight, strideWidth].every((size) => size === 2) &&
    isInside &&
    chooseImageLayout(context, channels) === 'blocked'
  );
}

/**
 * Adds nodes for the gradient of 2x2 max pooling in blocked layout. The row of a window that contains the larger maximum receives `dy`; if
 * both maxima are equal, the upper row does. Within that row, the larger value receives `dy`; if both values are equal, the left value
 * does. This method selects the first maximum in row-major order, and is three times as fast as `MaxPool` with indices followed by
 * `MaxUnpool`.
 */
function addTwoByTwoMaxPoolGradient(context: LoweringContext, dy: string): string {
  const { call, addNode, addIntegers, getImage, markLayout, channelBlock } = context;
  const [, height, width, imageChannels] = call.inputs.input!.shape as Shape4D;
  const channels = padChannels(imageChannels, channelBlock!);
  const [outHeight, outWidth] = [Math.floor(height / 2), Math.floor(width / 2)];
  const reshape = (value: string, shape: readonly number[]) =>
    addNode('Reshape', [value, addIntegers(shape)]);
  /**
   * Distributes a gradient to pairs of elements: the first element of a pair receives the gradient where `isFirst` is 1, and the second
   * element where `isFirst` is 0.
   */
  const splitPairs = (value: string, isFirst: string) => {
    const first = addNode('Mul', [value, isFirst]);
    return [first, addNode('Sub', [value, first])];
  };
  const padEnd = (value: string, rows: number, columns: number) =>
    rows + columns === 0 ? value : addNode('Pad', [value, addIntegers([0, 0, 0, 0, 0, rows, columns, 0])]);
  const x = getImage('input', 'blocked');
  const rowMaxima = addNode(`${BLOCKED_DOMAIN}:MaxPool`, [x], { kernel_shape: [1, 2], strides: [1, 2] });
  const isUpper = reshape(addNotLessMask(context, rowMaxima, channels, [2, 1]), [
    -1,
    outHeight,
    1,
    outWidth * channelBlock!,
  ]);
  const rowParts = addNode(
    'Concat',
    splitPairs(reshape(dy, [-1, outHeight, 1, outWidth * channelBlock!]), isUpper),
    { axis: 2 },
  );
  const rows = padEnd(
    reshape(rowParts, [-1, 2 * outHeight, outWidth, channelBlock!]),
    height - 2 * outHeight,
    0,
  );
  const isLeft = reshape(addNotLessMask(context, x, channels, [1, 2]), [-1, height, outWidth, channelBlock!]);
  const columnParts = addNode('Concat', splitPairs(rows, isLeft), { axis: 3 });
  const dx = padEnd(reshape(columnParts, [-1, height, 2 * outWidth, channelBlock!]), 0, width - 2 * outWidth);
  return markLayout(reshape(dx, [-1, channels, height, width]), 'blocked');
}

/**
 * Adds a node that compares the two pixels of each window. The shape `window` is `[1, 2]` or `[2, 1]`. The result is 1 if the first pixel
 * is not less than the second, otherwise 0. The node is a depthwise convolution that computes the difference of the two pixels, with a step
 * function as activation. This way, the image is read only once.
 */
function addNotLessMask(
  { addNode, addFloats, channelBlock }: LoweringContext,
  image: string,
  channels: number,
  window: number[],
): string {
  const pair = [...Array<number>(channelBlock!).fill(1), ...Array<number>(channelBlock!).fill(-1)];
  const filter = Array.from({ length: channels / channelBlock! }, () => pair).flat();
  return addNode(`${BLOCKED_DOMAIN}:Conv`, [image, addFloats(filter, [channels, 1, ...window])], {
    group: channels,
    kernel_shape: window,
    strides: window,
    activation: 'HardSigmoid',
    activation_params: { floats: [STEP_SLOPE, 1] },
  });
}
