// AssemblyScript, not TypeScript: the inner loops of training on wasm. They process four floats at a time, in the heap of
// TensorFlow.js's own module. `npm run kernels` compiles this file into src/tensor/kernels/simd/simdModule.ts. All tensors are float32
// and channels-last; addresses are bytes. Nothing is allocated here, and there are no constants in memory, because the heap belongs
// to another module. Each function computes the part `from` to `to` of its work. Parts write to different addresses, so several
// threads may share a call, and every value is summed in the same order on any number of threads.

export { chunkGradientSums, chunkMoments, normalize, normalizeGradient } from './batchNorm';
export { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise';
export { greaterEqual, lessEqual, logicalAnd, select4 } from './masks';
export { winogradConvolution, winogradFilter, winogradFilterGradient, winogradGradientSums } from './winograd';

import { endInside, firstInside } from './rows';

const FLOAT: usize = 4;

/** Computes masked = y > 0 ? dy : 0, and its sum per channel. Parts are ranges of channels. `bias` must contain zeros. */
export function biasReluGradient(
  y: usize, dy: usize, masked: usize, bias: usize, rows: i32, channels: i32, from: i32, to: i32,
): void {
  const row = <usize>channels * FLOAT;
  const zero = f32x4.splat(0);
  // Partial sums of 64 rows keep the rounding error small.
  const end = <usize>to * FLOAT;
  for (let first = 0; first < rows; first += 64) {
    const count = min(64, rows - first);
    const start = <usize>first * row;
    let c = <usize>from * FLOAT;
    for (; c + 16 <= end; c += 16) {
      let sum = zero;
      let at = start + c;
      for (let i = 0; i < count; i++, at += row) {
        const value = v128.and(v128.load(dy + at), f32x4.gt(v128.load(y + at), zero));
        v128.store(masked + at, value);
        sum = f32x4.add(sum, value);
      }
      v128.store(bias + c, f32x4.add(v128.load(bias + c), sum));
    }
    for (; c < end; c += FLOAT) {
      let sum: f32 = 0;
      let at = start + c;
      for (let i = 0; i < count; i++, at += row) {
        const value: f32 = load<f32>(y + at) > 0 ? load<f32>(dy + at) : 0;
        store<f32>(masked + at, value);
        sum += value;
      }
      store<f32>(bias + c, load<f32>(bias + c) + sum);
    }
  }
}

/**
 * Computes y = min(max(x, low), high), where NaN stays NaN. `lowBits` and `highBits` are the bits of the float32 bounds. Parts are ranges of
 * values. `y` may be `x`.
 */
export function clamp(x: usize, y: usize, lowBits: i32, highBits: i32, from: i32, to: i32): void {
  const low = reinterpret<f32>(lowBits);
  const high = reinterpret<f32>(highBits);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const end = <usize>to * FLOAT;
  let at = <usize>from * FLOAT;
  for (; at + 16 <= end; at += 16) v128.store(y + at, f32x4.min(f32x4.max(v128.load(x + at), lows), highs));
  for (; at < end; at += FLOAT) store<f32>(y + at, min<f32>(max<f32>(load<f32>(x + at), low), high));
}

/**
 * Computes the maximum of each window, which is NaN if the window contains NaN, or the mean of the pixels of each window that are inside the
 * image. `isMaximum` is a constant of each caller, so the compiler removes the other branch. Parts are ranges of output rows over all images.
 */
// @ts-ignore: decorator
@inline
function pool(
  isMaximum: bool, x: usize, y: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  const pixel = <usize>channels * FLOAT;
  const line = <usize>inWidth * pixel;
  let output = y + <usize>from * <usize>outWidth * pixel;
  for (let r = from; r < to; r++) {
    const oy = r % outHeight;
    const image = x + <usize>((r / outHeight) * inHeight) * line;
    const top = max(oy * strideHeight - padTop, 0);
    const bottom = min(oy * strideHeight - padTop + windowHeight, inHeight);
    for (let ox = 0; ox < outWidth; ox++, output += pixel) {
      const left = max(ox * strideWidth - padLeft, 0);
      const width = min(ox * strideWidth - padLeft + windowWidth, inWidth) - left;
      const corner = image + <usize>top * line + <usize>left * pixel;
      const factor = <f32>1 / <f32>((bottom - top) * width);
      let c: usize = 0;
      for (; c + 16 <= pixel; c += 16) {
        let result = isMaximum ? v128.load(corner + c) : f32x4.splat(0);
        for (let iy = top; iy < bottom; iy++) {
          let at = corner + <usize>(iy - top) * line + c;
          for (let ix = 0; ix < width; ix++, at += pixel) {
            const value = v128.load(at);
            result = isMaximum ? f32x4.max(result, value) : f32x4.add(result, value);
          }
        }
        v128.store(output + c, isMaximum ? result : f32x4.mul(result, f32x4.splat(factor)));
      }
      for (; c < pixel; c += FLOAT) {
        let result: f32 = isMaximum ? load<f32>(corner + c) : 0;
        for (let iy = top; iy < bottom; iy++) {
          let at = corner + <usize>(iy - top) * line + c;
          for (let ix = 0; ix < width; ix++, at += pixel) {
            const value = load<f32>(at);
            result = isMaximum ? max<f32>(result, value) : result + value;
          }
        }
        store<f32>(output + c, isMaximum ? result : result * factor);
      }
    }
  }
}

/** Computes max pooling. See {@link pool}. */
export function maxPool(
  x: usize, y: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  pool(
    true, x, y, inHeight, inWidth, channels, outHeight, outWidth,
    windowHeight, windowWidth, strideHeight, strideWidth, padTop, padLeft, from, to,
  );
}

/** Computes average pooling. See {@link pool}. */
export function averagePool(
  x: usize, y: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  pool(
    false, x, y, inHeight, inWidth, channels, outHeight, outWidth,
    windowHeight, windowWidth, strideHeight, strideWidth, padTop, padLeft, from, to,
  );
}

/** Adds the gradient of each window to its first maximum. Parts are ranges of images. `dx` must contain zeros. */
export function maxPoolGradient(
  x: usize, dy: usize, dx: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  const pixel = <usize>channels * FLOAT;
  const line = <usize>inWidth * pixel;
  let gradient = dy + <usize>(from * outHeight * outWidth) * pixel;
  for (let b = from; b < to; b++) {
    const image = <usize>(b * inHeight) * line;
    for (let oy = 0; oy < outHeight; oy++) {
      const top = max(oy * strideHeight - padTop, 0);
      const bottom = min(oy * strideHeight - padTop + windowHeight, inHeight);
      for (let ox = 0; ox < outWidth; ox++, gradient += pixel) {
        const left = max(ox * strideWidth - padLeft, 0);
        const right = min(ox * strideWidth - padLeft + windowWidth, inWidth);
        const corner = image + <usize>top * line + <usize>left * pixel;
        const width = right - left;
        let c: usize = 0;
        for (; c + 16 <= pixel; c += 16) {
          let maximum = v128.load(x + corner + c);
          for (let iy = top; iy < bottom; iy++) {
            let at = corner + <usize>(iy - top) * line + c;
            for (let ix = 0; ix < width; ix++, at += pixel) maximum = f32x4.max(maximum, v128.load(x + at));
          }
          let remaining = v128.load(gradient + c);
          for (let iy = top; iy < bottom; iy++) {
            let at = corner + <usize>(iy - top) * line + c;
            for (let ix = 0; ix < width; ix++, at += pixel) {
              const isMaximum = f32x4.eq(v128.load(x + at), maximum);
              v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(remaining, isMaximum)));
              remaining = v128.andnot(remaining, isMaximum);
            }
          }
        }
        for (; c < pixel; c += FLOAT) {
          let maximumAddress = corner + c;
          let maximum = load<f32>(x + maximumAddress);
          for (let iy = top; iy < bottom; iy++) {
            let at = corner + <usize>(iy - top) * line + c;
            for (let ix = 0; ix < width; ix++, at += pixel) {
              const value = load<f32>(x + at);
              if (value > maximum) {
                maximum = value;
                maximumAddress = at;
              }
            }
          }
          store<f32>(dx + maximumAddress, load<f32>(dx + maximumAddress) + load<f32>(gradient + c));
        }
      }
    }
  }
}

