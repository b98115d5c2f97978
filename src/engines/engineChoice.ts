/**
 * Name of an engine. `onnx` is ONNX Runtime, which runs a step as one compiled graph; the others are TensorFlow.js backends.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * The engine that was chosen, and the reason for choosing it.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** Name of the engine. */
  readonly name: EngineName;
  /** The reason for choosing this engine, as text for logs. */
  readonly reason: string;
  /** A faster engine that is not installed or does not load, and the command that fixes it. */
  readonly fasterEngine?: {
    /** Name of the faster engine. */
    readonly name: EngineName;
    /** Shell command that installs or repairs it. */
    readonly install: string;
  };
}
