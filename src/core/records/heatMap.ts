/**
 * Importance of the regions of an image, as a coarse grid over the whole image.
 *
 * @category Figures
 */
export interface HeatMap {
  /** Number of rows of the grid. */
  readonly height: number;
  /** Number of columns of the grid. */
  readonly width: number;
  /** Importance of each cell of the grid, from 0 to 1, row by row from the top. The length is `height * width`. */
  readonly data: Float32Array;
}
