import { tf } from '../../tensor/tf.js';
import { layoutOf } from './channels.js';
import type { Mapping } from './graph.js';
import { blockedFilter, padsOf, pair } from './images.js';
import { BLOCKED } from './layout.js';
import type { Operation } from './operations.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

/** In the shape of a Reshape: the size that this axis has already. */
const SAME = 0;
/** ONNX Runtime's product that turns its second factor as it reads it. */
const PRODUCT = 'com.microsoft:FusedMatMul';

function geometryOf({ attribute }: Mapping, input: Shape4D, filter: Shape4D) {
  const strides = pair(attribute<Pair>('strides'));
  const info = tf.backend_util.computeConv2DInfo(input, filter, strides, 1, attribute<'same'>('pad'));
  return { ...info, pads: padsOf(info) as Shape4D };
}

/**
 * Gradient of a convolution in its input: a convolution with the turned filter where images are in blocks and every pixel
 * is the corner of a window, a transposed convolution otherwise.
 */
export const convolutionInput: Operation = (mapping) => {
  const { call, attribute, node, image, laid, transposed, block } = mapping;
  const filter = call.inputs.filter!.shape as Shape4D;
  const input = attribute<Shape4D>('inputShape');
  const [height, width, channels, filters] = filter;
  const { pads, strideHeight, strideWidth } = geometryOf(mapping, input, filter);
  const [top, left, bottom, right] = pads;
  const blocked = layoutOf(mapping, channels) === 'blocked' && layoutOf(mapping, filters) === 'blocked';
  if (blocked && strideHeight === 1 && strideWidth === 1) {
    const turned = blockedFilter(
      mapping,
      halfTurn(mapping, mapping.input('filter'), filter),
      [height, width, filters, channels],
      block!,
    );
    const dx = node(`${BLOCKED}:Conv`, [image('dy', 'blocked'), turned], {
      kernel_shape: [height, width],
      pads: [height - 1 - top, width - 1 - left, height - 1 - bottom, width - 1 - right],
    });
    return laid(dx, 'blocked');
  }
  const dx = node('ConvTranspose', [image('dy', 'first'), transposed('filter', [3, 2, 0, 1])], {
    strides: [strideHeight, strideWidth],
    pads,
    // Rows that no window reached, because the stride passed over them.
    output_padding: [
      (input[1] + top + bottom - height) % strideHeight,
      (input[2] + left + right - width) % strideWidth,
    ],
  });
  return laid(dx, 'first');
};

/** A filter `[height, width, in, out]` turned by 180 degrees, `[height, width, out, in]`. */
function halfTurn({ node, integers }: Mapping, value: string, [height, width, ...sizes]: Shape4D): string {
  const taps = Array.from({ length: height * width }, (_, i) => height * width - 1 - i);
  const flat = node('Reshape', [value, integers([taps.length, ...sizes])]);
  return node('Transpose', [node('Gather', [flat, integers(taps)])], { perm: [0, 2, 1] });
}

/**
 * Gradient of a convolution in its filter: matrix products over the places of each image, summed over the batch. ONNX
 * Runtime has no views, so that each tap's copy of a whole image counts as much as its product does.
 */
export const convolutionFilter: Operation = (mapping) => {
  const { call, attribute, node, image, integers, floats } = mapping;
  const filter = attribute<Shape4D>('filterShape');
  const shape = call.inputs.x!.shape as Shape4D;
  const { pads, strideHeight, strideWidth, outHeight, outWidth } = geometryOf(mapping, shape, filter);
  const [top, left, bottom, right] = pads;
  const images = image('x', 'first');
  const around = [0, 0, top, left, 0, 0, bottom, right];
  const x = around.some((pad) => pad > 0) ? node('Pad', [images, integers(around), floats([0])]) : images;
  const [height, width, channels, filters] = filter;
  const every = (value: string, axis: number, from: number, size: number, stride: number) =>
    node('Slice', [
      value,
      integers([from]),
      integers([from + (size - 1) * stride + 1]),
      integers([axis]),
      integers([stride]),
    ]);
  const columns = Array.from({ length: width }, (_, j) => every(x, 3, j, outWidth, strideWidth));
  const dy = image('dy', 'first');
  const copiesOfImages = 2 * height * width * channels;
  const copiesOfBoth = width * channels + height * filters;
  if (strideHeight > 1 || copiesOfImages <= copiesOfBoth) {
    const rows = Array.from({ length: height }, (_, i) =>
      columns.map((column) => every(column, 2, i, outHeight, strideHeight)),
    );
    return byTaps(mapping, rows.flat(), dy, filter);
  }
  return byRows(mapping, columns, dy, filter, outHeight, outWidth);
};

/** `taps`: for each tap the pixels under it, all stacked: `[taps · in, places] x [places, out]` an image. */
function byTaps(mapping: Mapping, taps: readonly string[], dy: string, filter: Shape4D): string {
  const { node, integers } = mapping;
  const flat = (value: string) => node('Reshape', [value, integers([SAME, SAME, -1])]);
  const all = taps.length === 1 ? taps[0]! : node('Concat', taps, { axis: 1 });
  const product = node(PRODUCT, [flat(all), flat(dy)], { transB: 1 });
  return node('Reshape', [overBatch(mapping, product, dy), integers(filter)]);
}

/** The sum of `products` over the images of `dy`, as a row of ones times them: four times as fast as `ReduceSum` by images. */
function overBatch({ node, floats, integers }: Mapping, products: string, dy: string): string {
  const count = node('Slice', [node('Shape', [dy]), integers([0]), integers([1])]);
  const ones = node('Expand', [floats([1]), node('Concat', [integers([1]), count], { axis: 0 })]);
  return node('MatMul', [ones, node('Reshape', [products, integers([SAME, -1])])]);
}

/**
 * `columns`: for each column of the filter the pixels under it and its neighbours above and below. A row of the filter then
 * moves the gradient down instead of the image up: `[out · height, places] x [places, in]` an image and column. The moved
 * gradients come of one copy: with a gap of `height` rows between repetitions, read in lines of one row fewer than
 * repetition and gap have, each starts a row lower than the last.
 */
function byRows(
  mapping: Mapping,
  columns: readonly string[],
  dy: string,
  [height, width, channels, filters]: Shape4D,
  outHeight: number,
  outWidth: number,
): string {
  const { node, integers } = mapping;
  const flat = (value: string) => node('Reshape', [value, integers([SAME, SAME, -1])]);
  const line = integers([SAME, filters * height, (outHeight + height - 1) * outWidth]);
  const size = node('Slice', [node('Shape', [dy]), integers([0]), integers([2])]);
  const gap = node('ConstantOfShape', [node('Concat', [size, integers([height * outWidth])], { axis: 0 })]);
  const gradient = flat(dy);
  const repeated = Array.from({ length: height }, (_, i) => (i === 0 ? [gradient] : [gap, gradient])).flat();
  const moved = node('Reshape', [
    repeated.length === 1 ? gradient : node('Concat', repeated, { axis: 2 }),
    line,
  ]);
  const sums = columns.map((column) => {
    const sum = overBatch(mapping, node(PRODUCT, [moved, flat(column)], { transB: 1 }), dy);
    return node('Reshape', [sum, integers([filters * height, channels])]);
  });
  const all = node('Concat', sums, { axis: 1 });
  const byFilter = node('Reshape', [all, integers([filters, height, width, channels])]);
  return node('Transpose', [byFilter], { perm: [1, 2, 3, 0] });
}
