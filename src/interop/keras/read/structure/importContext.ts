import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createFileError } from '../../../../core/errors/errors.js';
import type { tf } from '../../../../tensor/tf.js';
import type { JsonNode } from '../../file/jsonNode.js';
import type { LayerCall } from './inboundNodes.js';
import type { KerasLayer } from './modelStructure.js';

/** Shape including the batch dimension. Null means a variable size. */
export type Shape = readonly (number | null)[];

/** Layer of a Keras file that is being imported, with the functions that its importer needs. */
export interface ImportContext {
  readonly layer: KerasLayer;
  readonly config: JsonNode;
  /**
   * Shape of each input of the call. If the importer reads this property and the layer has no weights, the layer is imported again for
   * calls with different shapes.
   */
  readonly inputShapes: readonly Shape[];
  /** Whether Keras 3 wrote the file. A few settings have a different meaning in Keras 2. */
  readonly isKeras3: boolean;
  /** Value of the `training` argument in a Keras 2 call. Undefined if the call does not set it. */
  readonly training: boolean | undefined;
  /**
   * Creates a TensorFlow.js layer.
   *
   * @param part - Name suffix for a helper layer, if several TensorFlow.js layers replace one Keras layer. Omit it for the layer that
   *   computes the final output. That layer gets the name of the Keras layer, and must be created last.
   */
  createLayer(className: string, args: object, part?: string): tf.layers.Layer;
  /** Logs a difference between the imported layer and the Keras layer. */
  log(text: string): void;
}

/** Function that applies an imported layer to its inputs. */
export type ApplyLayer = (inputs: readonly SymbolicTensor[], call: LayerCall) => SymbolicTensor;

/**
 * Imported layer whose weights in the file do not map one to one to the weights of the TensorFlow.js layers.
 */
export interface LayerWithWeights {
  readonly apply: ApplyLayer;
  /** Weights of the layer in the file, in Keras's order. */
  readonly weightSlots: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /**
   * Sets the weights of the TensorFlow.js layers from the weights in the file. This method is called after all layers have been created.
   */
  setWeights(arrays: readonly Float32Array[]): void;
}

/**
 * Function that imports one layer of a file as TensorFlow.js layers. Throws a `file` error for a setting that TensorFlow.js layers cannot
 * express.
 */
export type LayerImporter = (context: ImportContext) => ApplyLayer | LayerWithWeights;

/** Returns a function that calls a TensorFlow.js layer once, with all inputs as a list if there is more than one. */
export const createApply =
  (layer: tf.layers.Layer): ApplyLayer =>
  (inputs) =>
    applyLayer(layer, inputs.length === 1 ? inputs[0]! : [...inputs]);

export const applyLayer = (
  layer: tf.layers.Layer,
  input: SymbolicTensor | SymbolicTensor[],
): SymbolicTensor => layer.apply(input) as SymbolicTensor;

/** Returns the input unchanged. This function replaces layers that have no effect outside training. */
export const passThrough: ApplyLayer = ([input]) => input!;

/** Creates a `file` error about a layer that cannot be imported. */
export function createLayerError(
  { layer }: Pick<ImportContext, 'layer'>,
  expected: string,
  received: string,
  advice: string,
): Error {
  return createFileError(
    `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
    expected,
    received,
    advice,
  );
}

/** Throws a `file` error unless the layer's data format is channels last. */
export function checkChannelsLast({ config }: ImportContext): void {
  config.at('data_format').asOneOf(['channels_last'], 'channels_last');
}
