import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../../core/errors.js';
import type { tf } from '../../tensor/tf.js';
import type { Call } from './inbound.js';
import type { JsonPart } from './jsonPart.js';
import type { KerasLayer } from './structure.js';

/** With the batch first, null where a size is open. */
export type Shape = readonly (number | null)[];

/** What a translator of one layer works with. */
export interface Making {
  readonly layer: KerasLayer;
  readonly config: JsonPart;
  /** Of the first call. */
  readonly shapes: readonly Shape[];
  /** Whether Keras 3 wrote the file: a few words changed their meaning. */
  readonly keras3: boolean;
  /** The phase that a call of Keras 2 names. */
  readonly training: boolean | undefined;
  /**
   * A stock layer of TensorFlow.js. Without `part` it carries the name of Keras's layer and must be the last one, whose
   * output is that layer's; helpers before it carry the name and the part.
   */
  make(className: string, args: object, part?: string): tf.layers.Layer;
  /** Tells the user what is different here. */
  log(text: string): void;
}

/** How to call what a layer became. */
export type Apply = (inputs: readonly SymbolicTensor[], call: Call) => SymbolicTensor;

/** What a layer became, where its weights are not just those of the stock layers. */
export interface Made {
  readonly apply: Apply;
  /** What the file holds for it, in Keras's order; filled in by `write`. */
  readonly stored: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Sets the weights once all layers stand. */
  write(arrays: readonly Float32Array[]): void;
}

/** From a layer of a file to stock layers. Throws a `file` fault for a setting that they cannot say. */
export type Translator = (making: Making) => Apply | Made;

/** One stock layer that takes all inputs. */
export const applying =
  (layer: tf.layers.Layer): Apply =>
  (inputs) =>
    apply(layer, inputs.length === 1 ? inputs[0]! : [...inputs]);

export const apply = (layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor =>
  layer.apply(input) as SymbolicTensor;

/** The layer is not there outside training. */
export const passing: Apply = ([input]) => input!;

/** A `file` fault about a layer that cannot be had here. */
export function refusal(
  { layer }: Pick<Making, 'layer'>,
  expected: string,
  received: string,
  advice: string,
): Error {
  return fault({
    kind: 'file',
    path: `${layer.config.path.replace(/\.config$/, '')} (${layer.name})`,
    expected,
    received,
    advice,
  });
}

/** Throws unless the image has its channels last. */
export function checkChannelsLast({ config }: Making): void {
  config.at('data_format').oneOf(['channels_last'], 'channels_last');
}
