import type { SymbolicTensor } from '@tensorflow/tfjs';
import { countElements } from '../core/arrays.js';
import type { ArchitectureRecord, CallSource, LayerRecord } from '../core/records/architecture.js';
import { isGrayscaleLayer } from '../layers/grayscaleImage.js';
import type { tf } from '../tensor/tf.js';
import type { LayerCall, LayerGraph } from './layerGraph.js';
import type { Network } from './network.js';

/** A network as plain records, for diagrams and tables. */
export function describeArchitecture(network: Network): ArchitectureRecord {
  const { layersModel, tasks, graph } = network;
  const callsOf = createCallSourceLookup(graph);
  const layers = layersModel.layers.map((layer): LayerRecord => {
    const calls = callsOf(layer);
    return {
      name: layer.name,
      kind: layer.getClassName(),
      detail: describeLayer(layer),
      // Of its first call: on views of other sizes a layer has other outputs.
      outputShape: (layer.getOutputAt(0) as SymbolicTensor).shape.slice(1) as number[],
      parameters: layer.countParams(),
      trainable: layer.trainable,
      inputs: [...new Set(calls.flat().map((source) => source.layer))],
      calls,
      part: getPartName(layer, Object.keys(tasks)),
    };
  });
  const trainable = layersModel.trainableWeights.reduce(
    (sum, weight) => sum + countElements(weight.shape),
    0,
  );
  return {
    layers: sortTopologically(layers),
    trainableParameters: trainable,
    parameters: layersModel.countParams(),
  };
}

/** The model's own order puts a shared layer where its deepest call is, which may be before what feeds another. */
function sortTopologically(layers: readonly LayerRecord[]): LayerRecord[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const done = new Set<LayerRecord>();
  const visited = new Set<LayerRecord>();
  const visit = (layer: LayerRecord) => {
    if (visited.has(layer)) return;
    visited.add(layer);
    for (const name of layer.inputs) visit(byName.get(name)!);
    done.add(layer);
  };
  for (const layer of layers) visit(layer);
  return [...done];
}

/** What feeds the calls of each layer, as they were made. */
function createCallSourceLookup({ inputs, calls }: LayerGraph): (layer: tf.layers.Layer) => CallSource[][] {
  const made = new Map<tf.layers.Layer, LayerCall[]>();
  for (const call of [...calls].sort((a, b) => a.nodeIndex - b.nodeIndex)) {
    made.set(call.layer, [...(made.get(call.layer) ?? []), call]);
  }
  const sources = new Map(inputs.map(({ tensorId, name }) => [tensorId, { layer: name, call: 0 }]));
  for (const [{ name }, own] of made) {
    for (const [call, { outputs }] of own.entries()) {
      for (const place of outputs) sources.set(place, { layer: name, call });
    }
  }
  return (layer) => (made.get(layer) ?? []).map((call) => call.inputs.map((place) => sources.get(place)!));
}

/**
 * A layer belongs to the task whose name begins its own, else to the trunk. Views of the image, and a backbone's preprocessing,
 * are part of the input, so that the trunk's numbers are the backbone's own.
 */
function getPartName(layer: tf.layers.Layer, tasks: readonly string[]): string {
  if (layer.getClassName() === 'InputLayer') return 'input';
  const owner = tasks
    .filter((task) => layer.name === task || layer.name.startsWith(`${task}_`))
    .sort((a, b) => b.length - a.length)[0];
  return owner ?? (layer.name.startsWith('image_') ? 'input' : 'trunk');
}

interface LayerConfig {
  readonly kernelSize?: readonly number[];
  readonly poolSize?: readonly number[];
  readonly strides?: readonly number[];
  readonly padding?: string;
  readonly activation?: string;
  readonly rate?: number;
  readonly kernelRegularizer?: { readonly config: { readonly l2?: number } } | null;
}

function describeLayer(layer: tf.layers.Layer): string {
  const { kernelSize, poolSize, strides, padding, activation, rate, kernelRegularizer } =
    layer.getConfig() as LayerConfig;
  const window = kernelSize ?? poolSize;
  const step = strides?.[0] ?? 1;
  const parts = [
    window && `${window.join('×')}`,
    window && step !== (poolSize?.[0] ?? 1) && `stride ${step}`,
    window && padding === 'same' && 'same',
    activation && activation !== 'linear' && activation,
    isGrayscaleLayer(layer) && 'to grayscale',
    rate !== undefined && `rate ${rate}`,
    kernelRegularizer?.config.l2 && `L2 ${Number(kernelRegularizer.config.l2.toPrecision(3))}`,
  ];
  return parts.filter(Boolean).join(', ');
}
