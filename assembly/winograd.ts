// Convolutions with a 3x3 filter and stride 1 in the minimal filtering form F(2x2, 3x3) (A. Lavin and S. Gray 2016): an output tile
// of 2x2 pixels takes 16 products per pair of channels, not 36. Transformed tiles are multiplied position by position, as 16 matrix
// products. The transforms only add and halve, so the rounding error stays close to that of the direct sum, and a NaN in the input
// reaches exactly the outputs whose windows contain it. See training.ts for the conventions of this folder.

import { clear, copy } from './memory';

const FLOAT: usize = 4;
/** Number of transformed values per tile and channel. */
const POSITIONS: i32 = 16;
/** Number of tiles that are transformed and multiplied at a time. */
const TILES: i32 = 32;
/** Bytes of 8 output channels, which are computed at a time. */
const PANEL: usize = 32;
/** Bytes between positions in addition to their tiles, so that equal tiles of all positions do not share one set of the cache. */
const GAP: usize = 64;

/** Loads 4 floats that are `step` bytes apart. */
// @ts-ignore: decorator
@inline
function gather(at: usize, step: usize): v128 {
  let value = v128.load_zero<f32>(at);
  value = v128.load_lane<f32>(at + step, value, 1);
  value = v128.load_lane<f32>(at + 2 * step, value, 2);
  return v128.load_lane<f32>(at + 3 * step, value, 3);
}

/** Multiplies one row of a filter by the transposed filter transform, and stores the 4 results `step` bytes apart. */
// @ts-ignore: decorator
@inline
function storeFilterRow(at: usize, step: usize, a: v128, b: v128, c: v128): void {
  const half = f32x4.splat(0.5);
  const ends = f32x4.mul(f32x4.add(a, c), half);
  const middle = f32x4.mul(b, half);
  v128.store(at, a);
  v128.store(at + step, f32x4.add(ends, middle));
  v128.store(at + 2 * step, f32x4.sub(ends, middle));
  v128.store(at + 3 * step, c);
}

/**
 * Transforms a filter, `[3, 3, in, out]`, to `u`, `[out / 8, 16, in, 8]`. If `isRotated` is 1, the filter is first rotated by 180 degrees, and
 * its input and output channels are swapped, as the gradient with respect to the input requires. Parts are ranges of 8 output channels of `u`.
 */
export function winogradFilter(
  w: usize, u: usize, inChannels: i32, outChannels: i32, isRotated: i32, from: i32, to: i32,
): void {
  const depth = isRotated ? outChannels : inChannels;
  const tap = <usize>(inChannels * outChannels) * FLOAT;
  const row = <usize>outChannels * FLOAT;
  const position = <usize>depth * PANEL;
  const half = f32x4.splat(0.5);
  for (let panel = from; panel < to; panel++) {
    for (let k = 0; k < depth; k++) {
      for (let c = 0; c < 8; c += 4) {
        const column = panel * 8 + c;
        const out = u + <usize>(panel * POSITIONS) * position + <usize>k * PANEL + <usize>c * FLOAT;
        let a: v128, b: v128, d: v128, e: v128, f: v128, g: v128, h: v128, i: v128, j: v128;
        if (isRotated) {
          const at = w + <usize>column * row + <usize>k * FLOAT;
          a = gather(at + 8 * tap, row);
          b = gather(at + 7 * tap, row);
          d = gather(at + 6 * tap, row);
          e = gather(at + 5 * tap, row);
          f = gather(at + 4 * tap, row);
          g = gather(at + 3 * tap, row);
          h = gather(at + 2 * tap, row);
          i = gather(at + tap, row);
          j = gather(at, row);
        } else {
          const at = w + <usize>k * row + <usize>column * FLOAT;
          a = v128.load(at);
          b = v128.load(at + tap);
          d = v128.load(at + 2 * tap);
          e = v128.load(at + 3 * tap);
          f = v128.load(at + 4 * tap);
          g = v128.load(at + 5 * tap);
          h = v128.load(at + 6 * tap);
          i = v128.load(at + 7 * tap);
          j = v128.load(at + 8 * tap);
        }
        storeFilterRow(out, position, a, b, d);
        const ends0 = f32x4.mul(f32x4.add(a, h), half);
        const ends1 = f32x4.mul(f32x4.add(b, i), half);
        const ends2 = f32x4.mul(f32x4.add(d, j), half);
        e = f32x4.mul(e, half);
        f = f32x4.mul(f, half);
        g = f32x4.mul(g, half);
        storeFilterRow(out + 4 * position, position, f32x4.add(ends0, e), f32x4.add(ends1, f), f32x4.add(ends2, g));
        storeFilterRow(out + 8 * position, position, f32x4.sub(ends0, e), f32x4.sub(ends1, f), f32x4.sub(ends2, g));
        storeFilterRow(out + 12 * position, position, h, i, j);
      }
    }
  }
}

