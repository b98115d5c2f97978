import { FROM_ONNX, TO_ONNX } from './images.js';
import { asPlaces } from './numbers.js';
import type { Operation, Operations } from './operations.js';
import { byRowsAndColumns, type Matrix, matrixOf } from './separable.js';

type Shape4D = [number, number, number, number];

/** How many places of the old side one of the new is, as TensorFlow.js counts. */
const ratio = (old: number, size: number, corners: boolean) =>
  corners && size > 1 ? (old - 1) / (size - 1) : old / size;

const linear: Operation = ({ call, attribute, node, transposed, floats }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, tall, wide] = call.outputs[0]!.shape as Shape4D;
  const corners = attribute<boolean | undefined>('alignCorners');
  const halfPixel = attribute<boolean | undefined>('halfPixelCenters');
  const attributes = {
    mode: 'linear',
    coordinate_transformation_mode: corners ? 'align_corners' : halfPixel ? 'half_pixel' : 'asymmetric',
  };
  const scales = floats([1, 1, factor(height, tall), factor(width, wide)], [4]);
  const y = node('Resize', [transposed('images', TO_ONNX), '', scales], attributes);
  return node('Transpose', [y], { perm: FROM_ONNX });
};

/**
 * The first float32 that is not below `size / old`: ONNX multiplies a side with it, in float32 or in double, and rounds
 * down. (Sizes for some of the axes would do, but ONNX Runtime takes them for all axes when it moves a transpose.)
 */
function factor(old: number, size: number): number {
  const scale = Math.fround(size / old);
  return old * scale < size ? Math.fround(scale * (1 + 2 ** -23)) : scale;
}

/** For each place of the new side, the one of the old that it is a copy of. */
function copied(old: number, size: number, corners: boolean, halfPixel: boolean): number[] {
  const step = ratio(old, size, corners);
  return Array.from({ length: size }, (_, i) => {
    const from = step * (halfPixel ? i + 0.5 : i);
    return Math.min(old - 1, corners ? Math.round(from) : Math.floor(from));
  });
}

/** Rows and columns taken by number: none of ONNX's own modes has TensorFlow's half pixels. */
const nearest: Operation = ({ call, attribute, node, input, integers }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, tall, wide] = call.outputs[0]!.shape as Shape4D;
  const modes = [attribute<boolean>('alignCorners'), attribute<boolean>('halfPixelCenters')] as const;
  const rows = node('Gather', [input('images'), integers(copied(height, tall, ...modes))], { axis: 1 });
  return node('Gather', [rows, integers(copied(width, wide, ...modes))], { axis: 2 });
};

/** The two weights with which each place of the new side was made of the old. */
function mixed(old: number, size: number, corners: boolean): Matrix {
  const step = ratio(old, size, corners);
  return matrixOf(size, old, (add) => {
    for (let i = 0; i < size; i++) {
      const from = i * step;
      const before = Math.floor(from);
      add(i, before, 1 - (from - before));
      add(i, Math.min(Math.ceil(from), old - 1), from - before);
    }
  });
}

const chosen = (old: number, size: number, corners: boolean): Matrix =>
  matrixOf(size, old, (add) => {
    for (const [i, from] of copied(old, size, corners, false).entries()) add(i, from, 1);
  });

/** What the forward pass did to rows and to columns, backwards; without half pixels, which TensorFlow.js forgets here. */
const gradient =
  (matrix: (old: number, size: number, corners: boolean) => Matrix): Operation =>
  (mapping) => {
    const [, height, width] = mapping.call.inputs.images!.shape as Shape4D;
    const [, tall, wide] = mapping.call.inputs.dy!.shape as Shape4D;
    const corners = mapping.attribute<boolean>('alignCorners');
    return byRowsAndColumns(mapping, 'dy', matrix(height, tall, corners), matrix(width, wide, corners));
  };

/**
 * Boxes `[n, 4]`, from corner to corner in shares of the image, each at one size. A side of a box is a matrix again,
 * but made of the box: each place's weight falls from 1 to 0 over one pixel, which is bilinear, or is that of the nearest.
 */
const cropped: Operation = (mapping) => {
  const { call, attribute, node, input, integers, floats } = mapping;
  const [, height, width, channels] = call.inputs.image!.shape as Shape4D;
  const [tall, wide] = attribute<[number, number]>('cropSize');
  const boxes = input('boxes');
  const corner = (column: number) =>
    node('Slice', [boxes, integers([column]), integers([column + 1]), integers([1])]);
  const side = (first: number, old: number, size: number) => {
    const [from, to] = [corner(first), corner(first + 2)];
    const shares = Array.from({ length: size }, (_, i) => (size > 1 ? i / (size - 1) : 0.5));
    const along = node('Mul', [node('Sub', [to, from]), floats(shares, [1, size])]);
    const at = node('Mul', [node('Add', [from, along]), floats([old - 1])]);
    const inside = node('And', [
      node('GreaterOrEqual', [at, floats([0])]),
      node('LessOrEqual', [at, floats([old - 1])]),
    ]);
    const sharp = attribute<string>('method') === 'nearest';
    // JavaScript rounds a half up.
    const middle = sharp ? node('Floor', [node('Add', [at, floats([0.5])])]) : at;
    const places = floats([...Array(old).keys()], [old]);
    const distance = node('Abs', [node('Sub', [node('Unsqueeze', [middle, integers([2])]), places])]);
    return { inside, weights: node('Relu', [node('Sub', [floats([1]), distance])]) };
  };
  const [rows, columns] = [side(0, height, tall), side(1, width, wide)];
  const images = node('Gather', [input('image'), asPlaces(mapping, input('boxInd'))], { axis: 0 });
  const flat = node('Reshape', [images, integers([0, height, width * channels])]);
  const high = node('Reshape', [node('MatMul', [rows.weights, flat]), integers([0, tall, width, channels])]);
  const crop = node('MatMul', [node('Unsqueeze', [columns.weights, integers([1])]), high]);
  const inside = node('And', [
    node('Unsqueeze', [rows.inside, integers([2, 3])]),
    node('Unsqueeze', [columns.inside, integers([1, 3])]),
  ]);
  return node('Where', [inside, crop, floats([attribute<number | undefined>('extrapolationValue') ?? 0])]);
};

/** Kernels that change the size of images. */
export const resizing: Operations = {
  ResizeBilinear: linear,
  ResizeNearestNeighbor: nearest,
  CropAndResize: cropped,
  ResizeBilinearGrad: gradient(mixed),
  ResizeNearestNeighborGrad: gradient(chosen),
};
