/**
 * How much each part of an image counts, coarser than its pixels: row by row from the top, over the whole image.
 *
 * @category Figures
 */
export interface HeatMap {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** `height * width` numbers, 0 to 1. */
  readonly data: Float32Array;
}