/**
 * Returns the address of the pixel at (`top`, `left`) of an image. If the 4x4 tile that starts there is not completely inside the image, it is
 * copied to `patch` with zeros outside of the image, and the address of the copy is returned.
 */
// @ts-ignore: decorator
@inline
function locateTile(
  image: usize, patch: usize, top: i32, left: i32, size: i32, height: i32, width: i32, pixel: usize,
): usize {
  const line = <usize>width * pixel;
  if (top >= 0 && left >= 0 && top + size <= height && left + size <= width) {
    return image + <usize>top * line + <usize>left * pixel;
  }
  clear(patch, <usize>(size * size) * pixel);
  const first = max(0, -left);
  const count = min(size, width - left) - first;
  if (count > 0) {
    for (let i = max(0, -top), last = min(size, height - top); i < last; i++) {
      const source = image + <usize>(top + i) * line + <usize>(left + first) * pixel;
      copy(patch + <usize>(i * size + first) * pixel, source, <usize>count * pixel);
    }
  }
  return patch;
}

/** Computes one row of a transformed 4x4 tile from the rows `a` and `b` of the tile: their difference, or their sum if `isSum`. */
// @ts-ignore: decorator
@inline
function storeTileRow(
  isSum: bool, a: usize, b: usize, pixel: usize, out: usize, step: usize, first: i32, last: i32,
): void {
  const p = isSum ? f32x4.add(v128.load(a), v128.load(b)) : f32x4.sub(v128.load(a), v128.load(b));
  const a1 = v128.load(a + pixel);
  const b1 = v128.load(b + pixel);
  const q = isSum ? f32x4.add(a1, b1) : f32x4.sub(a1, b1);
  const a2 = v128.load(a + 2 * pixel);
  const b2 = v128.load(b + 2 * pixel);
  const r = isSum ? f32x4.add(a2, b2) : f32x4.sub(a2, b2);
  const a3 = v128.load(a + 3 * pixel);
  const b3 = v128.load(b + 3 * pixel);
  const s = isSum ? f32x4.add(a3, b3) : f32x4.sub(a3, b3);
  if (first <= 0 && last > 0) v128.store(out, f32x4.sub(p, r));
  if (first <= 1 && last > 1) v128.store(out + step, f32x4.add(q, r));
  if (first <= 2 && last > 2) v128.store(out + 2 * step, f32x4.sub(r, q));
  if (first <= 3 && last > 3) v128.store(out + 3 * step, f32x4.sub(q, s));
}

/**
 * Computes the positions `from` to `to` of the transform of a 4x4 tile. `line` and `pixel` are the bytes of a line and a pixel of the image
 * that contains the tile. The values of 4 channels are `step` bytes apart from those of the next 4, and `position` bytes from those of the
 * next position.
 */
