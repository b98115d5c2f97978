import { addImageShape, addPixelCrop, addPixelPads, type Size } from '../context/blockedPixels.js';
import { chooseImageLayout } from '../context/channelOps.js';
import { BLOCKED_DOMAIN, padChannels } from '../context/layout.js';
import type { LoweringContext } from '../context/loweringContext.js';
import { INFER_SIZE } from '../context/shapeConstants.js';
import { computePoolGeometry, type Shape4D } from '../context/windowGeometry.js';
import { STEP_SLOPE } from './biasReluGradient.js';

/** The lowest finite float32 number, which is never the maximum of a window. */
const MIN_FLOAT32 = -3.4028234663852886e38;
/** Size and stride of the windows. */
const [WINDOW, STRIDE] = [3, 2];

/** Direction in which windows overlap: 0 for windows above each other, 1 for windows next to each other. */
type Direction = 0 | 1;

/**
 * Returns whether the image of a pooling operation is in blocked layout, and its windows are 3x3 with a stride of 2, as in ResNet.
 * {@link addOverlappingMaxPoolGradient} can compute the gradient of such an operation.
 */
export function hasBlockedOverlappingWindows(context: LoweringContext): boolean {
  const shape = context.call.inputs.input!.shape as Shape4D;
  const geometry = computePoolGeometry(context, shape);
  const { filterHeight, filterWidth, strideHeight, strideWidth, outHeight, outWidth, pads } = geometry;
  const [paddedHeight, paddedWidth] = computePaddedSize(shape, pads);
  return (
    [filterHeight, filterWidth].every((size) => size === WINDOW) &&
    [strideHeight, strideWidth].every((stride) => stride === STRIDE) &&
    // No window consists of padding only.
    outHeight <= countWindows(paddedHeight) &&
    outWidth <= countWindows(paddedWidth) &&
    chooseImageLayout(context, shape[3]) === 'blocked'
  );
}

/**
 * Adds nodes for the gradient of 3x3 max pooling with a stride of 2 in blocked layout. As in `addTwoByTwoMaxPoolGradient`, the gradient of
 * a window is distributed to its rows, and then to the pixels of each row. If several values are equal, the first value in row-major order
 * receives the gradient. `MaxPool` with indices and `ScatterElements` take several times as long.
 */
export function addOverlappingMaxPoolGradient(context: LoweringContext, dy: string): string {
  const { call, getImage, markLayout } = context;
  const shape = call.inputs.input!.shape as Shape4D;
  const [, imageHeight, imageWidth, channels] = shape;
  const { pads, outHeight, outWidth } = computePoolGeometry(context, shape);
  const [top, left] = pads;
  const size = computePaddedSize(shape, pads);
  const [height, width] = size;
  const [windowRows, windowColumns] = [countWindows(height), countWindows(width)];
  const imageSize = [imageHeight, imageWidth] as const;
  const image = addPixelPads(
    context,
    getImage('input', 'blocked'),
    imageSize,
    channels,
    [top, left, 0, 0],
    MIN_FLOAT32,
  );
  const gradient = addPixelPads(
    context,
    dy,
    [outHeight, outWidth],
    channels,
    [0, 0, windowRows - outHeight, windowColumns - outWidth],
    0,
  );
  const rowMaxima = addMaxima(context, image, size, 1);
  const rowGradient = addStage(context, rowMaxima, [height, windowColumns], gradient, outHeight, 0);
  const dx = addStage(context, image, size, rowGradient, outWidth, 1);
  const isPadded = top + left > 0;
  return markLayout(
    isPadded ? addPixelCrop(context, dx, size, channels, [top, left], imageSize) : dx,
    'blocked',
  );
}

/** Returns the size of the image with the padding above it and to its left. */
const computePaddedSize = ([, height, width]: Shape4D, [top, left]: Shape4D): Size => [
  height + top,
  width + left,
];

/** Returns the number of windows in one direction that start inside the image. The last window may extend beyond the image. */
const countWindows = (size: number): number => Math.ceil(size / STRIDE);

/** Returns a list for an ONNX attribute with one number per direction: `value` for `direction`, and `other` for the other direction. */
const alongDirection = (direction: Direction, value: number, other: number): [number, number] =>
  direction === 0 ? [value, other] : [other, value];

