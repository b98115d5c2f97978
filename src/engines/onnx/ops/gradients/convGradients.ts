import { tf } from '../../../../tensor/tf.js';
import type { LoweringContext } from '../../lower/traceLowering.js';
import { chooseImageLayout } from '../context/channelOps.js';
import { BLOCKED_DOMAIN } from '../context/layout.js';
import { addBlockedFilter, getPads, toPair } from '../conv.js';
import type { OpLowering } from '../opRegistry.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

/** In the shape of a Reshape: the size that this axis has already. */
const KEEP_SIZE = 0;
/** ONNX Runtime's product that turns its second factor as it reads it. */
const FUSED_MATMUL = 'com.microsoft:FusedMatMul';

function getConvGeometry({ getAttribute }: LoweringContext, input: Shape4D, filter: Shape4D) {
  const strides = toPair(getAttribute<Pair>('strides'));
  const info = tf.backend_util.computeConv2DInfo(input, filter, strides, 1, getAttribute<'same'>('pad'));
  return { ...info, pads: getPads(info) as Shape4D };
}

/**
 * Gradient of a convolution in its input: a convolution with the turned filter where images are in blocks and every pixel
 * is the corner of a window, a transposed convolution otherwise.
 */
export const lowerConvInputGradient: OpLowering = (mapping) => {
  const { call, getAttribute, addNode, getImage, markLayout, transposeInput, channelBlock } = mapping;
  const filter = call.inputs.filter!.shape as Shape4D;
  const input = getAttribute<Shape4D>('inputShape');
  const [height, width, channels, filters] = filter;
  const { pads, strideHeight, strideWidth } = getConvGeometry(mapping, input, filter);
  const [top, left, bottom, right] = pads;
  const blocked =
    chooseImageLayout(mapping, channels) === 'blocked' && chooseImageLayout(mapping, filters) === 'blocked';
  if (blocked && strideHeight === 1 && strideWidth === 1) {
    const turned = addBlockedFilter(
      mapping,
      addRotatedFilter(mapping, mapping.getInput('filter'), filter),
      [height, width, filters, channels],
      channelBlock!,
    );
    const dx = addNode(`${BLOCKED_DOMAIN}:Conv`, [getImage('dy', 'blocked'), turned], {
      kernel_shape: [height, width],
      pads: [height - 1 - top, width - 1 - left, height - 1 - bottom, width - 1 - right],
    });
    return markLayout(dx, 'blocked');
  }
  const dx = addNode('ConvTranspose', [getImage('dy', 'first'), transposeInput('filter', [3, 2, 0, 1])], {
    strides: [strideHeight, strideWidth],
    pads,
    // Rows that no window reached, because the stride passed over them.
    output_padding: [
      (input[1] + top + bottom - height) % strideHeight,
      (input[2] + left + right - width) % strideWidth,
    ],
  });
  return markLayout(dx, 'first');
};

/** A filter `[height, width, in, out]` turned by 180 degrees, `[height, width, out, in]`. */
function addRotatedFilter(
  { addNode, addIntegers }: LoweringContext,
  value: string,
  [height, width, ...sizes]: Shape4D,
): string {
  const taps = Array.from({ length: height * width }, (_, i) => height * width - 1 - i);
  const flat = addNode('Reshape', [value, addIntegers([taps.length, ...sizes])]);
  return addNode('Transpose', [addNode('Gather', [flat, addIntegers(taps)])], { perm: [0, 2, 1] });
}

/**
 * Gradient of a convolution in its filter: matrix products over the places of each image, summed over the batch. ONNX
 * Runtime has no views, so that each tap's copy of a whole image counts as much as its product does.
 */
