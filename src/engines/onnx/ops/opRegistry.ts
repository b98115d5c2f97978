import type { OpTable } from './context/loweringContext.js';
import { convAndPoolOps } from './convAndPool.js';
import { elementwiseOps } from './elementwise.js';
import { gatherScatterOps } from './gatherScatter.js';
import { matmulOps } from './matmul.js';
import { normalizationOps } from './normalization.js';
import { reductionOps } from './reductions.js';
import { resizeOps } from './resize.js';
import { shapeOps } from './shapes.js';
import { sliceOps } from './slices.js';

/** Lowerings from TensorFlow.js kernels to ONNX, grouped like the sections of docs/onnx-operations.md and in the same order. */
export const opFamilies = {
  elementwise: elementwiseOps,
  reductions: reductionOps,
  shapes: shapeOps,
  slices: sliceOps,
  gatherScatter: gatherScatterOps,
  matmul: matmulOps,
  convAndPool: convAndPoolOps,
  normalization: normalizationOps,
  resize: resizeOps,
} as const;

/** Lowerings of all supported TensorFlow.js kernels, keyed by kernel name. */
export const opRegistry: OpTable = Object.assign({}, ...Object.values(opFamilies));
