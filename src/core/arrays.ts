/** Returns the number of elements of a tensor with `shape`; 1 for a scalar. */
export const countElements = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);
