import type { LoweringContext } from '../../lower/traceLowering.js';

/** ONNX's numbers of its types. The graph holds float32; the others appear inside one mapping only. */
export const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;

/** ONNX's truth as the 0 and 1 that TensorFlow.js has. */
export const castToFloat = ({ addNode }: LoweringContext, truth: string): string =>
  addNode('Cast', [truth], { to: FLOAT });

/** A number as ONNX's truth: anything but 0. */
export const castToBool = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: BOOL });

/** Whole numbers of the graph as ONNX's operations on places take them. */
export const castToInt64 = ({ addNode }: LoweringContext, value: string): string =>
  addNode('Cast', [value], { to: INT64 });

/** What remains when a fraction becomes an int32: cut towards 0, and 0 for what is not a number. */
export function truncateToInt32(mapping: LoweringContext, value: string): string {
  const { addNode, addFloats } = mapping;
  const number = addNode('Where', [addNode('IsNaN', [value]), addFloats([0]), value]);
  return castToFloat(mapping, addNode('Cast', [number], { to: INT32 }));
}