// @ts-ignore: decorator
@inline
function transformTile(
  tile: usize, line: usize, pixel: usize, out: usize, step: usize, position: usize, from: i32, to: i32,
): void {
  const row1 = tile + line;
  const row2 = row1 + line;
  const row3 = row2 + line;
  for (let c: usize = 0; c < pixel; c += 16, out += step) {
    if (from < 4) storeTileRow(false, tile + c, row2 + c, pixel, out, position, from, to);
    if (from < 8 && to > 4) storeTileRow(true, row1 + c, row2 + c, pixel, out + 4 * position, position, from - 4, to - 4);
    if (from < 12 && to > 8) storeTileRow(false, row2 + c, row1 + c, pixel, out + 8 * position, position, from - 8, to - 8);
    if (to > 12) storeTileRow(false, row1 + c, row3 + c, pixel, out + 12 * position, position, from - 12, to - 12);
  }
}

/**
 * Computes the sum over `count` terms of v[4][term] u[term][8], and stores it in m[4][8], or adds it if `isAdded`. The rows of v are `row`
 * bytes apart and its terms `term` bytes, the terms of u PANEL bytes, and the rows of m `mRow` bytes.
 */
// @ts-ignore: decorator
@inline
function multiply4x8(isAdded: bool, v: usize, row: usize, term: usize, u: usize, count: i32, m: usize, mRow: usize): void {
  let v1 = v + row;
  let v2 = v1 + row;
  let v3 = v2 + row;
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  for (let i = 0; i < count; i++) {
    const u0 = v128.load(u);
    const u1 = v128.load(u, 16);
    let value = v128.load_splat<f32>(v);
    a0 = f32x4.add(a0, f32x4.mul(value, u0));
    a1 = f32x4.add(a1, f32x4.mul(value, u1));
    value = v128.load_splat<f32>(v1);
    b0 = f32x4.add(b0, f32x4.mul(value, u0));
    b1 = f32x4.add(b1, f32x4.mul(value, u1));
    value = v128.load_splat<f32>(v2);
    c0 = f32x4.add(c0, f32x4.mul(value, u0));
    c1 = f32x4.add(c1, f32x4.mul(value, u1));
    value = v128.load_splat<f32>(v3);
    d0 = f32x4.add(d0, f32x4.mul(value, u0));
    d1 = f32x4.add(d1, f32x4.mul(value, u1));
    v += term;
    v1 += term;
    v2 += term;
    v3 += term;
    u += PANEL;
  }
  storeSums(isAdded, m, a0, a1);
  storeSums(isAdded, m + mRow, b0, b1);
  storeSums(isAdded, m + 2 * mRow, c0, c1);
  storeSums(isAdded, m + 3 * mRow, d0, d1);
}

/** Stores 8 sums, or adds them to those in memory if `isAdded`. */
// @ts-ignore: decorator
@inline
function storeSums(isAdded: bool, at: usize, a: v128, b: v128): void {
  v128.store(at, isAdded ? f32x4.add(v128.load(at), a) : a);
  v128.store(at, isAdded ? f32x4.add(v128.load(at, 16), b) : b, 16);
}

/** Computes a row of two output pixels of 4 channels from a row of 4 sums, and stores the pixels that are inside the image. */
// @ts-ignore: decorator
@inline
function storeOutputRow(
  y: usize, pixel: usize, hasSecond: bool, offset: v128, low: v128, a: v128, b: v128, c: v128, d: v128,
): void {
  v128.store(y, f32x4.max(f32x4.add(f32x4.add(a, offset), f32x4.add(b, c)), low));
  if (hasSecond) v128.store(y + pixel, f32x4.max(f32x4.add(f32x4.sub(b, c), f32x4.sub(offset, d)), low));
}

/**
 * Computes a convolution with a 3x3 filter that {@link winogradFilter} has transformed to `u`, stride 1, bias and activation. `bias` may be 0.
 * The result is at least `lowBits`, the bits of a float32: 0 for relu, -Infinity for no activation. NaN stays NaN. There are `parts` parts.
 * Each uses `scratchStep` bytes of `scratch`: 16 (32 inChannels + 16) + 4096 + 16 inChannels floats.
 */
