import { afterAll, beforeAll, describe } from 'vitest';
import { allowSimd } from '../../src/tensor/kernels/simd.js';
import { loadWasmBackend } from '../../src/tensor/wasm.js';
import { kernelLaws } from './kernelLaws.js';

beforeAll(() => loadWasmBackend());

describe.each([
  ['with its SIMD loops', true],
  ['without them', false],
])('wasm %s agrees with cpu, in value and gradients, on', (_, simd) => {
  beforeAll(() => allowSimd(simd));
  afterAll(() => allowSimd(true));
  kernelLaws('wasm');
});
