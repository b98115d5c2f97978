/** Value in the shape operand of an ONNX Reshape that keeps the size of the input axis. */
export const KEEP_SIZE = 0;
/** Value in the shape operand of an ONNX Reshape for a size that is inferred from the number of elements. */
export const INFER_SIZE = -1;
/**
 * End of an ONNX Slice with a negative step that includes the first element. A Slice counts negative ends (-1,
 * -2, ...) from the end of the axis, so only a number below `-size` refers to the position before the first
 * element.
 */
export const SLICE_TO_START = -(2 ** 31);
