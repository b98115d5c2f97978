import type { HostArray } from '../../../core/arrays.js';

/** The subset of the ONNX Runtime API that the library uses. Both `onnxruntime-node` and `onnxruntime-web` implement it. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: SessionOptions): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
  /** Name and version of the package, for example `onnxruntime-node 1.20.0`. */
  readonly label: string;
  /** Text that reports why the runtime uses one thread although the page supports more. */
  readonly threadNote?: string;
}

/** A float32 tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** An ONNX Runtime session: a graph that is loaded and can run. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    fetches?: readonly string[] | { readonly [name: string]: OnnxTensor | null },
  ): Promise<{ readonly [name: string]: OnnxTensor }>;
  release(): Promise<void>;
}

/** The ONNX Runtime session options that the library sets. */
export interface SessionOptions {
  readonly intraOpNumThreads?: number;
  readonly freeDimensionOverrides?: { readonly [name: string]: number };
  readonly extra?: { readonly session: { readonly [option: string]: string } };
  readonly graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'all';
  readonly executionMode?: 'sequential' | 'parallel';
  readonly enableMemPattern?: boolean;
  readonly enableCpuMemArena?: boolean;
  readonly executionProviders?: readonly string[];
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

/** Creates an ONNX Runtime tensor from a host array. The data is shared, not copied. */
export const toOnnxTensor = (runtime: OnnxRuntime, { data, shape }: HostArray): OnnxTensor =>
  new runtime.Tensor('float32', data, shape);
