/**
 * What executes a step: ONNX Runtime, which runs it as one compiled graph, or a TensorFlow.js backend.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * The engine that was chosen, and the reason.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** Name of the engine. */
  readonly name: EngineName;
  /** Why this engine was chosen, as a sentence for logs. */
  readonly reason: string;
  /** A faster engine that is not installed or does not load, and the command that fixes it. */
  readonly fasterEngine?: {
    /** Name of the faster engine. */
    readonly name: EngineName;
    /** Shell command that installs or repairs it. */
    readonly install: string;
  };
}
