import type { LoweringContext } from '../context/loweringContext.js';
import { KEEP_SIZE } from '../context/shapeConstants.js';

/** A constant matrix of shape `[inputSize, outputSize]`. Its elements are in row-major order. */
export interface Matrix {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly values: readonly number[];
}

/** Creates a matrix of zeros, and calls `fill` with a function that adds a number to an element of the matrix. */
export function createMatrix(
  inputSize: number,
  outputSize: number,
  fill: (add: (row: number, column: number, value: number) => void) => void,
): Matrix {
  const values = new Array<number>(inputSize * outputSize).fill(0);
  fill((row, column, value) => {
    values[row * outputSize + column]! += value;
  });
  return { inputSize, outputSize, values };
}

/**
 * Adds a product of the kernel input `name` with two constant matrices: one along the height (`rows`) and one along the width (`columns`),
 * for example to resize images. The shape `[batch, rows.inputSize, columns.inputSize, channels]` becomes `[batch, rows.outputSize,
 * columns.outputSize, channels]`.
 */
export function addSeparableProduct(
  { addNode, getInput, addIntegers, addFloats, call }: LoweringContext,
  name: string,
  rows: Matrix,
  columns: Matrix,
): string {
  const channels = call.inputs[name]!.shape[3]!;
  const addTransposed = ({ inputSize, outputSize, values }: Matrix) =>
    addFloats(
      Array.from(
        { length: outputSize * inputSize },
        (_, i) => values[(i % inputSize) * outputSize + Math.floor(i / inputSize)]!,
      ),
      [outputSize, inputSize],
    );
  const flat = addNode('Reshape', [
    getInput(name),
    addIntegers([KEEP_SIZE, rows.inputSize, columns.inputSize * channels]),
  ]);
  const rowProduct = addNode('MatMul', [addTransposed(rows), flat]);
  const images = addNode('Reshape', [
    rowProduct,
    addIntegers([KEEP_SIZE, rows.outputSize, columns.inputSize, channels]),
  ]);
  return addNode('MatMul', [addTransposed(columns), images]);
}
