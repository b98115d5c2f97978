import { castToInt64 } from './context/casts.js';
import { NCHW_TO_NHWC, NHWC_TO_NCHW } from './context/layout.js';
import type { OpLowering, OpTable } from './context/loweringContext.js';
import { KEEP_SIZE } from './context/shapeConstants.js';
import type { Shape4D } from './context/windowGeometry.js';
import { addSeparableProduct, createMatrix, type Matrix } from './gradients/separableProduct.js';

/** Returns the distance, in input pixels, between neighboring output pixels along one dimension of an image. Matches TensorFlow.js. */
const computeStep = (inputSize: number, outputSize: number, alignCorners: boolean) =>
  alignCorners && outputSize > 1 ? (inputSize - 1) / (outputSize - 1) : inputSize / outputSize;

const lowerResizeBilinear: OpLowering = ({ call, getAttribute, addNode, transposeInput, addFloats }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, outHeight, outWidth] = call.outputs[0]!.shape as Shape4D;
  const alignCorners = getAttribute<boolean | undefined>('alignCorners');
  const halfPixel = getAttribute<boolean | undefined>('halfPixelCenters');
  const attributes = {
    mode: 'linear',
    coordinate_transformation_mode: alignCorners ? 'align_corners' : halfPixel ? 'half_pixel' : 'asymmetric',
  };
  const scales = addFloats([1, 1, computeScale(height, outHeight), computeScale(width, outWidth)], [4]);
  const y = addNode('Resize', [transposeInput('images', NHWC_TO_NCHW), '', scales], attributes);
  return addNode('Transpose', [y], { perm: NCHW_TO_NHWC });
};

/**
 * Returns the scale of an axis for ONNX's Resize: the smallest float32 that is at least `outputSize / inputSize`, because Resize multiplies
 * the input size by the scale and rounds down. Passing the two output sizes instead would be simpler, but when ONNX Runtime moves a
 * transpose, it mistakes the two sizes for the sizes of all axes.
 */
function computeScale(inputSize: number, outputSize: number): number {
  const scale = Math.fround(outputSize / inputSize);
  return inputSize * scale < outputSize ? Math.fround(scale * (1 + 2 ** -23)) : scale;
}

/**
 * Returns, for each output pixel along one dimension of an image, the index of the input pixel that nearest-neighbor interpolation copies.
 */
function computeNearestIndices(
  inputSize: number,
  outputSize: number,
  alignCorners: boolean,
  halfPixel: boolean,
): number[] {
  const step = computeStep(inputSize, outputSize, alignCorners);
  return Array.from({ length: outputSize }, (_, i) => {
    const position = step * (halfPixel ? i + 0.5 : i);
    return Math.min(inputSize - 1, alignCorners ? Math.round(position) : Math.floor(position));
  });
}

/**
 * Lowers nearest-neighbor resizing to one Gather per dimension, because no mode of ONNX's Resize matches TensorFlow's half-pixel centers.
 */
const lowerResizeNearest: OpLowering = ({ call, getAttribute, addNode, getInput, addIntegers }) => {
  const [, height, width] = call.inputs.images!.shape as Shape4D;
  const [, outHeight, outWidth] = call.outputs[0]!.shape as Shape4D;
  const modes = [getAttribute<boolean>('alignCorners'), getAttribute<boolean>('halfPixelCenters')] as const;
  const rows = addNode(
    'Gather',
    [getInput('images'), addIntegers(computeNearestIndices(height, outHeight, ...modes))],
    { axis: 1 },
  );
  return addNode('Gather', [rows, addIntegers(computeNearestIndices(width, outWidth, ...modes))], {
    axis: 2,
  });
};

/**
 * Creates the `[outputSize, inputSize]` matrix that resizes one dimension of an image with bilinear interpolation. Each row contains the
 * weights of two input pixels.
 */
function createBilinearMatrix(inputSize: number, outputSize: number, alignCorners: boolean): Matrix {
  const step = computeStep(inputSize, outputSize, alignCorners);
  return createMatrix(outputSize, inputSize, (add) => {
    for (let i = 0; i < outputSize; i++) {
      const position = i * step;
      const before = Math.floor(position);
      add(i, before, 1 - (position - before));
      add(i, Math.min(Math.ceil(position), inputSize - 1), position - before);
    }
  });
}

/**
 * Creates the `[outputSize, inputSize]` matrix that resizes one dimension of an image with nearest-neighbor interpolation. Each row
 * contains a single 1.
 */
const createNearestMatrix = (inputSize: number, outputSize: number, alignCorners: boolean): Matrix =>
  createMatrix(outputSize, inputSize, (add) => {
    for (const [i, index] of computeNearestIndices(inputSize, outputSize, alignCorners, false).entries()) {
      add(i, index, 1);
    }
  });

