// Comparisons and selections, of which the gradient of clipping consists. Bools are bytes. See training.ts for the conventions of this
// folder.

const FLOAT: usize = 4;

// @ts-ignore: decorator
@inline
function compareVector(isGreater: bool, x: usize, bound: v128): v128 {
  const value = v128.load(x);
  return isGreater ? f32x4.ge(value, bound) : f32x4.le(value, bound);
}

/** Computes y = x >= bound, or y = x <= bound. `isGreater` is a constant of each caller, so the compiler removes the other branch. */
// @ts-ignore: decorator
@inline
function compare(isGreater: bool, x: usize, y: usize, boundBits: i32, from: i32, to: i32): void {
  const bound = reinterpret<f32>(boundBits);
  const bounds = f32x4.splat(bound);
  const ones = i8x16.splat(1);
  let i = <usize>from;
  const end = <usize>to;
  for (; i + 16 <= end; i += 16) {
    const at = x + i * FLOAT;
    const a = i16x8.narrow_i32x4_s(compareVector(isGreater, at, bounds), compareVector(isGreater, at + 16, bounds));
    const b = i16x8.narrow_i32x4_s(compareVector(isGreater, at + 32, bounds), compareVector(isGreater, at + 48, bounds));
    v128.store(y + i, v128.and(i8x16.narrow_i16x8_s(a, b), ones));
  }
  for (; i < end; i++) {
    const value = load<f32>(x + i * FLOAT);
    store<u8>(y + i, <u8>(isGreater ? value >= bound : value <= bound));
  }
}

/** Computes y = x >= bound. `boundBits` are the bits of a float32. Parts are ranges of values. */
export function greaterEqual(x: usize, y: usize, boundBits: i32, from: i32, to: i32): void {
  compare(true, x, y, boundBits, from, to);
}

/** Computes y = x <= bound. `boundBits` are the bits of a float32. Parts are ranges of values. */
export function lessEqual(x: usize, y: usize, boundBits: i32, from: i32, to: i32): void {
  compare(false, x, y, boundBits, from, to);
}

/** Computes y = a and b. Parts are ranges of values. */
export function logicalAnd(a: usize, b: usize, y: usize, from: i32, to: i32): void {
  const ones = i8x16.splat(1);
  const zeros = i8x16.splat(0);
  let i = <usize>from;
  const end = <usize>to;
  for (; i + 16 <= end; i += 16) {
    const both = v128.and(i8x16.ne(v128.load(a + i), zeros), i8x16.ne(v128.load(b + i), zeros));
    v128.store(y + i, v128.and(both, ones));
  }
  for (; i < end; i++) store<u8>(y + i, <u8>(load<u8>(a + i) !== 0 && load<u8>(b + i) !== 0));
}

/** Computes y = condition ? a : b. Parts are ranges of values. */
export function select4(condition: usize, a: usize, b: usize, y: usize, from: i32, to: i32): void {
  const zeros = i8x16.splat(0);
  let i = <usize>from;
  const end = <usize>to;
  for (; i + 4 <= end; i += 4) {
    const bytes = i8x16.ne(v128.load_zero<u32>(condition + i), zeros);
    const mask = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes));
    const at = i * FLOAT;
    v128.store(y + at, v128.bitselect(v128.load(a + at), v128.load(b + at), mask));
  }
  for (; i < end; i++) {
    const at = i * FLOAT;
    store<f32>(y + at, load<u8>(condition + i) ? load<f32>(a + at) : load<f32>(b + at));
  }
}
