/** Names of the functions of assembly/training.ts, in the order that the thread pool numbers them. */
export const SIMD_KERNELS = ['biasReluGradient', 'maxPoolGradient', 'filterGradient'] as const;

/** A function of assembly/training.ts. */
export type SimdKernel = (typeof SIMD_KERNELS)[number];

/** The work of one kernel call, which threads divide into ranges: `size` items, divided only at multiples of `granularity`. */
export interface Workload {
  readonly size: number;
  readonly granularity: number;
}
