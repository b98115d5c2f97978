/**
 * Importance of the regions of an image, as a coarse grid over the whole image.
 *
 * @category Figures
 */
export interface HeatMap {
  /** Number of rows. */
  readonly height: number;
  /** Number of columns. */
  readonly width: number;
  /** `height * width` numbers from 0 to 1, row by row from the top. */
  readonly data: Float32Array;
}
