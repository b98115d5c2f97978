// Gradients of depthwise convolutions with one output channel per input channel. See training.ts for the conventions of this folder.

import { clear } from './memory';
import { endInside, firstInside } from './rows';

const FLOAT: usize = 4;

/** Adds a * b to `sum`, each with `bytes` bytes, or assigns it if `isFirst`. */
// @ts-ignore: decorator
@inline
function addProduct(isFirst: bool, a: usize, b: usize, sum: usize, bytes: usize): void {
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    const product = f32x4.mul(v128.load(a + c), v128.load(b + c));
    v128.store(sum + c, isFirst ? product : f32x4.add(v128.load(sum + c), product));
  }
  for (; c < bytes; c += FLOAT) {
    const product = load<f32>(a + c) * load<f32>(b + c);
    store<f32>(sum + c, isFirst ? product : load<f32>(sum + c) + product);
  }
}

/**
 * Computes the gradient with respect to the input from `dy` and the filter `w`, `[kernelHeight, kernelWidth, channels]`. Parts are ranges of rows
 * of `dx` over all images.
 */
export function depthwiseInputGradient(
  dy: usize, w: usize, dx: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
  padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  const pixel = <usize>channels * FLOAT;
  for (let r = from; r < to; r++) {
    const iy = r % inHeight;
    const image = dy + <usize>((r / inHeight) * outHeight * outWidth) * pixel;
    for (let ix = 0; ix < inWidth; ix++) {
      const out = dx + <usize>(r * inWidth + ix) * pixel;
      let isFirst = true;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const y = iy + padTop - ky * dilationHeight;
        if (y < 0 || y % strideHeight !== 0 || y / strideHeight >= outHeight) continue;
        const line = image + <usize>((y / strideHeight) * outWidth) * pixel;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const x = ix + padLeft - kx * dilationWidth;
          if (x < 0 || x % strideWidth !== 0 || x / strideWidth >= outWidth) continue;
          const weights = w + <usize>(ky * kernelWidth + kx) * pixel;
          const gradient = line + <usize>(x / strideWidth) * pixel;
          if (isFirst) addProduct(true, gradient, weights, out, pixel);
          else addProduct(false, gradient, weights, out, pixel);
          isFirst = false;
        }
      }
      if (isFirst) clear(out, pixel);
    }
  }
}

/**
 * Computes the gradient with respect to the filter for each image, `[batch, kernelHeight, kernelWidth, channels]`. Parts are ranges of images.
 */
export function depthwiseFilterGradient(
  x: usize, dy: usize, dw: usize,
  inHeight: i32, inWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
  padTop: i32, padLeft: i32, from: i32, to: i32,
): void {
  const pixel = <usize>channels * FLOAT;
  const xStep = <usize>strideWidth * pixel;
  for (let b = from; b < to; b++) {
    const filter = dw + <usize>(b * kernelHeight * kernelWidth) * pixel;
    clear(filter, <usize>(kernelHeight * kernelWidth) * pixel);
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = oy * strideHeight + ky * dilationHeight - padTop;
        if (iy < 0 || iy >= inHeight) continue;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const shift = kx * dilationWidth - padLeft;
          const first = firstInside(shift, strideWidth);
          const count = endInside(shift, strideWidth, inWidth, outWidth) - first;
          if (count <= 0) continue;
          const xs = x + <usize>((b * inHeight + iy) * inWidth + first * strideWidth + shift) * pixel;
          const gs = dy + <usize>((b * outHeight + oy) * outWidth + first) * pixel;
          const out = filter + <usize>(ky * kernelWidth + kx) * pixel;
          let c: usize = 0;
          for (; c + 64 <= pixel; c += 64) {
            let a0 = f32x4.splat(0);
            let a1 = f32x4.splat(0);
            let a2 = f32x4.splat(0);
            let a3 = f32x4.splat(0);
            let xc = xs + c;
            let gc = gs + c;
            for (let i = 0; i < count; i++, xc += xStep, gc += pixel) {
              a0 = f32x4.add(a0, f32x4.mul(v128.load(xc), v128.load(gc)));
              a1 = f32x4.add(a1, f32x4.mul(v128.load(xc, 16), v128.load(gc, 16)));
              a2 = f32x4.add(a2, f32x4.mul(v128.load(xc, 32), v128.load(gc, 32)));
              a3 = f32x4.add(a3, f32x4.mul(v128.load(xc, 48), v128.load(gc, 48)));
            }
            v128.store(out + c, f32x4.add(v128.load(out + c), a0));
            v128.store(out + c, f32x4.add(v128.load(out + c, 16), a1), 16);
            v128.store(out + c, f32x4.add(v128.load(out + c, 32), a2), 32);
            v128.store(out + c, f32x4.add(v128.load(out + c, 48), a3), 48);
          }
          for (; c + 16 <= pixel; c += 16) {
            let sum = f32x4.splat(0);
            let xc = xs + c;
            let gc = gs + c;
            for (let i = 0; i < count; i++, xc += xStep, gc += pixel) {
              sum = f32x4.add(sum, f32x4.mul(v128.load(xc), v128.load(gc)));
            }
            v128.store(out + c, f32x4.add(v128.load(out + c), sum));
          }
          for (; c < pixel; c += FLOAT) {
            let sum: f32 = 0;
            let xc = xs + c;
            let gc = gs + c;
            for (let i = 0; i < count; i++, xc += xStep, gc += pixel) sum += load<f32>(xc) * load<f32>(gc);
            store<f32>(out + c, load<f32>(out + c) + sum);
          }
        }
      }
    }
  }
}
