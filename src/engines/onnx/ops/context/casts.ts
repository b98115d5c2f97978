import { DataType } from '../../../../formats/onnxModel.js';
import type { LoweringContext } from './loweringContext.js';

// All values that are passed between lowerings are float32. Other types occur only within one lowering.

/** Casts an ONNX bool to float32: 0 for false, 1 for true, as in TensorFlow.js. Integers keep their value. */
export const castToFloat = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.FLOAT });

/** Casts float32 to an ONNX bool: false for 0, true for every other number. */
export const castToBool = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.BOOL });

/** Casts integers that are stored as float32 to int64, the index type of ONNX. */
export const castToInt64 = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.INT64 });

/** Rounds toward 0, as a cast to int32 does, and replaces NaN by 0. The result is float32. */
export function truncateToInt32(context: LoweringContext, value: string): string {
  const { addNode, addFloats } = context;
  const number = addNode('Where', [addNode('IsNaN', [value]), addFloats([0]), value]);
  return castToFloat(context, addNode('Cast', [number], { to: DataType.INT32 }));
}
