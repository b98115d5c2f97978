/**
 * One layer of a built network, as a diagram shows it.
 *
 * @category Figures
 */
export interface LayerRecord {
  /** Unique: `trunk_conv1`, `age_dense2`. */
  readonly name: string;
  /** Keras's class name: `Conv2D`, `MaxPooling2D`. */
  readonly kind: string;
  /** What a reader wants to see beside the name: `3×3, relu`, `rate 0.3`, `L2 0.001`. */
  readonly detail: string;
  /** Without the batch: `[62, 62, 64]`. */
  readonly outputShape: readonly number[];
  /** Number of its weights, the moving statistics included. */
  readonly parameters: number;
  /** Whether training changes them. */
  readonly trainable: boolean;
  /** Names of the layers that feed this one; empty for an input. */
  readonly inputs: readonly string[];
  /** What feeds each of its calls, in their order: more than one where branches see different views of the image. */
  readonly calls: readonly (readonly CallSource[])[];
  /** `trunk`, a task's name, or `input`. */
  readonly part: string;
}

/**
 * What feeds a call of a layer: another layer, in one of its calls.
 *
 * @category Figures
 */
export interface CallSource {
  /** The name of the layer. */
  readonly layer: string;
  /** Which of its calls: 0 but for a layer that is called more than once. */
  readonly call: number;
}

/**
 * A built network as plain records, in topological order.
 *
 * @category Figures
 */
export interface ArchitectureRecord {
  /** Every layer after those that feed it. */
  readonly layers: readonly LayerRecord[];
  /** Number of weights that training changes. */
  readonly trainableParameters: number;
  /** Number of all weights, the moving statistics included. */
  readonly parameters: number;
}
