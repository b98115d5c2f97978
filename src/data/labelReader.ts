import type { SkippedFile } from './dataset.js';

/**
 * Pure function that reads the labels of an image from the path of its file. The path is relative to the folder and has `/` as the
 * separator. The function returns the labels, or the reason why the image has no labels.
 *
 * @category Data
 */
export interface LabelReader<L> {
  (
    path: string,
  ):
    | {
        /** One label for each task. */
        readonly labels: L;
      }
    | {
        /** Reason why the image has no labels, as a clause about the file, for example `its name has no age`. */
        readonly reason: string;
      };
  /**
   * Returns the labels that cannot be used because they do not belong to exactly one of the image files `paths`, each with the path of its
   * file and the reason. `imageFolder` and `imageFiles` handle them like unusable files.
   */
  readonly findUnmatched?: (paths: readonly string[]) => readonly SkippedFile[];
}
