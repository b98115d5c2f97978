import type { LoweringContext } from './loweringContext.js';
import { INFER_SIZE, KEEP_SIZE } from './shapeConstants.js';

/**
 * Adds nodes that sum a value over its first axis, the batch. `shape` is the shape of the result. If the batch size is known, the sum is a
 * product with a row of ones, which is several times as fast as `ReduceSum`.
 */
export function addBatchSum(
  { addNode, addFloats, addIntegers }: LoweringContext,
  value: string,
  batchSize: number | undefined,
  shape: readonly number[],
): string {
  const rows = addNode('Reshape', [value, addIntegers([batchSize ?? KEEP_SIZE, INFER_SIZE])]);
  const sum =
    batchSize === undefined
      ? addNode('ReduceSum', [rows, addIntegers([0])], { keepdims: 0 })
      : addNode('MatMul', [addFloats(Array<number>(batchSize).fill(1), [1, batchSize]), rows]);
  return addNode('Reshape', [sum, addIntegers(shape)]);
}
