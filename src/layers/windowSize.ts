import * as checks from '../core/errors/checks.js';

/**
 * Padding of a sliding window: `valid` uses no padding, `same` pads the image with zeros.
 *
 * @category Compose
 */
export type Padding = 'valid' | 'same';

/** Throws an `argument` error for an unknown padding. */
export function checkPadding(path: string, padding: unknown): void {
  checks.oneOf(`${path}.padding`, padding, ['valid', 'same'], {
    advice: "Omit it to use the default, 'valid'.",
  });
}

/**
 * Returns a function that computes the height or width of the output of a sliding window (convolution or pooling) from that of the input,
 * in pixels, as in Keras.
 */
export function createWindowOutputSize(size: number, stride: number, padding: Padding, dilation = 1) {
  return (input: number): number =>
    padding === 'same'
      ? Math.ceil(input / stride)
      : Math.floor((input - (dilation * (size - 1) + 1)) / stride) + 1;
}
