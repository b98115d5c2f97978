import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../../../core/errors/errors.js';
import type { tf } from '../../../tensor/tf.js';
import type { JsonNode } from '../file/jsonNode.js';
import type { LayerCall } from './inboundNodes.js';
import type { KerasLayer } from './modelStructure.js';

/** With the batch first, null where a size is open. */
export type Shape = readonly (number | null)[];

/** What a translator of one layer works with. */
export interface ImportContext {
  readonly layer: KerasLayer;
  readonly config: JsonNode;
  /** Of the first call. */
  readonly inputShapes: readonly Shape[];
  /** Whether Keras 3 wrote the file: a few words changed their meaning. */
  readonly isKeras3: boolean;
  /** The phase that a call of Keras 2 names. */
  readonly training: boolean | undefined;
  /**
   * A stock layer of TensorFlow.js. Without `part` it carries the name of Keras's layer and must be the last one, whose
   * output is that layer's; helpers before it carry the name and the part.
   */
  createLayer(className: string, args: object, part?: string): tf.layers.Layer;
  /** Tells the user what is different here. */
  log(text: string): void;
}

/** How to call what a layer became. */
export type ApplyLayer = (inputs: readonly SymbolicTensor[], call: LayerCall) => SymbolicTensor;

/** What a layer became, where its weights are not just those of the stock layers. */
export interface LayerWithWeights {
  readonly apply: ApplyLayer;
  /** What the file holds for it, in Keras's order; filled in by `write`. */
  readonly weightSlots: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Sets the weights once all layers stand. */
  setWeights(arrays: readonly Float32Array[]): void;
}

/** From a layer of a file to stock layers. Throws a `file` fault for a setting that they cannot say. */
export type LayerImporter = (making: ImportContext) => ApplyLayer | LayerWithWeights;

/** One stock layer that takes all inputs. */
export const createApply =
  (layer: tf.layers.Layer): ApplyLayer =>
  (inputs) =>
    applyLayer(layer, inputs.length === 1 ? inputs[0]! : [...inputs]);

export const applyLayer = (
  layer: tf.layers.Layer,
  input: SymbolicTensor | SymbolicTensor[],
): SymbolicTensor => layer.apply(input) as SymbolicTensor;

/** The layer is not there outside training. */
export const passThrough: ApplyLayer = ([input]) => input!;

/** A `file` fault about a layer that cannot be had here. */
export function createLayerError(
  { layer }: Pick<ImportContext, 'layer'>,
  expected: string,
  received: string,
  advice: string,
): Error {
  return createError({
    kind: 'file',
    path: `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
    expected,
    received,
    advice,
  });
}

/** Throws unless the image has its channels last. */
export function checkChannelsLast({ config }: ImportContext): void {
  config.at('data_format').asOneOf(['channels_last'], 'channels_last');
}
