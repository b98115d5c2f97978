import { DataType } from '../../../../formats/onnxModel.js';
import type { LoweringContext } from './loweringContext.js';

// In the ONNX graphs of this library, all values that are passed between lowerings are float32. Other types occur only within one lowering.

/** Adds a cast to float32. Booleans become 0 and 1, as in TensorFlow.js. */
export const castToFloat = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.FLOAT });

/** Adds a cast from float32 to bool: false for 0, true for every other number. */
export const castToBool = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.BOOL });

/** Adds a cast from float32 to int64, the type that ONNX requires for indices. */
export const castToInt64 = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: DataType.INT64 });

/** Adds nodes that round `value` toward 0 and replace NaN with 0, like a cast to int32 in TensorFlow.js. The result remains float32. */
export function truncateToInt32(context: LoweringContext, value: string): string {
  const { addNode, addFloats } = context;
  const number = addNode('Where', [addNode('IsNaN', [value]), addFloats([0]), value]);
  return castToFloat(context, addNode('Cast', [number], { to: DataType.INT32 }));
}
