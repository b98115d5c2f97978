import type { LoweringContext } from '../../lower/traceLowering.js';

/** Numbers `[from, to]`, row by row. */
export interface Matrix {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly values: readonly number[];
}

/** A matrix of zeros to which `fill` adds. */
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
 * The gradient of a layer that mixes rows with each other and columns with each other, the same for every image and
 * channel: input `name`, `[batch, rows.from, columns.from, channels]`, becomes `[batch, rows.to, columns.to, channels]`
 * in two products with constant matrices, without another layout.
 */
export function addSeparableProduct(
  { addNode, getInput, addIntegers, addFloats, call }: LoweringContext,
  name: string,
  rows: Matrix,
  columns: Matrix,
): string {
  const channels = call.inputs[name]!.shape[3]!;
  const turned = ({ inputSize, outputSize, values }: Matrix) =>
    addFloats(
      Array.from(
        { length: outputSize * inputSize },
        (_, i) => values[(i % inputSize) * outputSize + Math.floor(i / inputSize)]!,
      ),
      [outputSize, inputSize],
    );
  // 0 keeps the batch as it is.
  const flat = addNode('Reshape', [
    getInput(name),
    addIntegers([0, rows.inputSize, columns.inputSize * channels]),
  ]);
  const high = addNode('MatMul', [turned(rows), flat]);
  const apart = addNode('Reshape', [high, addIntegers([0, rows.outputSize, columns.inputSize, channels])]);
  return addNode('MatMul', [turned(columns), apart]);
}