/** Adds the sum over `count` pixels of x[in] dy[out] to dw[4 in][8 out]. */
// @ts-ignore: decorator
@inline
function block4x8(x: usize, dy: usize, dw: usize, count: i32, xStep: usize, dyStep: usize, row: usize): void {
  let a0 = v128.load(dw);
  let a1 = v128.load(dw, 16);
  let b0 = v128.load(dw + row);
  let b1 = v128.load(dw + row, 16);
  let c0 = v128.load(dw + 2 * row);
  let c1 = v128.load(dw + 2 * row, 16);
  let d0 = v128.load(dw + 3 * row);
  let d1 = v128.load(dw + 3 * row, 16);
  for (let i = 0; i < count; i++) {
    const g0 = v128.load(dy);
    const g1 = v128.load(dy, 16);
    let value = v128.load_splat<f32>(x);
    a0 = f32x4.add(a0, f32x4.mul(value, g0));
    a1 = f32x4.add(a1, f32x4.mul(value, g1));
    value = v128.load_splat<f32>(x, 4);
    b0 = f32x4.add(b0, f32x4.mul(value, g0));
    b1 = f32x4.add(b1, f32x4.mul(value, g1));
    value = v128.load_splat<f32>(x, 8);
    c0 = f32x4.add(c0, f32x4.mul(value, g0));
    c1 = f32x4.add(c1, f32x4.mul(value, g1));
    value = v128.load_splat<f32>(x, 12);
    d0 = f32x4.add(d0, f32x4.mul(value, g0));
    d1 = f32x4.add(d1, f32x4.mul(value, g1));
    x += xStep;
    dy += dyStep;
  }
  v128.store(dw, a0);
  v128.store(dw, a1, 16);
  v128.store(dw + row, b0);
  v128.store(dw + row, b1, 16);
  v128.store(dw + 2 * row, c0);
  v128.store(dw + 2 * row, c1, 16);
  v128.store(dw + 3 * row, d0);
  v128.store(dw + 3 * row, d1, 16);
}

