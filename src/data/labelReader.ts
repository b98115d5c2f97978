/**
 * Reads the labels of an image from the path of its file: relative to the folder, with `/`. A pure function that returns the labels,
 * or the reason why the image has none.
 *
 * @category Data
 */
export type LabelReader<L> = (path: string) =>
  | {
      /** One label for each task. */
      readonly labels: L;
    }
  | {
      /** Why the image has no labels, as the end of a sentence that begins with the file: `its name has no age`. */
      readonly reason: string;
    };
