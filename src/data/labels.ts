/**
 * Labels from a file's path, relative to the folder and with `/`: a pure function that returns the labels, or the reason why
 * there are none.
 *
 * @category Data
 */
export type LabelSource<L> = (path: string) => { readonly labels: L } | { readonly reason: string };
