/**
 * Name of an engine. `onnx` is ONNX Runtime, which runs a training step as one compiled graph. All other engines are TensorFlow.js
 * backends.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * The engine that was chosen for a run, and why.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** Name of the chosen engine. */
  readonly name: EngineName;
  /** Why this engine was chosen, as text for logs: `ONNX Runtime is installed, onnxruntime-node 1.20.0`. */
  readonly reason: string;
  /** A faster engine for this platform that is not installed or fails to load. Undefined if there is none. */
  readonly fasterEngine?: {
    /** Name of the faster engine. */
    readonly name: EngineName;
    /** Shell command that installs or repairs the package of the faster engine. */
    readonly install: string;
  };
}
