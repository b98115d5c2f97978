import { countElements } from '../../../core/arrays.js';

/** Returns the shape of a transposed tensor. `order` lists the old axes in their new order. */
export const permuteShape = (shape: readonly number[], order: readonly number[]) =>
  order.map((axis) => shape[axis]!);

/** Transposes a row-major array of the shape `shape`. `order` lists the old axes in their new order. */
export function transposeValues(
  data: ArrayLike<number>,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => countElements(shape.slice(axis + 1)));
  const sizes = permuteShape(shape, order);
  const steps = permuteShape(strides, order);
  const position = new Array<number>(sizes.length).fill(0);
  const result = new Float32Array(data.length);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++position[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      position[axis] = 0;
    }
  }
  return result;
}
