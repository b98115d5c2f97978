// Ranges of the pixels of a row whose windows are inside the image at one column of the window. `shift` is the column of the image at which
// the first window reads. See training.ts for the conventions of this folder.

/** Returns the first such pixel. */
// @ts-ignore: decorator
@inline
export function firstInside(shift: i32, stride: i32): i32 {
  return shift >= 0 ? 0 : (stride - 1 - shift) / stride;
}

/** Returns the pixel after the last such pixel of a row of `outWidth` pixels. */
// @ts-ignore: decorator
@inline
export function endInside(shift: i32, stride: i32, inWidth: i32, outWidth: i32): i32 {
  const reach = inWidth - 1 - shift;
  return reach < 0 ? 0 : min(outWidth, reach / stride + 1);
}