export const lowerConvFilterGradient: OpLowering = (mapping) => {
  const { call, getAttribute, addNode, getImage, addIntegers, addFloats } = mapping;
  const filter = getAttribute<Shape4D>('filterShape');
  const shape = call.inputs.x!.shape as Shape4D;
  const { pads, strideHeight, strideWidth, outHeight, outWidth } = getConvGeometry(mapping, shape, filter);
  const [top, left, bottom, right] = pads;
  const images = getImage('x', 'first');
  const around = [0, 0, top, left, 0, 0, bottom, right];
  const x = around.some((pad) => pad > 0)
    ? addNode('Pad', [images, addIntegers(around), addFloats([0])])
    : images;
  const [height, width, channels, filters] = filter;
  const every = (value: string, axis: number, from: number, size: number, stride: number) =>
    addNode('Slice', [
      value,
      addIntegers([from]),
      addIntegers([from + (size - 1) * stride + 1]),
      addIntegers([axis]),
      addIntegers([stride]),
    ]);
  const columns = Array.from({ length: width }, (_, j) => every(x, 3, j, outWidth, strideWidth));
  const dy = getImage('dy', 'first');
  const copiesOfImages = 2 * height * width * channels;
  const copiesOfBoth = width * channels + height * filters;
  if (strideHeight > 1 || copiesOfImages <= copiesOfBoth) {
    const rows = Array.from({ length: height }, (_, i) =>
      columns.map((column) => every(column, 2, i, outHeight, strideHeight)),
    );
    return addFilterGradientByTaps(mapping, rows.flat(), dy, filter);
  }
  return addFilterGradientByRows(mapping, columns, dy, filter, outHeight, outWidth);
};

/** `taps`: for each tap the pixels under it, all stacked: `[taps · in, places] x [places, out]` an image. */
function addFilterGradientByTaps(
  mapping: LoweringContext,
  taps: readonly string[],
  dy: string,
  filter: Shape4D,
): string {
  const { addNode, addIntegers } = mapping;
  const flat = (value: string) => addNode('Reshape', [value, addIntegers([KEEP_SIZE, KEEP_SIZE, -1])]);
  const all = taps.length === 1 ? taps[0]! : addNode('Concat', taps, { axis: 1 });
  const product = addNode(FUSED_MATMUL, [flat(all), flat(dy)], { transB: 1 });
  return addNode('Reshape', [addBatchSum(mapping, product, dy), addIntegers(filter)]);
}

/** The sum of `products` over the images of `dy`, as a row of ones times them: four times as fast as `ReduceSum` by images. */
function addBatchSum(
  { addNode, addFloats, addIntegers }: LoweringContext,
  products: string,
  dy: string,
): string {
  const count = addNode('Slice', [addNode('Shape', [dy]), addIntegers([0]), addIntegers([1])]);
  const ones = addNode('Expand', [addFloats([1]), addNode('Concat', [addIntegers([1]), count], { axis: 0 })]);
  return addNode('MatMul', [ones, addNode('Reshape', [products, addIntegers([KEEP_SIZE, -1])])]);
}

/**
 * `columns`: for each column of the filter the pixels under it and its neighbours above and below. A row of the filter then
 * moves the gradient down instead of the image up: `[out · height, places] x [places, in]` an image and column. The moved
 * gradients come of one copy: with a gap of `height` rows between repetitions, read in lines of one row fewer than
 * repetition and gap have, each starts a row lower than the last.
 */
function addFilterGradientByRows(
  mapping: LoweringContext,
  columns: readonly string[],
  dy: string,
  [height, width, channels, filters]: Shape4D,
  outHeight: number,
  outWidth: number,
): string {
  const { addNode, addIntegers } = mapping;
  const flat = (value: string) => addNode('Reshape', [value, addIntegers([KEEP_SIZE, KEEP_SIZE, -1])]);
  const line = addIntegers([KEEP_SIZE, filters * height, (outHeight + height - 1) * outWidth]);
  const size = addNode('Slice', [addNode('Shape', [dy]), addIntegers([0]), addIntegers([2])]);
  const gap = addNode('ConstantOfShape', [
    addNode('Concat', [size, addIntegers([height * outWidth])], { axis: 0 }),
  ]);
  const gradient = flat(dy);
  const repeated = Array.from({ length: height }, (_, i) => (i === 0 ? [gradient] : [gap, gradient])).flat();
  const moved = addNode('Reshape', [
    repeated.length === 1 ? gradient : addNode('Concat', repeated, { axis: 2 }),
    line,
  ]);
  const sums = columns.map((column) => {
    const sum = addBatchSum(mapping, addNode(FUSED_MATMUL, [moved, flat(column)], { transB: 1 }), dy);
    return addNode('Reshape', [sum, addIntegers([filters * height, channels])]);
  });
  const all = addNode('Concat', sums, { axis: 1 });
  const byFilter = addNode('Reshape', [all, addIntegers([filters, height, width, channels])]);
  return addNode('Transpose', [byFilter], { perm: [1, 2, 3, 0] });
}