export function winogradConvolution(
  x: usize, u: usize, bias: usize, y: usize,
  batch: i32, inHeight: i32, inWidth: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  padTop: i32, padLeft: i32, lowBits: i32, scratch: usize, scratchStep: usize, parts: i32, from: i32, to: i32,
): void {
  const low = f32x4.splat(reinterpret<f32>(lowBits));
  const xPixel = <usize>inChannels * FLOAT;
  const xLine = <usize>inWidth * xPixel;
  const yPixel = <usize>outChannels * FLOAT;
  const yLine = <usize>outWidth * yPixel;
  const columns = (outWidth + 1) / 2;
  const rows = (outHeight + 1) / 2;
  const tiles = batch * rows * columns;
  const blocks = (tiles + TILES - 1) / TILES;
  const position = <usize>TILES * xPixel + GAP;
  const sums = <usize>TILES * PANEL;
  for (let part = from; part < to; part++) {
    const v = scratch + <usize>part * scratchStep;
    const m = v + <usize>POSITIONS * position;
    const patch = m + <usize>POSITIONS * sums;
    for (let block = (blocks * part) / parts, end = (blocks * (part + 1)) / parts; block < end; block++) {
      const first = block * TILES;
      const count = min(TILES, tiles - first);
      for (let t = 0; t < count; t++) {
        const line = (first + t) / columns;
        const top = 2 * (line % rows) - padTop;
        const left = 2 * ((first + t) % columns) - padLeft;
        const image = x + <usize>((line / rows) * inHeight) * xLine;
        const tile = locateTile(image, patch, top, left, 4, inHeight, inWidth, xPixel);
        transformTile(tile, tile === patch ? 4 * xPixel : xLine, xPixel, v + <usize>t * xPixel, 16, position, 0, 16);
      }
      for (let co = 0; co < outChannels; co += 8) {
        const weights = u + <usize>(co * POSITIONS) * xPixel;
        for (let p = 0; p < POSITIONS; p++) {
          const vs = v + <usize>p * position;
          const us = weights + <usize>(p * inChannels) * PANEL;
          const ms = m + <usize>p * sums;
          for (let t = 0; t < count; t += 4) {
            multiply4x8(false, vs + <usize>t * xPixel, xPixel, FLOAT, us, inChannels, ms + <usize>t * PANEL, PANEL);
          }
        }
        for (let t = 0; t < count; t++) {
          const line = (first + t) / columns;
          const oy = 2 * (line % rows);
          const ox = 2 * ((first + t) % columns);
          const hasRight = ox + 1 < outWidth;
          const hasBottom = oy + 1 < outHeight;
          let out = y + <usize>((line / rows) * outHeight + oy) * yLine + <usize>ox * yPixel + <usize>co * FLOAT;
          let ms = m + <usize>t * PANEL;
          for (let c: usize = 0; c < 32; c += 16, ms += 16, out += 16) {
            const offset = bias ? v128.load(bias + <usize>co * FLOAT + c) : f32x4.splat(0);
            const m4 = ms + 4 * sums;
            const m8 = ms + 8 * sums;
            const m12 = ms + 12 * sums;
            const a1 = v128.load(m4);
            const a2 = v128.load(m8);
            const b1 = v128.load(m4 + sums);
            const b2 = v128.load(m8 + sums);
            const c1 = v128.load(m4 + 2 * sums);
            const c2 = v128.load(m8 + 2 * sums);
            const d1 = v128.load(m4 + 3 * sums);
            const d2 = v128.load(m8 + 3 * sums);
            storeOutputRow(
              out, yPixel, hasRight, offset, low,
              f32x4.add(v128.load(ms), f32x4.add(a1, a2)),
              f32x4.add(v128.load(ms + sums), f32x4.add(b1, b2)),
              f32x4.add(v128.load(ms + 2 * sums), f32x4.add(c1, c2)),
              f32x4.add(v128.load(ms + 3 * sums), f32x4.add(d1, d2)),
            );
            if (hasBottom) {
              storeOutputRow(
                out + yLine, yPixel, hasRight, offset, low,
                f32x4.sub(f32x4.sub(a1, a2), v128.load(m12)),
                f32x4.sub(f32x4.sub(b1, b2), v128.load(m12 + sums)),
                f32x4.sub(f32x4.sub(c1, c2), v128.load(m12 + 2 * sums)),
                f32x4.sub(f32x4.sub(d1, d2), v128.load(m12 + 3 * sums)),
              );
            }
          }
        }
      }
    }
  }
}