/** Adds the sum over `count` pixels of x[in] dy[out] to dw[1 in][8 out]. */
// @ts-ignore: decorator
@inline
function block1x8(x: usize, dy: usize, dw: usize, count: i32, xStep: usize, dyStep: usize): void {
  let a0 = v128.load(dw);
  let a1 = v128.load(dw, 16);
  for (let i = 0; i < count; i++) {
    const value = v128.load_splat<f32>(x);
    a0 = f32x4.add(a0, f32x4.mul(value, v128.load(dy)));
    a1 = f32x4.add(a1, f32x4.mul(value, v128.load(dy, 16)));
    x += xStep;
    dy += dyStep;
  }
  v128.store(dw, a0);
  v128.store(dw, a1, 16);
}

/** Adds the sum over `count` pixels of x[in] dy[out] to dw[1 in][1 out]. */
// @ts-ignore: decorator
@inline
function block1x1(x: usize, dy: usize, dw: usize, count: i32, xStep: usize, dyStep: usize): void {
  let sum = load<f32>(dw);
  for (let i = 0; i < count; i++) {
    sum += load<f32>(x) * load<f32>(dy);
    x += xStep;
    dy += dyStep;
  }
  store<f32>(dw, sum);
}

/**
 * Computes the gradient of a convolution with respect to its filter: one outer product per pixel, one row of the output at a time,
 * so that the inputs stay in the cache. Parts are ranges of rows of `dw`, which has the shape
 * `[kernelHeight, kernelWidth, inChannels, outChannels]` and must contain zeros.
 */
export function filterGradient(
  x: usize, dy: usize, dw: usize,
  batch: i32, inHeight: i32, inWidth: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
  padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  const xPixel = <usize>inChannels * FLOAT;
  const xStep = <usize>strideWidth * xPixel;
  const dyStep = <usize>outChannels * FLOAT;
  // Without padding, the pixels of a window row and their channels are consecutive, and count as the channels of one pixel. An image with 3
  // channels so fills the blocks of 4.
  if (dilationWidth === 1 && padLeft === 0 && (outWidth - 1) * strideWidth + kernelWidth <= inWidth) {
    inChannels *= kernelWidth;
    kernelWidth = 1;
  }
  for (let b = 0; b < batch; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = oy * strideHeight + ky * dilationHeight - padTop;
        if (iy < 0 || iy >= inHeight) continue;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const tap = (ky * kernelWidth + kx) * inChannels;
          const last = min(to - tap, inChannels);
          let ci = max(from - tap, 0);
          if (ci >= last) continue;
          const shift = kx * dilationWidth - padLeft;
          const first = firstInside(shift, strideWidth);
          const count = endInside(shift, strideWidth, inWidth, outWidth) - first;
          if (count <= 0) continue;
          const xs = x + <usize>((b * inHeight + iy) * inWidth + first * strideWidth + shift) * xPixel;
          const gs = dy + <usize>((b * outHeight + oy) * outWidth + first) * dyStep;
          const ws = dw + <usize>tap * dyStep;
          for (; ci + 4 <= last; ci += 4) {
            const xc = xs + <usize>ci * FLOAT;
            const wc = ws + <usize>ci * dyStep;
            let co: usize = 0;
            for (; co + 32 <= dyStep; co += 32) block4x8(xc, gs + co, wc + co, count, xStep, dyStep, dyStep);
            for (; co < dyStep; co += FLOAT) {
              for (let i: usize = 0; i < 4; i++) {
                block1x1(xc + i * FLOAT, gs + co, wc + i * dyStep + co, count, xStep, dyStep);
              }
            }
          }
          for (; ci < last; ci++) {
            const xc = xs + <usize>ci * FLOAT;
            const wc = ws + <usize>ci * dyStep;
            let co: usize = 0;
            for (; co + 32 <= dyStep; co += 32) block1x8(xc, gs + co, wc + co, count, xStep, dyStep);
            for (; co < dyStep; co += FLOAT) block1x1(xc, gs + co, wc + co, count, xStep, dyStep);
          }
        }
      }
    }
  }
}
