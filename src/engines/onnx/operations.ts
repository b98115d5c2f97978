import { elementwise } from './elementwise.js';
import type { Mapping } from './graph.js';
import { indexing } from './indexing.js';
import { normalisation } from './normalisation.js';
import { products } from './products.js';
import { reductions } from './reductions.js';
import { resizing } from './resizing.js';
import { shapes } from './shapes.js';
import { slices } from './slices.js';
import { windows } from './windows.js';

/** What a kernel of TensorFlow.js is in ONNX: one value, or one an output. */
export type Operation = (mapping: Mapping) => string | readonly string[];

/** Kernels of TensorFlow.js by name. */
export interface Operations {
  readonly [kernel: string]: Operation | undefined;
}

/** By what they do, as docs/onnx-operations.md lists them. */
export const families = {
  elementwise,
  reductions,
  shapes,
  slices,
  indexing,
  products,
  windows,
  normalisation,
  resizing,
} as const;

/** Every kernel of TensorFlow.js that has a counterpart. */
export const operations: Operations = Object.assign({}, ...Object.values(families));