/**
 * Creates the lowering of the gradient of a resize: a product with the matrices that the forward pass would use. The `halfPixelCenters`
 * attribute is ignored, because TensorFlow.js ignores it in these gradients.
 */
const createResizeGradientLowering =
  (createSideMatrix: (inputSize: number, outputSize: number, alignCorners: boolean) => Matrix): OpLowering =>
  (context) => {
    const [, height, width] = context.call.inputs.images!.shape as Shape4D;
    const [, outHeight, outWidth] = context.call.inputs.dy!.shape as Shape4D;
    const alignCorners = context.getAttribute<boolean>('alignCorners');
    return addSeparableProduct(
      context,
      'dy',
      createSideMatrix(height, outHeight, alignCorners),
      createSideMatrix(width, outWidth, alignCorners),
    );
  };

/**
 * Lowers CropAndResize, which crops images to boxes (shape `[n, 4]`) and resizes all crops to one size. The coordinates of a box are two
 * corners, as fractions of the image size. Each dimension is resized by a product with a matrix of weights that the graph computes from the
 * box. For bilinear interpolation, the weight of a pixel falls linearly from 1 to 0 over a distance of one pixel. For the `nearest` method,
 * the position is rounded first.
 */
const lowerCropAndResize: OpLowering = (context) => {
  const { call, getAttribute, addNode, getInput, addIntegers, addFloats } = context;
  const [, height, width, channels] = call.inputs.image!.shape as Shape4D;
  const [outHeight, outWidth] = getAttribute<[number, number]>('cropSize');
  const boxes = getInput('boxes');
  const sliceColumn = (column: number) =>
    addNode('Slice', [boxes, addIntegers([column]), addIntegers([column + 1]), addIntegers([1])]);
  const addSide = (startColumn: number, inputSize: number, outputSize: number) => {
    const [start, end] = [sliceColumn(startColumn), sliceColumn(startColumn + 2)];
    const fractions = Array.from({ length: outputSize }, (_, i) =>
      outputSize > 1 ? i / (outputSize - 1) : 0.5,
    );
    const offset = addNode('Mul', [addNode('Sub', [end, start]), addFloats(fractions, [1, outputSize])]);
    const position = addNode('Mul', [addNode('Add', [start, offset]), addFloats([inputSize - 1])]);
    const isInside = addNode('And', [
      addNode('GreaterOrEqual', [position, addFloats([0])]),
      addNode('LessOrEqual', [position, addFloats([inputSize - 1])]),
    ]);
    const isNearest = getAttribute<string>('method') === 'nearest';
    // TensorFlow.js uses Math.round, which rounds half up. ONNX's Round rounds half to even.
    const center = isNearest ? addNode('Floor', [addNode('Add', [position, addFloats([0.5])])]) : position;
    const indices = addFloats([...Array(inputSize).keys()], [inputSize]);
    const distance = addNode('Abs', [
      addNode('Sub', [addNode('Unsqueeze', [center, addIntegers([2])]), indices]),
    ]);
    return { isInside, weights: addNode('Relu', [addNode('Sub', [addFloats([1]), distance])]) };
  };
  const [rows, columns] = [addSide(0, height, outHeight), addSide(1, width, outWidth)];
  const images = addNode('Gather', [getInput('image'), castToInt64(context, getInput('boxInd'))], {
    axis: 0,
  });
  const flat = addNode('Reshape', [images, addIntegers([KEEP_SIZE, height, width * channels])]);
  const resizedRows = addNode('Reshape', [
    addNode('MatMul', [rows.weights, flat]),
    addIntegers([KEEP_SIZE, outHeight, width, channels]),
  ]);
  const crops = addNode('MatMul', [addNode('Unsqueeze', [columns.weights, addIntegers([1])]), resizedRows]);
  const isInside = addNode('And', [
    addNode('Unsqueeze', [rows.isInside, addIntegers([2, 3])]),
    addNode('Unsqueeze', [columns.isInside, addIntegers([1, 3])]),
  ]);
  return addNode('Where', [
    isInside,
    crops,
    addFloats([getAttribute<number | undefined>('extrapolationValue') ?? 0]),
  ]);
};

/** Lowerings of the kernels that resize images. */
export const resizeOps: OpTable = {
  ResizeBilinear: lowerResizeBilinear,
  ResizeNearestNeighbor: lowerResizeNearest,
  CropAndResize: lowerCropAndResize,
  ResizeBilinearGrad: createResizeGradientLowering(createBilinearMatrix),
  ResizeNearestNeighborGrad: createResizeGradientLowering(createNearestMatrix),
};