/** Computes one row of a transformed 2x2 tile from the two pixels of a row, halved as often as the transform requires. */
// @ts-ignore: decorator
@inline
function storeGradientRow(a: v128, b: v128, out: usize, step: usize, first: i32, last: i32): void {
  const half = f32x4.splat(0.5);
  if (first <= 0 && last > 0) v128.store(out, a);
  if (first <= 1 && last > 1) v128.store(out + step, f32x4.mul(f32x4.add(a, b), half));
  if (first <= 2 && last > 2) v128.store(out + 2 * step, f32x4.mul(f32x4.sub(a, b), half));
  if (first <= 3 && last > 3) v128.store(out + 3 * step, b);
}

/**
 * Computes the sums over all tiles, `[16, in, out]`, from which {@link winogradFilterGradient} computes the gradient of a 3x3 filter with
 * stride 1: at each position, the products of a transformed 4x4 tile of `x` and a transformed 2x2 tile of `dy`. Parts are ranges of
 * positions; each transforms the tiles only at its positions. The part that starts at position p uses the bytes from `scratch` + p
 * (32 (inChannels + outChannels) + 16 (inChannels + outChannels)) * 4.
 */
export function winogradGradientSums(
  x: usize, dy: usize, sums: usize,
  batch: i32, inHeight: i32, inWidth: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  padTop: i32, padLeft: i32, scratch: usize, from: i32, to: i32,
): void {
  if (from >= to) return;
  const xPixel = <usize>inChannels * FLOAT;
  const xLine = <usize>inWidth * xPixel;
  const yPixel = <usize>outChannels * FLOAT;
  const yLine = <usize>outWidth * yPixel;
  const columns = (outWidth + 1) / 2;
  const rows = (outHeight + 1) / 2;
  const tiles = batch * rows * columns;
  // The first positions of a range are subtracted, because the scratch memory contains only this range.
  const xPosition = <usize>TILES * xPixel;
  const yPosition = <usize>TILES * yPixel;
  const scratchStart = scratch + <usize>from * (xPosition + yPosition + 16 * (xPixel + yPixel));
  const v = scratchStart;
  const d = v + <usize>(to - from) * xPosition;
  const patch = d + <usize>(to - from) * yPosition;
  const vs = v - <usize>from * xPosition;
  const ds = d - <usize>from * yPosition;
  const half = f32x4.splat(0.5);
  const sumsPosition = xPixel * <usize>outChannels;
  clear(sums + <usize>from * sumsPosition, <usize>(to - from) * sumsPosition);
  for (let first = 0; first < tiles; first += TILES) {
    const count = min(TILES, tiles - first);
    for (let t = 0; t < count; t++) {
      const line = (first + t) / columns;
      const oy = 2 * (line % rows);
      const ox = 2 * ((first + t) % columns);
      const image = line / rows;
      const xs = x + <usize>(image * inHeight) * xLine;
      const tile = locateTile(xs, patch, oy - padTop, ox - padLeft, 4, inHeight, inWidth, xPixel);
      transformTile(
        tile, tile === patch ? 4 * xPixel : xLine, xPixel, vs + <usize>t * 16, <usize>TILES * 16, xPosition, from, to,
      );
      const gs = dy + <usize>(image * outHeight) * yLine;
      const gradient = locateTile(gs, patch, oy, ox, 2, outHeight, outWidth, yPixel);
      const second = gradient + (gradient === patch ? 2 * yPixel : yLine);
      let out = ds + <usize>t * PANEL;
      for (let c: usize = 0; c < yPixel; c += 16) {
        const a = v128.load(gradient + c);
        const b = v128.load(gradient + c + yPixel);
        const e = v128.load(second + c);
        const f = v128.load(second + c + yPixel);
        if (from < 4) storeGradientRow(a, b, out, yPosition, from, to);
        if (from < 8 && to > 4) {
          const at = out + 4 * yPosition;
          storeGradientRow(f32x4.mul(f32x4.add(a, e), half), f32x4.mul(f32x4.add(b, f), half), at, yPosition, from - 4, to - 4);
        }
        if (from < 12 && to > 8) {
          const at = out + 8 * yPosition;
          storeGradientRow(f32x4.mul(f32x4.sub(a, e), half), f32x4.mul(f32x4.sub(b, f), half), at, yPosition, from - 8, to - 8);
        }
        if (to > 12) storeGradientRow(e, f, out + 12 * yPosition, yPosition, from - 12, to - 12);
        out += c & 16 ? <usize>TILES * PANEL - 16 : 16;
      }
    }
    for (let p = from; p < to; p++) {
      for (let ci = 0; ci < inChannels; ci += 4) {
        const a = vs + <usize>p * xPosition + <usize>(ci * TILES) * FLOAT;
        const row = sums + <usize>p * sumsPosition + <usize>ci * yPixel;
        for (let co = 0; co < outChannels; co += 8) {
          const b = ds + <usize>p * yPosition + <usize>(co * TILES) * FLOAT;
          multiply4x8(true, a, FLOAT, 16, b, count, row + <usize>co * FLOAT, yPixel);
        }
      }
    }
  }
}

