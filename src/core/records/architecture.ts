/**
 * Description of one layer of a network, for diagrams and tables.
 *
 * @category Figures
 */
export interface LayerRecord {
  /** Unique name of the layer, for example `trunk_conv1` or `age_dense2`. */
  readonly name: string;
  /** Class name in Keras, for example `Conv2D` or `MaxPooling2D`. */
  readonly kind: string;
  /** Most important options of the layer, for example `3×3, relu`, `rate 0.3`, `L2 0.001`. */
  readonly detail: string;
  /** Shape of the output without the batch axis, for example `[62, 62, 64]`. */
  readonly outputShape: readonly number[];
  /** Number of parameters, including moving statistics. */
  readonly parameters: number;
  /** Whether training changes the parameters. */
  readonly trainable: boolean;
  /** Names of the layers whose outputs are inputs of this layer. Empty for an input layer. */
  readonly inputs: readonly string[];
  /**
   * Inputs of each call of the layer, in the order of the calls. Most layers are called once. A layer that several tasks share is called
   * once for each version of the image that these tasks receive.
   */
  readonly calls: readonly (readonly CallSource[])[];
  /** Part of the network that contains the layer: `input`, `trunk`, or the name of a task. */
  readonly part: string;
}

/**
 * Input of a layer call: the output of one call of another layer.
 *
 * @category Figures
 */
export interface CallSource {
  /** Name of the layer that produces the output. */
  readonly layer: string;
  /** Index of the call among all calls of that layer, counted from 0. The index is 0 unless the layer is called more than once. */
  readonly call: number;
}

/**
 * Description of a network as plain records, for diagrams and tables.
 *
 * @category Figures
 */
export interface ArchitectureRecord {
  /** Layers in topological order: each layer follows the layers whose outputs it receives. */
  readonly layers: readonly LayerRecord[];
  /** Number of trainable parameters. */
  readonly trainableParameters: number;
  /** Number of all parameters, including moving statistics. */
  readonly parameters: number;
}
