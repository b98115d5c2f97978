import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { checkImageBytes, type ImageBytes, toGrayscaleBytes } from '../../core/images.js';
import type { HeatMap } from '../../core/records/heatMap.js';

/**
 * Options for {@link heatOverlay}.
 *
 * @category Figures
 */
export interface HeatOverlayOptions {
  /** Weight of the heat map color in each pixel, from 0 to 1. The grayscale image has the remaining weight. Default: 0.5. */
  readonly opacity?: number;
}

/**
 * Viridis color map (S. van der Walt and N. Smith, matplotlib 1.5), sampled at 16 equidistant positions. Its lightness increases
 * evenly, so that heat maps are readable in grayscale and for people with red-green color blindness.
 */
const VIRIDIS = (
  '440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c ' +
  '1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725'
)
  .split(' ')
  .map((hex) => [0, 2, 4].map((offset) => Number.parseInt(hex.slice(offset, offset + 2), 16)));

/**
 * Draws a heat map over an image, from dark violet (0) through green to yellow (1). The image is converted to grayscale, so that
 * all colors come from the heat map. The heat map is resized to the image size with bilinear interpolation.
 *
 * @param image - Image of any size, with 1 or 3 channels.
 * @param heat - Heat map that `gradCam` returned for this image.
 * @returns An RGB image of the same size.
 * @throws An `argument` error for an opacity outside 0 to 1, an image with a different number of channels, values of the heat map
 *   that are not finite, or data whose length does not match the shape.
 * @example
 * ```ts
 * import { heatOverlay } from 'tfjs-multitask/report';
 *
 * const image = { data: new Uint8Array(4 * 4 * 3).fill(200), height: 4, width: 4, channels: 3 };
 * const heat = { height: 1, width: 2, data: Float32Array.of(0, 1) };
 * const { data } = heatOverlay(image, heat, { opacity: 1 });
 * console.log(data.slice(0, 3)); // Uint8Array(3) [ 68, 1, 84 ]
 * console.log(data.slice(9, 12)); // Uint8Array(3) [ 253, 231, 37 ]
 * ```
 * @category Figures
 */
export function heatOverlay(image: ImageBytes, heat: HeatMap, options: HeatOverlayOptions = {}): ImageBytes {
  checkImageBytes('heatOverlay.image', image);
  checks.record('heatOverlay.heat', heat, { noun: 'a heat map', advice: 'Pass a result of gradCam().' });
  checks.options(
    'heatOverlay',
    options,
    { opacity: true },
    { replacements: { alpha: 'Write opacity: 0.5.' } },
  );
  const { opacity = 0.5 } = options;
  const { height, width, channels } = image;
  checks.proportion('heatOverlay.opacity', opacity, { advice: 'Omit it to use the default, 0.5.' });
  if (channels !== 1 && channels !== 3) {
    const advice = 'Pass a grayscale or RGB image without an alpha channel.';
    throw createArgumentError(
      'heatOverlay.image',
      '1 or 3 channels',
      `${formatValue(channels)} channels`,
      advice,
    );
  }
  checkLength('heatOverlay.image', image.data, height * width * channels, `${height}x${width}x${channels}`);
  checkLength('heatOverlay.heat', heat.data, heat.height * heat.width, `${heat.height}x${heat.width}`);
  const invalid = heat.data.findIndex((value) => !Number.isFinite(value));
  if (invalid >= 0) {
    const advice = 'Check the losses of the training run: if the weights are NaN, the heat map is NaN.';
    throw createArgumentError(
      `heatOverlay.heat[${invalid}]`,
      'a finite number',
      String(heat.data[invalid]),
      advice,
    );
  }
  const gray = channels === 3 ? toGrayscaleBytes(image.data, 3) : image.data;
  const [rows, columns] = [
    computeSamplePositions(height, heat.height),
    computeSamplePositions(width, heat.width),
  ];
  const data = new Uint8Array(height * width * 3);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const interpolateRow = (offset: number) =>
        interpolate(heat.data[offset + column.first]!, heat.data[offset + column.second]!, column.weight);
      const value = interpolate(
        interpolateRow(row.first * heat.width),
        interpolateRow(row.second * heat.width),
        row.weight,
      );
      const pixel = y * width + x;
      getViridisColor(value).forEach((level, channel) => {
        data[3 * pixel + channel] = Math.round(interpolate(gray[pixel]!, level, opacity));
      });
    }
  }
  return { data, height, width, channels: 3 };
}

/**
 * Interpolates linearly between `a` and `b`. The result is exactly `a` at weight 0 and exactly `b` at weight 1. A formula with a
 * single multiplication does not guarantee this.
 */
const interpolate = (a: number, b: number, weight: number) => a * (1 - weight) + b * weight;

/** Position of a pixel between the centers of two cells of the heat map. */
interface SamplePosition {
  readonly first: number;
  readonly second: number;
  /**
   * Weight of the cell at index `second` in the interpolation, from 0 to 1. The cell at index `first` has the remaining weight.
   */
  readonly weight: number;
}

/** Computes the positions of `size` pixels along an axis with `count` cells. */
function computeSamplePositions(size: number, count: number): SamplePosition[] {
  return Array.from({ length: size }, (_, pixel) => {
    const position = Math.min(Math.max(((pixel + 0.5) / size) * count - 0.5, 0), count - 1);
    const first = Math.floor(position);
    return { first, second: Math.min(first + 1, count - 1), weight: position - first };
  });
}

function getViridisColor(value: number): number[] {
  const position = Math.min(Math.max(value, 0), 1) * (VIRIDIS.length - 1);
  const first = Math.min(Math.floor(position), VIRIDIS.length - 2);
  return VIRIDIS[first]!.map((level, channel) =>
    interpolate(level, VIRIDIS[first + 1]![channel]!, position - first),
  );
}

function checkLength(path: string, data: ArrayLike<number> | undefined, size: number, shape: string): void {
  if (data?.length === size && size > 0) return;
  const advice =
    'Pass the values row by row from the top, with interleaved channels and without an alpha channel.';
  const received = data ? `${data.length} numbers` : 'no data';
  throw createArgumentError(path, `${size} numbers for the shape ${shape}`, received, advice);
}