/** Stores one row of a filter gradient, `[3]` taps of 4 channels, from a row of 4 sums. */
// @ts-ignore: decorator
@inline
function storeFilterGradientRow(at: usize, tap: usize, a: v128, b: v128, c: v128, d: v128): void {
  const sum = f32x4.add(b, c);
  v128.store(at, f32x4.add(a, sum));
  v128.store(at + tap, f32x4.sub(b, c));
  v128.store(at + 2 * tap, f32x4.sub(sum, d));
}

/** Computes the gradient of a filter, `[3, 3, in, out]`, from the sums of {@link winogradGradientSums}. Parts are ranges of 4 floats of `[in, out]`. */
export function winogradFilterGradient(sums: usize, dw: usize, inChannels: i32, outChannels: i32, from: i32, to: i32): void {
  const position = <usize>(inChannels * outChannels) * FLOAT;
  for (let i = from; i < to; i++) {
    const s = sums + <usize>i * 16;
    const out = dw + <usize>i * 16;
    const s4 = s + 4 * position;
    const s8 = s + 8 * position;
    const s12 = s + 12 * position;
    const a1 = v128.load(s4);
    const b1 = v128.load(s4 + position);
    const c1 = v128.load(s4 + 2 * position);
    const d1 = v128.load(s4 + 3 * position);
    const a2 = v128.load(s8);
    const b2 = v128.load(s8 + position);
    const c2 = v128.load(s8 + 2 * position);
    const d2 = v128.load(s8 + 3 * position);
    const a = f32x4.add(a1, a2);
    const b = f32x4.add(b1, b2);
    const c = f32x4.add(c1, c2);
    const d = f32x4.add(d1, d2);
    storeFilterGradientRow(
      out, position,
      f32x4.add(v128.load(s), a),
      f32x4.add(v128.load(s + position), b),
      f32x4.add(v128.load(s + 2 * position), c),
      f32x4.add(v128.load(s + 3 * position), d),
    );
    storeFilterGradientRow(
      out + 3 * position, position, f32x4.sub(a1, a2), f32x4.sub(b1, b2), f32x4.sub(c1, c2), f32x4.sub(d1, d2),
    );
    storeFilterGradientRow(
      out + 6 * position, position,
      f32x4.sub(a, v128.load(s12)),
      f32x4.sub(b, v128.load(s12 + position)),
      f32x4.sub(c, v128.load(s12 + 2 * position)),
      f32x4.sub(d, v128.load(s12 + 3 * position)),
    );
  }
}
