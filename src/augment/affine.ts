import type { ImageBytes, ImageShape, Pixels } from '../core/images.js';

/**
 * The numbers of one affine change. Angles in degrees, shifts in pixels, zooms as factors (over 1 shows more).
 *
 * @category Augment
 */
export interface AffinePlan {
  /** Degrees, counter-clockwise positive. */
  readonly rotation: number;
  /** Moves columns: what Keras draws from `height_shift_range` and calls tx. */
  readonly shiftColumns: number;
  /** Moves rows: what Keras draws from `width_shift_range` and calls ty. */
  readonly shiftRows: number;
  /** Degrees. */
  readonly shear: number;
  /** Factor of the columns. */
  readonly zoomColumns: number;
  /** Factor of the rows. */
  readonly zoomRows: number;
}

/**
 * What pixels from outside the image are.
 *
 * @category Augment
 */
export type FillMode = 'nearest' | 'reflect' | 'wrap' | 'constant';

/** How an image is sampled. */
export interface WarpOptions {
  readonly fill: FillMode;
  /** For `constant`, 0..255. */
  readonly value: number;
  /** Keras's generators take the centre of the other axis, which shows on images that are not square. */
  readonly kerasCentre: boolean;
}

/** Row and column in the source of a row and column of the result: `[a, b, c, d, e, f]`, `row = a r + b c + e`. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * The matrix of a plan, from output to input: rotation, shift, shear and zoom about the centre, with rows and columns
 * exchanged as in Keras 3 `apply_affine_transform` (legacy/preprocessing/image.py).
 */
export function computeAffineMatrix(
  plan: AffinePlan,
  [height, width]: ImageShape,
  kerasCentre: boolean,
): AffineMatrix {
  const radians = Math.PI / 180;
  const [cos, sin] = [Math.cos(plan.rotation * radians), Math.sin(plan.rotation * radians)];
  const [shearCos, shearSin] = [Math.cos(plan.shear * radians), Math.sin(plan.shear * radians)];
  const { zoomColumns: zx, zoomRows: zy, shiftColumns: tx, shiftRows: ty } = plan;
  // rotation · shift · shear · zoom, in (column, row) after the exchange.
  const xx = cos * zx;
  const xy = (-cos * shearSin - sin * shearCos) * zy;
  const yx = sin * zx;
  const yy = (-sin * shearSin + cos * shearCos) * zy;
  const ox = cos * tx - sin * ty;
  const oy = sin * tx + cos * ty;
  const rows = height / 2 - 0.5;
  const columns = width / 2 - 0.5;
  const [centreX, centreY] = kerasCentre ? [rows, columns] : [columns, rows];
  const offsetX = ox + centreX - xx * centreX - xy * centreY;
  const offsetY = oy + centreY - yx * centreX - yy * centreY;
  return [yy, yx, xy, xx, offsetY, offsetX];
}

/**
 * Samples `image` through `matrix` into `to`, bilinear as scipy's `affine_transform` of order 1.
 *
 * The hottest loop of the data's side: three channels are written out, nothing is allocated, and truncation stands for
 * `Math.floor`, which it equals from zero up. Nearly twice as fast as the plain loop.
 */
export function warp(
  image: ImageBytes,
  matrix: AffineMatrix,
  { fill, value }: WarpOptions,
  to: Float32Array = new Float32Array(image.data.length),
): Pixels {
  const { data: from, height, width, channels } = image;
  const [a, b, c, d, e, f] = matrix;
  const line = width * channels;
  const bottom = height - 1;
  const rightmost = width - 1;
  let out = 0;
  for (let r = 0; r < height; r++) {
    const yOfRow = a * r;
    const xOfRow = c * r;
    for (let column = 0; column < width; column++) {
      let y = yOfRow + b * column + e;
      let x = xOfRow + d * column + f;
      if (y < 0 || y > bottom || x < 0 || x > rightmost) {
        if (fill === 'constant') {
          for (const end = out + channels; out < end; out++) to[out] = value;
          continue;
        }
        y = mapCoordinate(y, height, fill);
        x = mapCoordinate(x, width, fill);
      }
      const top = y | 0;
      const left = x | 0;
      const dy = y - top;
      const dx = x - left;
      const p = (1 - dy) * (1 - dx);
      const q = (1 - dy) * dx;
      const s = dy * (1 - dx);
      const t = dy * dx;
      let i = top * line + left * channels;
      let j = left < rightmost ? i + channels : i; // to the right
      const down = top < bottom ? line : 0;
      let k = i + down;
      let l = j + down;
      if (channels === 3) {
        to[out] = p * from[i]! + q * from[j]! + s * from[k]! + t * from[l]!;
        to[out + 1] = p * from[i + 1]! + q * from[j + 1]! + s * from[k + 1]! + t * from[l + 1]!;
        to[out + 2] = p * from[i + 2]! + q * from[j + 2]! + s * from[k + 2]! + t * from[l + 2]!;
        out += 3;
      } else {
        for (const end = out + channels; out < end; out++) {
          to[out] = p * from[i++]! + q * from[j++]! + s * from[k++]! + t * from[l++]!;
        }
      }
    }
  }
  return { data: to, height, width, channels };
}

/** A coordinate brought into 0 .. size-1, as scipy's modes of the same names do. */
function mapCoordinate(at: number, size: number, fill: Exclude<FillMode, 'constant'>): number {
  const last = size - 1;
  if (fill === 'nearest' || last === 0) return Math.min(Math.max(at, 0), last);
  if (fill === 'wrap') return at - last * Math.floor(at / last); // scipy's period is size - 1
  const period = 2 * size; // d c b a | a b c d | d c b a
  const folded = at + 0.5 - period * Math.floor((at + 0.5) / period);
  const mirrored = folded < size ? folded : period - folded;
  return Math.min(Math.max(mirrored - 0.5, 0), last);
}
