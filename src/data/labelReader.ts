/**
 * Labels from a file's path, relative to the folder and with `/`: a pure function that returns the labels, or the reason why
 * there are none.
 *
 * @category Data
 */
export type LabelReader<L> = (path: string) =>
  | {
      /** One entry a task. */
      readonly labels: L;
    }
  | {
      /** Why there are none, as the end of a sentence that begins with the file. */
      readonly reason: string;
    };
