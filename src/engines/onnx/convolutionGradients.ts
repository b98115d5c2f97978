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
    const turned = blockedFilter(mapping, { block: block!, input: 3, turned: true });
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

/**
 * Gradient of a convolution in its filter, a matrix product for each tap: `[batch, in, places] x [batch, places, out]`,
 * summed over the batch.
 */
export const convolutionFilter: Operation = (mapping) => {
  const { call, attribute, node, image, integers, floats } = mapping;
  const filterShape = attribute<Shape4D>('filterShape');
  const [height, width, channels, filters] = filterShape;
  const { pads, strideHeight, strideWidth, outHeight, outWidth } = geometryOf(
    mapping,
    call.inputs.x!.shape as Shape4D,
    filterShape,
  );
  const [top, left, bottom, right] = pads;
  const images = image('x', 'first');
  const around = [0, 0, top, left, 0, 0, bottom, right];
  const x = around.some((pad) => pad > 0) ? node('Pad', [images, integers(around), floats([0])]) : images;
  const dy = image('dy', 'first');
  const flat = (value: string) => node('Reshape', [value, integers([SAME, SAME, -1])]);
  const tap = (under: string, gradient: string) =>
    node('ReduceSum', [node(PRODUCT, [under, gradient], { transB: 1 }), integers([0])], { keepdims: 0 });
  const columns = Array.from({ length: width }, (_, j) =>
    node('Slice', [
      x,
      integers([j]),
      integers([j + (outWidth - 1) * strideWidth + 1]),
      integers([3]),
      integers([strideWidth]),
    ]),
  );
  const below = call.inputs.x!.shape[1]! + top + bottom - outHeight;
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    if (strideHeight === 1) {
      // A row of the filter moves the gradient down instead of the images up: each copy serves a row of taps.
      const moved = flat(node('Pad', [dy, integers([0, 0, i, 0, 0, 0, below - i, 0])]));
      for (const column of columns) taps.push(tap(flat(column), moved));
    } else {
      const end = i + (outHeight - 1) * strideHeight + 1;
      const under = [integers([i]), integers([end]), integers([2]), integers([strideHeight])];
      for (const column of columns) taps.push(tap(flat(node('Slice', [column, ...under])), flat(dy)));
    }
  }
  const all = node('Concat', taps, { axis: 0 });
  return node('Reshape', [all, integers([height, width, channels, filters])]);
};
