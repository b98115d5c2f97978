import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { type ImageBytes, toGrayscaleBytes } from '../../core/images.js';
import type { HeatMap } from '../../core/records/heatMap.js';

/**
 * Options of {@link heatOverlay}.
 *
 * @category Figures
 */
export interface HeatOverlayOptions {
  /** Share of the heat's colour in each pixel, 0 to 1; the rest is the image in grey. Default 0.5. */
  readonly opacity?: number;
}

/**
 * Viridis (S. van der Walt and N. Smith, matplotlib 1.5), every sixteenth of its way: its lightness grows evenly, so that heat
 * is told in grey and by eyes that mix up red and green.
 */
const VIRIDIS = (
  '440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c ' +
  '1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725'
)
  .split(' ')
  .map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));

/**
 * An image under a heat map: in grey, so that colour means heat alone, from dark violet (0) over green to yellow (1). The map is
 * stretched over the image, bilinearly between the middles of its places.
 *
 * @param image - Any size; the result has it too, in RGB.
 * @param heat - What `gradCam` gave for this image.
 * @throws `argument` fault for an opacity out of range, an image of other than 1 or 3 channels, heat that is no number, and for pixels or numbers that are not as many as the sizes say.
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
export function heatOverlay(
  image: ImageBytes,
  heat: HeatMap,
  { opacity = 0.5 }: HeatOverlayOptions = {},
): ImageBytes {
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
  const hole = heat.data.findIndex((value) => !Number.isFinite(value));
  if (hole >= 0) {
    const advice = 'Check the losses of the training run: weights that are NaN produce such a heat map.';
    throw createArgumentError(
      `heatOverlay.heat[${hole}]`,
      'a finite number',
      String(heat.data[hole]),
      advice,
    );
  }
  const grey = channels === 3 ? toGrayscaleBytes(image.data, 3) : image.data;
  const [rows, columns] = [
    computeSamplePositions(height, heat.height),
    computeSamplePositions(width, heat.width),
  ];
  const data = new Uint8Array(height * width * 3);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const line = (from: number) =>
        interpolate(heat.data[from + column.first]!, heat.data[from + column.second]!, column.share);
      const value = interpolate(line(row.first * heat.width), line(row.second * heat.width), row.share);
      const at = y * width + x;
      getViridisColor(value).forEach((own, channel) => {
        data[3 * at + channel] = Math.round(interpolate(grey[at]!, own, opacity));
      });
    }
  }
  return { data, height, width, channels: 3 };
}

/** Exactly `one` at 0 and exactly `other` at 1, where their difference would round. */
const interpolate = (one: number, other: number, share: number) => one * (1 - share) + other * share;

/** The two places of a line of `count` between whose middles each pixel of a line of `size` lies. */
function computeSamplePositions(size: number, count: number) {
  return Array.from({ length: size }, (_, pixel) => {
    const place = Math.min(Math.max(((pixel + 0.5) / size) * count - 0.5, 0), count - 1);
    const first = Math.floor(place);
    return { first, second: Math.min(first + 1, count - 1), share: place - first };
  });
}

function getViridisColor(value: number): number[] {
  const place = Math.min(Math.max(value, 0), 1) * (VIRIDIS.length - 1);
  const first = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[first]!.map((own, channel) =>
    interpolate(own, VIRIDIS[first + 1]![channel]!, place - first),
  );
}

function checkLength(path: string, data: ArrayLike<number> | undefined, size: number, said: string): void {
  if (data?.length === size && size > 0) return;
  const advice = 'Pass the rows from top to bottom with interleaved channels, without an alpha channel.';
  const received = data ? `${data.length} numbers` : 'undefined data';
  throw createArgumentError(path, `${size} numbers for ${said}`, received, advice);
}
