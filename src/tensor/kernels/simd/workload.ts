/** Names of the SIMD kernels that assembly/training.ts exports. The thread pool identifies a kernel by its index in this list. */
export const SIMD_KERNELS = [
  'biasReluGradient',
  'clamp',
  'maxPool',
  'averagePool',
  'maxPoolGradient',
  'filterGradient',
  'chunkMoments',
  'chunkGradientSums',
  'normalize',
  'normalizeGradient',
  'depthwiseInputGradient',
  'depthwiseFilterGradient',
  'greaterEqual',
  'lessEqual',
  'logicalAnd',
  'select4',
  'winogradFilter',
  'winogradConvolution',
  'winogradGradientSums',
  'winogradFilterGradient',
] as const;

/** Name of a SIMD kernel in the folder assembly. */
export type SimdKernel = (typeof SIMD_KERNELS)[number];

/** Work of one kernel call: `size` items, which are divided into one range per thread. Ranges start at multiples of `granularity`. */
export interface Workload {
  readonly size: number;
  readonly granularity: number;
}
