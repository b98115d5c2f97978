import { castToInt64 } from './context/casts.js';
import { NCHW_TO_NHWC, NHWC_TO_NCHW } from './conv.js';
import { addSeparableProduct, createMatrix, type Matrix } from './gradients/separableProduct.js';
import type { OpLowering, OpTable } from './opRegistry.js';

type Shape4D = [number, number, number, number];

/** How many places of the old side one of the new is, as TensorFlow.js counts. */
const computeStep = (old: number, size: number, corners: boolean) =>
  corners && size > 1 ? (old - 1) / (size - 1) : old / size;

const lowerResizeBilinear: OpLowering = ({ call, getAttribute, addNode, transposeInput, addFloats }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, tall, wide] = call.outputs[0]!.shape as Shape4D;
  const corners = getAttribute<boolean | undefined>('alignCorners');
  const halfPixel = getAttribute<boolean | undefined>('halfPixelCenters');
  const attributes = {
    mode: 'linear',
    coordinate_transformation_mode: corners ? 'align_corners' : halfPixel ? 'half_pixel' : 'asymmetric',
  };
  const scales = addFloats([1, 1, computeScale(height, tall), computeScale(width, wide)], [4]);
  const y = addNode('Resize', [transposeInput('images', NHWC_TO_NCHW), '', scales], attributes);
  return addNode('Transpose', [y], { perm: NCHW_TO_NHWC });
};

/**
 * The first float32 that is not below `size / old`: ONNX multiplies a side with it, in float32 or in double, and rounds
 * down. (Sizes for some of the axes would do, but ONNX Runtime takes them for all axes when it moves a transpose.)
 */
function computeScale(old: number, size: number): number {
  const scale = Math.fround(size / old);
  return old * scale < size ? Math.fround(scale * (1 + 2 ** -23)) : scale;
}

/** For each place of the new side, the one of the old that it is a copy of. */
function computeNearestIndices(old: number, size: number, corners: boolean, halfPixel: boolean): number[] {
  const step = computeStep(old, size, corners);
  return Array.from({ length: size }, (_, i) => {
    const from = step * (halfPixel ? i + 0.5 : i);
    return Math.min(old - 1, corners ? Math.round(from) : Math.floor(from));
  });
}

/** Rows and columns taken by number: none of ONNX's own modes has TensorFlow's half pixels. */
const lowerResizeNearest: OpLowering = ({ call, getAttribute, addNode, getInput, addIntegers }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, tall, wide] = call.outputs[0]!.shape as Shape4D;
  const modes = [getAttribute<boolean>('alignCorners'), getAttribute<boolean>('halfPixelCenters')] as const;
  const rows = addNode(
    'Gather',
    [getInput('images'), addIntegers(computeNearestIndices(height, tall, ...modes))],
    { axis: 1 },
  );
  return addNode('Gather', [rows, addIntegers(computeNearestIndices(width, wide, ...modes))], { axis: 2 });
};

/** The two weights with which each place of the new side was made of the old. */
function createBilinearMatrix(old: number, size: number, corners: boolean): Matrix {
  const step = computeStep(old, size, corners);
  return createMatrix(size, old, (add) => {
    for (let i = 0; i < size; i++) {
      const from = i * step;
      const before = Math.floor(from);
      add(i, before, 1 - (from - before));
      add(i, Math.min(Math.ceil(from), old - 1), from - before);
    }
  });
}

const createNearestMatrix = (old: number, size: number, corners: boolean): Matrix =>
  createMatrix(size, old, (add) => {
    for (const [i, from] of computeNearestIndices(old, size, corners, false).entries()) add(i, from, 1);
  });

/** What the forward pass did to rows and to columns, backwards; without half pixels, which TensorFlow.js forgets here. */
const createResizeGradientLowering =
  (matrix: (old: number, size: number, corners: boolean) => Matrix): OpLowering =>
  (mapping) => {
    const [, height, width] = mapping.call.inputs.images!.shape as Shape4D;
    const [, tall, wide] = mapping.call.inputs.dy!.shape as Shape4D;
    const corners = mapping.getAttribute<boolean>('alignCorners');
    return addSeparableProduct(mapping, 'dy', matrix(height, tall, corners), matrix(width, wide, corners));
  };

/**
 * Boxes `[n, 4]`, from corner to corner in shares of the image, each at one size. A side of a box is a matrix again,
 * but made of the box: each place's weight falls from 1 to 0 over one pixel, which is bilinear, or is that of the nearest.
 */
const lowerCropAndResize: OpLowering = (mapping) => {
  const { call, getAttribute, addNode, getInput, addIntegers, addFloats } = mapping;
  const [, height, width, channels] = call.inputs.image!.shape as Shape4D;
  const [tall, wide] = getAttribute<[number, number]>('cropSize');
  const boxes = getInput('boxes');
  const corner = (column: number) =>
    addNode('Slice', [boxes, addIntegers([column]), addIntegers([column + 1]), addIntegers([1])]);
  const side = (first: number, old: number, size: number) => {
    const [from, to] = [corner(first), corner(first + 2)];
    const shares = Array.from({ length: size }, (_, i) => (size > 1 ? i / (size - 1) : 0.5));
    const along = addNode('Mul', [addNode('Sub', [to, from]), addFloats(shares, [1, size])]);
    const at = addNode('Mul', [addNode('Add', [from, along]), addFloats([old - 1])]);
    const inside = addNode('And', [
      addNode('GreaterOrEqual', [at, addFloats([0])]),
      addNode('LessOrEqual', [at, addFloats([old - 1])]),
    ]);
    const sharp = getAttribute<string>('method') === 'nearest';
    // JavaScript rounds a half up.
    const middle = sharp ? addNode('Floor', [addNode('Add', [at, addFloats([0.5])])]) : at;
    const places = addFloats([...Array(old).keys()], [old]);
    const distance = addNode('Abs', [
      addNode('Sub', [addNode('Unsqueeze', [middle, addIntegers([2])]), places]),
    ]);
    return { inside, weights: addNode('Relu', [addNode('Sub', [addFloats([1]), distance])]) };
  };
  const [rows, columns] = [side(0, height, tall), side(1, width, wide)];
  const images = addNode('Gather', [getInput('image'), castToInt64(mapping, getInput('boxInd'))], {
    axis: 0,
  });
  const flat = addNode('Reshape', [images, addIntegers([0, height, width * channels])]);
  const high = addNode('Reshape', [
    addNode('MatMul', [rows.weights, flat]),
    addIntegers([0, tall, width, channels]),
  ]);
  const crop = addNode('MatMul', [addNode('Unsqueeze', [columns.weights, addIntegers([1])]), high]);
  const inside = addNode('And', [
    addNode('Unsqueeze', [rows.inside, addIntegers([2, 3])]),
    addNode('Unsqueeze', [columns.inside, addIntegers([1, 3])]),
  ]);
  return addNode('Where', [
    inside,
    crop,
    addFloats([getAttribute<number | undefined>('extrapolationValue') ?? 0]),
  ]);
};

/** Kernels that change the size of images. */
export const resizeOps: OpTable = {
  ResizeBilinear: lowerResizeBilinear,
  ResizeNearestNeighbor: lowerResizeNearest,
  CropAndResize: lowerCropAndResize,
  ResizeBilinearGrad: createResizeGradientLowering(createBilinearMatrix),
  ResizeNearestNeighborGrad: createResizeGradientLowering(createNearestMatrix),
};
