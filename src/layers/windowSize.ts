/**
 * What a sliding window does at the border: `valid` keeps to the image, `same` pads it with zeros.
 *
 * @category Compose
 */
export type Padding = 'valid' | 'same';

/** Side of a sliding window's output, as Keras counts it. */
export function createWindowOutputSize(size: number, stride: number, padding: Padding, dilation = 1) {
  return (input: number): number =>
    padding === 'same'
      ? Math.ceil(input / stride)
      : Math.floor((input - (dilation * (size - 1) + 1)) / stride) + 1;
}
