// Batch normalization over all axes except the last. Sums are computed per chunk of rows, so that their number of threads does not
// change them, and added up in double precision by the caller. See training.ts for the conventions of this folder.

const FLOAT: usize = 4;

/**
 * Computes, for each chunk of `chunkRows` rows, the mean of each channel and the sum of its squared differences from this mean. The results
 * have the shape `[chunks, channels]`. Parts are ranges of chunks.
 */
export function chunkMoments(
  x: usize, means: usize, squares: usize, rows: i32, channels: i32, chunkRows: i32, from: i32, to: i32,
): void {
  const row = <usize>channels * FLOAT;
  for (let chunk = from; chunk < to; chunk++) {
    const count = min(chunkRows, rows - chunk * chunkRows);
    const start = x + <usize>(chunk * chunkRows) * row;
    const out = <usize>chunk * row;
    const factor: f32 = <f32>1 / <f32>count;
    let c: usize = 0;
    for (; c + 16 <= row; c += 16) {
      let mean = f32x4.splat(0);
      for (let i = 0, at = start + c; i < count; i++, at += row) mean = f32x4.add(mean, v128.load(at));
      mean = f32x4.mul(mean, f32x4.splat(factor));
      let sum = f32x4.splat(0);
      for (let i = 0, at = start + c; i < count; i++, at += row) {
        const difference = f32x4.sub(v128.load(at), mean);
        sum = f32x4.add(sum, f32x4.mul(difference, difference));
      }
      v128.store(means + out + c, mean);
      v128.store(squares + out + c, sum);
    }
    for (; c < row; c += FLOAT) {
      let mean: f32 = 0;
      for (let i = 0, at = start + c; i < count; i++, at += row) mean += load<f32>(at);
      mean *= factor;
      let sum: f32 = 0;
      for (let i = 0, at = start + c; i < count; i++, at += row) {
        const difference = load<f32>(at) - mean;
        sum += difference * difference;
      }
      store<f32>(means + out + c, mean);
      store<f32>(squares + out + c, sum);
    }
  }
}

/**
 * Computes, for each chunk of `chunkRows` rows, the sum of `dy` per channel, and the sum of `dy` times the difference of `x` and `mean`. If `x`
 * is 0, only the first sum is computed. The results have the shape `[chunks, channels]`. Parts are ranges of chunks.
 */
export function chunkGradientSums(
  x: usize, dy: usize, mean: usize, sums: usize, products: usize, rows: i32, channels: i32, chunkRows: i32, from: i32, to: i32,
): void {
  const row = <usize>channels * FLOAT;
  for (let chunk = from; chunk < to; chunk++) {
    const count = min(chunkRows, rows - chunk * chunkRows);
    const start = <usize>(chunk * chunkRows) * row;
    const out = <usize>chunk * row;
    let c: usize = 0;
    for (; c + 16 <= row; c += 16) {
      let sum = f32x4.splat(0);
      let at = start + c;
      if (x) {
        let product = f32x4.splat(0);
        const m = v128.load(mean + c);
        for (let i = 0; i < count; i++, at += row) {
          const value = v128.load(dy + at);
          sum = f32x4.add(sum, value);
          product = f32x4.add(product, f32x4.mul(value, f32x4.sub(v128.load(x + at), m)));
        }
        v128.store(products + out + c, product);
      } else {
        for (let i = 0; i < count; i++, at += row) sum = f32x4.add(sum, v128.load(dy + at));
      }
      v128.store(sums + out + c, sum);
    }
    for (; c < row; c += FLOAT) {
      let sum: f32 = 0;
      let product: f32 = 0;
      let at = start + c;
      for (let i = 0; i < count; i++, at += row) {
        const value = load<f32>(dy + at);
        sum += value;
        if (x) product += value * (load<f32>(x + at) - load<f32>(mean + c));
      }
      store<f32>(sums + out + c, sum);
      if (x) store<f32>(products + out + c, product);
    }
  }
}

/** Computes y = (x - mean) * scale + shift, with one mean, scale and shift per channel. Parts are ranges of rows. */
export function normalize(
  x: usize, y: usize, mean: usize, scale: usize, shift: usize, channels: i32, from: i32, to: i32,
): void {
  const row = <usize>channels * FLOAT;
  for (let i = from; i < to; i++) {
    const xs = x + <usize>i * row;
    const ys = y + <usize>i * row;
    let c: usize = 0;
    for (; c + 16 <= row; c += 16) {
      const difference = f32x4.sub(v128.load(xs + c), v128.load(mean + c));
      v128.store(ys + c, f32x4.add(f32x4.mul(difference, v128.load(scale + c)), v128.load(shift + c)));
    }
    for (; c < row; c += FLOAT) {
      store<f32>(ys + c, (load<f32>(xs + c) - load<f32>(mean + c)) * load<f32>(scale + c) + load<f32>(shift + c));
    }
  }
}

/** Computes dx = a * dy + b * (x - mean) + k, with one a, b, mean and k per channel. Parts are ranges of rows. */
export function normalizeGradient(
  x: usize, dy: usize, dx: usize, mean: usize, a: usize, b: usize, k: usize, channels: i32, from: i32, to: i32,
): void {
  const row = <usize>channels * FLOAT;
  for (let i = from; i < to; i++) {
    const start = <usize>i * row;
    let c: usize = 0;
    for (; c + 16 <= row; c += 16) {
      const difference = f32x4.sub(v128.load(x + start + c), v128.load(mean + c));
      const scaled = f32x4.add(f32x4.mul(v128.load(dy + start + c), v128.load(a + c)), v128.load(k + c));
      v128.store(dx + start + c, f32x4.add(f32x4.mul(difference, v128.load(b + c)), scaled));
    }
    for (; c < row; c += FLOAT) {
      const difference = load<f32>(x + start + c) - load<f32>(mean + c);
      store<f32>(
        dx + start + c,
        difference * load<f32>(b + c) + (load<f32>(dy + start + c) * load<f32>(a + c) + load<f32>(k + c)),
      );
    }
  }
}
