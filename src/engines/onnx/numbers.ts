import type { Mapping } from './graph.js';

/** ONNX's numbers of its types. The graph holds float32; the others appear inside one mapping only. */
export const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;

/** ONNX's truth as the 0 and 1 that TensorFlow.js has. */
export const asNumber = ({ node }: Mapping, truth: string): string => node('Cast', [truth], { to: FLOAT });

/** A number as ONNX's truth: anything but 0. */
export const asTruth = ({ node }: Mapping, value: string): string => node('Cast', [value], { to: BOOL });

/** Whole numbers of the graph as ONNX's operations on places take them. */
export const asPlaces = ({ node }: Mapping, value: string): string => node('Cast', [value], { to: INT64 });

/** What remains when a fraction becomes an int32: cut towards 0, and 0 for what is not a number. */
export function cut(mapping: Mapping, value: string): string {
  const { node, floats } = mapping;
  const number = node('Where', [node('IsNaN', [value]), floats([0]), value]);
  return asNumber(mapping, node('Cast', [number], { to: INT32 }));
}
