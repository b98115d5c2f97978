import { createArgumentError } from '../../../core/errors/errors.js';
import type { Json } from '../../../core/json.js';
import type { KerasGraph, KerasGraphLayer, KerasTensor } from './kerasGraph.js';

const toShapeConfig = (read: KerasGraphLayer['calls'][number]): Json =>
  'history' in read ? read.shape : read.map(({ shape }) => shape);

const toTensorConfig = ({ shape, dtype, history }: KerasTensor): Json => ({
  class_name: '__keras_tensor__',
  config: { shape, dtype, keras_history: history },
});

/**
 * Converts a layer to its entry in the `config.json` of a `.keras` file. The entries in h5 files have no module, registered name or input
 * shape.
 */
function toLayerEntry(layer: KerasGraphLayer, legacy: boolean): Json {
  const { name, className, config, kwargs, hasBuildConfig, calls } = layer;
  if (legacy && Array.isArray(config.axis) && config.axis.length > 1) {
    const advice = "Use format: 'keras', because Keras 3 loses a list of axes when it opens an h5 file.";
    throw createArgumentError(`${name} (axis)`, 'a single axis', `the axes [${config.axis}]`, advice);
  }
  const nodes = calls.map((read) => ({
    args: ['history' in read ? toTensorConfig(read) : read.map(toTensorConfig)],
    kwargs,
  }));
  return {
    ...(legacy ? {} : { module: 'keras.layers' }),
    class_name: className,
    config,
    ...(legacy ? {} : { registered_name: null }),
    ...(hasBuildConfig && !legacy && calls.length > 0
      ? { build_config: { input_shape: toShapeConfig(calls[0]!) } }
      : {}),
    name,
    inbound_nodes: nodes,
  };
}

/** Converts the inputs or outputs of a model to references to tensors. As in Keras, a single reference is not wrapped in a list. */
const toTensorHistories = (tensors: readonly KerasTensor[]): Json =>
  tensors.length === 1 ? tensors[0]!.history : tensors.map(({ history }) => history);

/**
 * Converts the layers and connections of a model to the Keras configuration of a functional model. The result matches that of Keras 3
 * `Functional.get_config` (models/functional.py).
 */
export function toModelConfig(graph: KerasGraph, legacy: boolean): { readonly [key: string]: Json } {
  return {
    name: graph.name,
    trainable: graph.trainable,
    layers: graph.layers.map((layer) => toLayerEntry(layer, legacy)),
    input_layers: toTensorHistories(graph.inputs),
    output_layers: toTensorHistories(graph.outputs),
  };
}
