import { addBatchSum } from '../context/batchSum.js';
import { addPaddedFilter, addRotatedBlockedFilter } from '../context/blockedFilter.js';
import { chooseImageLayout } from '../context/channelOps.js';
import { BLOCKED_DOMAIN } from '../context/layout.js';
import type { LoweringContext, OpLowering } from '../context/loweringContext.js';
import { addSkippedPixels, getSampledImage, isBlockedPointwise } from '../context/sampledPixels.js';
import { INFER_SIZE, KEEP_SIZE } from '../context/shapeConstants.js';
import { isSinglePixel } from '../context/singlePixel.js';
import { computeConvGeometry, type Shape4D } from '../context/windowGeometry.js';

/** Matrix product of ONNX Runtime that can transpose its factors while reading them. */
const FUSED_MATMUL = 'com.microsoft:FusedMatMul';

/**
 * Lowers the gradient of a convolution with respect to its input. The gradient is a transposed convolution. If images are in blocked layout
 * and the stride is 1, an equivalent convolution with the rotated filter is used, because it is faster. The same is done for 1x1 filters
 * with any stride, followed by zeros for the pixels that the stride skips.
 */
export const lowerConvInputGradient: OpLowering = (context) => {
  const { call, getAttribute, addNode, getImage, markLayout, transposeInput, channelBlock } = context;
  const filterShape = call.inputs.filter!.shape as Shape4D;
  const inputShape = getAttribute<Shape4D>('inputShape');
  const [height, width, channels, filters] = filterShape;
  const isInputSinglePixel = inputShape[1] * inputShape[2] === 1;
  if (isInputSinglePixel && isSinglePixel(context, 'dy', filterShape)) {
    const dy = addNode('Reshape', [context.getInput('dy'), context.addIntegers([INFER_SIZE, filters])]);
    const filter = addNode('Reshape', [context.getInput('filter'), context.addIntegers([channels, filters])]);
    const product = addNode(FUSED_MATMUL, [dy, filter], { transB: 1 });
    return addNode('Reshape', [product, context.addOutputShape()]);
  }
  const geometry = computeConvGeometry(context, inputShape, filterShape, false);
  const { pads, strideHeight, strideWidth } = geometry;
  const [top, left, bottom, right] = pads;
  const isBlocked =
    chooseImageLayout(context, channels) === 'blocked' && chooseImageLayout(context, filters) === 'blocked';
  const isSampled = isBlocked && isBlockedPointwise(context, filterShape, geometry);
  const gradientPads = [height - 1 - top, width - 1 - left, height - 1 - bottom, width - 1 - right];
  const isConvolution = strideHeight === 1 && strideWidth === 1 && gradientPads.every((pad) => pad >= 0);
  if (isBlocked && (isSampled || isConvolution)) {
    const filter = addPaddedFilter(context, context.getInput('filter'), filterShape, channelBlock!);
    const rotated = addRotatedBlockedFilter(context, filter.value, filter.shape, channelBlock!);
    const dx = addNode(`${BLOCKED_DOMAIN}:Conv`, [getImage('dy', 'blocked'), rotated], {
      kernel_shape: [height, width],
      pads: gradientPads,
    });
    return markLayout(isSampled ? addSkippedPixels(context, dx, geometry) : dx, 'blocked');
  }
  const dx = addNode(
    'ConvTranspose',
    [getImage('dy', 'channelsFirst'), transposeInput('filter', [3, 2, 0, 1])],
    {
      strides: [strideHeight, strideWidth],
      pads,
      // Number of rows and columns at the end of the image that are in no window, because the stride skipped them.
      output_padding: [
        (inputShape[1] + top + bottom - height) % strideHeight,
        (inputShape[2] + left + right - width) % strideWidth,
      ],
    },
  );
  return markLayout(dx, 'channelsFirst');
};

/**
 * Largest images, in pixels of the output, for which the gradient with respect to the filter is computed over the pixels of the whole batch
 * instead of per image. For larger images, ONNX Runtime's matrix product over that many rows is slower than products per image. The numbers
 * were measured, see docs/decisions/0005.
 */
const MAX_BATCHED_PIXELS = { pointwise: 64, window: 256 } as const;

/** How the gradient of a convolution with respect to its filter is computed. */
type FilterGradientMethod = 'batched' | 'taps' | 'rows';

