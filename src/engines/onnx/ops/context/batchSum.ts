import type { LoweringContext } from './loweringContext.js';
import { INFER_SIZE, KEEP_SIZE } from './shapeConstants.js';

/**
 * Adds nodes that sum a value of shape `[batch, ...]` over the batch, multiplied by `factor`. The result is a vector. If the batch size is
 * known, the sum is a product with a constant row, which is several times as fast as `ReduceSum`.
 */
export function addBatchSum(
  { addNode, addFloats, addIntegers }: LoweringContext,
  value: string,
  batchSize: number | undefined,
  factor = 1,
): string {
  const rows = addNode('Reshape', [value, addIntegers([batchSize ?? KEEP_SIZE, INFER_SIZE])]);
  if (batchSize !== undefined) {
    return addNode('MatMul', [addFloats(Array<number>(batchSize).fill(factor), [batchSize]), rows]);
  }
  const sum = addNode('ReduceSum', [rows, addIntegers([0])], { keepdims: 0 });
  return factor === 1 ? sum : addNode('Mul', [sum, addFloats([factor])]);
}
