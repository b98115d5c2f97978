import type { LoweringContext } from '../lower/traceLowering.js';
import { convAndPoolOps } from './convAndPool.js';
import { elementwiseOps } from './elementwise.js';
import { gatherScatterOps } from './gatherScatter.js';
import { matmulOps } from './matmul.js';
import { normalizationOps } from './normalization.js';
import { reductionOps } from './reductions.js';
import { resizeOps } from './resize.js';
import { shapeOps } from './shapes.js';
import { sliceOps } from './slices.js';

/** What a kernel of TensorFlow.js is in ONNX: one value, or one an output. */
export type OpLowering = (mapping: LoweringContext) => string | readonly string[];

/** Kernels of TensorFlow.js by name. */
export interface OpTable {
  readonly [kernel: string]: OpLowering | undefined;
}

/** By what they do, as docs/onnx-operations.md lists them. */
export const opFamilies = {
  elementwise: elementwiseOps,
  reductions: reductionOps,
  shapes: shapeOps,
  slices: sliceOps,
  indexing: gatherScatterOps,
  products: matmulOps,
  windows: convAndPoolOps,
  normalisation: normalizationOps,
  resizing: resizeOps,
} as const;

/** Every kernel of TensorFlow.js that has a counterpart. */
export const opRegistry: OpTable = Object.assign({}, ...Object.values(opFamilies));
