/** Names of the functions in assembly/training.ts. The thread pool identifies a function by its index in this list. */
export const SIMD_KERNELS = [
  'biasReluGradient',
  'clamp',
  'maxPool',
  'averagePool',
  'maxPoolGradient',
  'filterGradient',
] as const;

/** Name of a function in assembly/training.ts. */
export type SimdKernel = (typeof SIMD_KERNELS)[number];

/** The work of one kernel call, which is divided into one range per thread: `size` items, divided only at multiples of `granularity`. */
export interface Workload {
  readonly size: number;
  readonly granularity: number;
}
