import type { Mapping } from './graph.js';

/** Numbers `[from, to]`, row by row. */
export interface Matrix {
  readonly from: number;
  readonly to: number;
  readonly numbers: readonly number[];
}

/** A matrix of zeros to which `fill` adds. */
export function matrixOf(
  from: number,
  to: number,
  fill: (add: (row: number, column: number, value: number) => void) => void,
): Matrix {
  const numbers = new Array<number>(from * to).fill(0);
  fill((row, column, value) => {
    numbers[row * to + column]! += value;
  });
  return { from, to, numbers };
}

/**
 * The gradient of a layer that mixes rows with each other and columns with each other, the same for every image and
 * channel: input `name`, `[batch, rows.from, columns.from, channels]`, becomes `[batch, rows.to, columns.to, channels]`
 * in two products with constant matrices, without another layout.
 */
export function byRowsAndColumns(
  { node, input, integers, floats, call }: Mapping,
  name: string,
  rows: Matrix,
  columns: Matrix,
): string {
  const channels = call.inputs[name]!.shape[3]!;
  const turned = ({ from, to, numbers }: Matrix) =>
    floats(
      Array.from({ length: to * from }, (_, i) => numbers[(i % from) * to + Math.floor(i / from)]!),
      [to, from],
    );
  // 0 keeps the batch as it is.
  const flat = node('Reshape', [input(name), integers([0, rows.from, columns.from * channels])]);
  const high = node('MatMul', [turned(rows), flat]);
  const apart = node('Reshape', [high, integers([0, rows.to, columns.from, channels])]);
  return node('MatMul', [turned(columns), apart]);
}