/**
 * Chooses the method that copies the least data, because ONNX Runtime has no tensor views: copying a shifted image for each filter element
 * takes as much time as the product.
 *
 * - `batched`: one product per filter element, over the pixels of all images. It writes the result only once, where the other methods write
 *   one result per image and sum them. This is the largest part of their time if images have few pixels.
 * - `taps`: one product per image. The images are copied once per filter element.
 * - `rows`: one product per image and filter column. It requires a vertical stride of 1.
 */
function chooseFilterGradientMethod(
  [height, width, channels, filters]: Shape4D,
  strideHeight: number,
  pixels: number,
): FilterGradientMethod {
  const isPointwise = height * width === 1;
  if (pixels <= MAX_BATCHED_PIXELS[isPointwise ? 'pointwise' : 'window']) return 'batched';
  // Number of image channels that each of the two methods copies.
  const copiesByTaps = 2 * height * width * channels;
  const copiesByRows = width * channels + height * filters;
  return strideHeight > 1 || copiesByTaps <= copiesByRows ? 'taps' : 'rows';
}

/**
 * Lowers the gradient of a convolution with respect to its filter: matrix products over the pixels of the images, see
 * {@link chooseFilterGradientMethod}.
 */
export const lowerConvFilterGradient: OpLowering = (context) => {
  const { call, getAttribute, addNode, getImage, addIntegers, addFloats } = context;
  const filterShape = getAttribute<Shape4D>('filterShape');
  const inputShape = call.inputs.x!.shape as Shape4D;
  const geometry = computeConvGeometry(context, inputShape, filterShape, false);
  const { pads, outHeight, outWidth } = geometry;
  const [top, left, bottom, right] = pads;
  const [height, width] = filterShape;
  const isSampled = isBlockedPointwise(context, filterShape, geometry);
  const [strideHeight, strideWidth] = isSampled ? [1, 1] : [geometry.strideHeight, geometry.strideWidth];
  const method = chooseFilterGradientMethod(filterShape, strideHeight, outHeight * outWidth);
  const layout = method === 'batched' ? 'channelsLast' : 'channelsFirst';
  const images = isSampled ? getSampledImage(context, geometry, layout) : getImage('x', layout);
  const dy = getImage('dy', layout);
  const [rowAxis, columnAxis] = layout === 'channelsLast' ? [1, 2] : [2, 3];
  const padEnds = (atRows: number, atColumns: number) =>
    Array.from({ length: 4 }, (_, axis) => (axis === rowAxis ? atRows : axis === columnAxis ? atColumns : 0));
  const imagePads = [...padEnds(top, left), ...padEnds(bottom, right)];
  const x = imagePads.some((pad) => pad > 0)
    ? addNode('Pad', [images, addIntegers(imagePads), addFloats([0])])
    : images;
  const slice = (value: string, axis: number, from: number, size: number, stride: number) =>
    addNode('Slice', [
      value,
      addIntegers([from]),
      addIntegers([from + (size - 1) * stride + 1]),
      addIntegers([axis]),
      addIntegers([stride]),
    ]);
  const createTaps = () => {
    if (height * width === 1 && strideHeight === 1 && strideWidth === 1) return [x];
    const columns = Array.from({ length: width }, (_, j) => slice(x, columnAxis, j, outWidth, strideWidth));
    return Array.from({ length: height }, (_, i) =>
      columns.map((column) => slice(column, rowAxis, i, outHeight, strideHeight)),
    ).flat();
  };
  if (method === 'batched') return addBatchedFilterGradient(context, createTaps(), dy, filterShape);
  if (method === 'taps') return addFilterGradientByTaps(context, createTaps(), dy, filterShape);
  const shiftedColumns = Array.from({ length: width }, (_, j) =>
    slice(x, columnAxis, j, outWidth, strideWidth),
  );
  return addFilterGradientByRows(context, shiftedColumns, dy, filterShape, outHeight, outWidth);
};

/**
 * Adds the filter gradient as one product per tap, `[in, pixels of the batch] x [pixels of the batch, out]`. `taps` contains a shifted
 * channels-last image for each spatial element of the filter.
 */
