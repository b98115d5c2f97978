/** Size in the shape operand of an ONNX Reshape for an axis that has the same size as in the input. */
export const KEEP_SIZE = 0;
/** Size in the shape operand of an ONNX Reshape for an axis whose size is inferred from the number of elements. */
export const INFER_SIZE = -1;
/**
 * End of an ONNX Slice with a negative step whose last element is the first element of the axis. ONNX counts negative ends from the end of
 * the axis, so only a number below `-size` means the position before the first element.
 */
export const SLICE_TO_START = -(2 ** 31);