/** Adds a node that computes the maxima of the windows in one direction: the maxima of three pixels, every two pixels. */
function addMaxima({ addNode }: LoweringContext, images: string, size: Size, direction: Direction): string {
  const trailingPad = STRIDE * countWindows(size[direction]) + 1 - size[direction];
  return addNode(`${BLOCKED_DOMAIN}:MaxPool`, [images], {
    kernel_shape: alongDirection(direction, WINDOW, 1),
    strides: alongDirection(direction, STRIDE, 1),
    pads: [0, 0, ...alongDirection(direction, trailingPad, 0)],
  });
}

/** Returns attributes of a convolution that replaces each result with 1 if it is 0 or has the sign of `slope`, and with 0 otherwise. */
const toStepActivation = (slope: number) => ({
  activation: 'HardSigmoid',
  activation_params: { floats: [slope, 1] },
});

/**
 * Adds nodes that distribute the gradient `dy` of the maxima of `images` in one direction to the pixels. The first pixel of a window that
 * is equal to the maximum receives its gradient. Odd pixels are in one window, and even pixels in two. Only the first `usedWindows` windows
 * have a gradient.
 */
function addStage(
  context: LoweringContext,
  images: string,
  size: Size,
  dy: string,
  usedWindows: number,
  direction: Direction,
): string {
  const { addNode, addIntegers, channelBlock, call } = context;
  const imageChannels = call.inputs.input!.shape[3]!;
  const channels = padChannels(imageChannels, channelBlock!);
  const windows = countWindows(size[direction]);
  const maxima = addMaxima(context, images, size, direction);
  /** Adds a depthwise convolution in this direction, whose filter has one number per pixel. `addend` is added to the result. */
  const addConv = (
    value: string,
    taps: readonly number[],
    addend: string | undefined,
    attributes: { readonly [name: string]: number[] | string | { readonly floats: number[] } },
  ) => {
    const elements = taps.flatMap((tap) => Array<number>(channelBlock!).fill(tap));
    const filter = Array.from({ length: channels / channelBlock! }, () => elements).flat();
    const kernelShape = alongDirection(direction, taps.length, 1);
    return addNode(
      `${BLOCKED_DOMAIN}:Conv`,
      [
        value,
        context.addFloats(filter, [channels, 1, ...kernelShape]),
        ...(addend === undefined ? [] : ['', addend]),
      ],
      { group: channels, kernel_shape: kernelShape, ...attributes },
    );
  };
  const strides = alongDirection(direction, STRIDE, 1);
  const trailingPads = (count: number) => [0, 0, ...alongDirection(direction, count, 0)];
  const isFirst = addConv(images, [-1], maxima, { strides, ...toStepActivation(-STEP_SLOPE) });
  const first = addNode('Mul', [dy, isFirst]);
  const remainder = addNode('Sub', [dy, first]);
  // If a window has a third pixel, the second pixel is compared with that pixel. Adding the maxima takes more time, because ONNX Runtime
  // copies an addend that is used more than once.
  const isInside = STRIDE * usedWindows + 1 <= size[direction];
  const isSecond = isInside
    ? addConv(images, [0, 1, -1], undefined, {
        strides,
        pads: trailingPads(STRIDE * windows + 1 - size[direction]),
        ...toStepActivation(STEP_SLOPE),
      })
    : addConv(images, [0, -1], maxima, {
        strides,
        pads: trailingPads(size[direction] % 2),
        ...toStepActivation(-STEP_SLOPE),
      });
  const second = addNode('Mul', [remainder, isSecond]);
  const third = addNode('Sub', [remainder, second]);
  // The third pixel of a window is the first pixel of the next window.
  const even = addConv(third, [1, 0], first, { pads: [...alongDirection(direction, 1, 0), 0, 0] });
  const lineLength = direction === 0 ? size[1] * channelBlock! : channelBlock!;
  const toLines = (value: string) =>
    addNode('Reshape', [value, addIntegers([INFER_SIZE, windows, 1, lineLength])]);
  const interleaved = addNode('Concat', [toLines(even), toLines(second)], { axis: 2 });
  const fullSize = alongDirection(direction, STRIDE * windows, size[1 - direction]!);
  const pixels = addImageShape(context, interleaved, fullSize, imageChannels);
  return STRIDE * windows === size[direction]
    ? pixels
    : addPixelCrop(context, pixels, fullSize, imageChannels, [0, 0], size);
}