function addBatchedFilterGradient(
  context: LoweringContext,
  taps: readonly string[],
  dy: string,
  filterShape: Shape4D,
): string {
  const { addNode, addIntegers } = context;
  const [, , channels, filters] = filterShape;
  const flatten = (value: string, size: number) =>
    addNode('Reshape', [value, addIntegers([INFER_SIZE, size])]);
  const gradient = flatten(dy, filters);
  const products = taps.map((tap) =>
    addNode(FUSED_MATMUL, [flatten(tap, channels), gradient], { transA: 1 }),
  );
  const stacked = products.length === 1 ? products[0]! : addNode('Concat', products, { axis: 0 });
  return addNode('Reshape', [stacked, addIntegers(filterShape)]);
}

/**
 * Adds the filter gradient as one product per image, `[taps * in, pixels] x [pixels, out]`. A tap is one spatial element of the filter, and
 * `taps` contains a shifted image for each tap: the pixels that the forward pass multiplies by the tap.
 */
function addFilterGradientByTaps(
  context: LoweringContext,
  taps: readonly string[],
  dy: string,
  filterShape: Shape4D,
): string {
  const { addNode, addIntegers } = context;
  const flatten = (value: string) =>
    addNode('Reshape', [value, addIntegers([KEEP_SIZE, KEEP_SIZE, INFER_SIZE])]);
  const [height, width, channels, filters] = filterShape;
  const stacked = taps.length === 1 ? taps[0]! : addNode('Concat', taps, { axis: 1 });
  const factors = [flatten(stacked), flatten(dy)];
  // The product is up to 1.6 times as fast if its first factor has more rows than the second.
  const isSwapped = filters > taps.length * channels;
  const products = addNode(FUSED_MATMUL, isSwapped ? factors.reverse() : factors, { transB: 1 });
  const sum = addBatchSum(context, products, context.countExamples('dy'));
  if (!isSwapped) return addNode('Reshape', [sum, addIntegers(filterShape)]);
  const filtersFirst = addNode('Reshape', [sum, addIntegers([filters, height, width, channels])]);
  return addNode('Transpose', [filtersFirst], { perm: [1, 2, 3, 0] });
}

/**
 * Adds the filter gradient as one product per image and filter column, `[out * height, pixels] x [pixels, in]`. For each filter column,
 * `columns` contains the image, shifted horizontally by the position of the column.
 *
 * For the vertical shift, the nodes shift the gradient down instead of shifting the image up, because a single copy can contain all shifted
 * gradients: `dy` is repeated with a gap of `height` rows of zeros between repetitions, and reshaped to lines that are one row shorter than
 * a repetition with its gap. Each line then starts one row later in its repetition than the previous line.
 */
function addFilterGradientByRows(
  context: LoweringContext,
  columns: readonly string[],
  dy: string,
  [height, width, channels, filters]: Shape4D,
  outHeight: number,
  outWidth: number,
): string {
  const { addNode, addIntegers } = context;
  const flatten = (value: string) =>
    addNode('Reshape', [value, addIntegers([KEEP_SIZE, KEEP_SIZE, INFER_SIZE])]);
  const lineShape = addIntegers([KEEP_SIZE, filters * height, (outHeight + height - 1) * outWidth]);
  const batchAndFilters = addNode('Slice', [addNode('Shape', [dy]), addIntegers([0]), addIntegers([2])]);
  const gap = addNode('ConstantOfShape', [
    addNode('Concat', [batchAndFilters, addIntegers([height * outWidth])], { axis: 0 }),
  ]);
  const gradient = flatten(dy);
  const repetitions = Array.from({ length: height }, (_, i) =>
    i === 0 ? [gradient] : [gap, gradient],
  ).flat();
  const shifted = addNode('Reshape', [
    repetitions.length === 1 ? gradient : addNode('Concat', repetitions, { axis: 2 }),
    lineShape,
  ]);
  const columnSums = columns.map((column) => {
    const products = addNode(FUSED_MATMUL, [shifted, flatten(column)], { transB: 1 });
    const sum = addBatchSum(context, products, context.countExamples('dy'));
    return addNode('Reshape', [sum, addIntegers([filters * height, channels])]);
  });
  const stacked = addNode('Concat', columnSums, { axis: 1 });
  const filtersFirst = addNode('Reshape', [stacked, addIntegers([filters, height, width, channels])]);
  return addNode('Transpose', [filtersFirst], { perm: [1, 2, 3, 0] });
}
