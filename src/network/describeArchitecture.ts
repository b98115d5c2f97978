import type { SymbolicTensor } from '@tensorflow/tfjs';
import { countElements } from '../core/arrays.js';
import type { ArchitectureRecord, CallSource, LayerRecord } from '../core/records/architecture.js';
import { isGrayscaleLayer } from '../layers/grayscaleImage.js';
import type { tf } from '../tensor/tf.js';
import type { LayerCall, LayerGraph } from './layerGraph.js';
import type { Network } from './network.js';

/** Returns the layers, layer calls and parameter counts of a network as plain records, for architecture diagrams and tables. */
export function describeArchitecture(network: Network): ArchitectureRecord {
  const { layersModel, tasks, graph } = network;
  const getCalls = createCallSourceLookup(graph);
  const layers = layersModel.layers.map((layer): LayerRecord => {
    const calls = getCalls(layer);
    return {
      name: layer.name,
      kind: layer.getClassName(),
      detail: describeLayer(layer),
      // This is the output shape of the first call. Other calls of a shared layer have different output shapes if their views have
      // different sizes.
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

/**
 * Sorts layers so that each one follows its inputs. `model.layers` is sorted by depth, which can place a shared layer before the inputs of
 * its later calls.
 */
function sortTopologically(layers: readonly LayerRecord[]): LayerRecord[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const sorted = new Set<LayerRecord>();
  const visited = new Set<LayerRecord>();
  const visit = (layer: LayerRecord) => {
    if (visited.has(layer)) return;
    visited.add(layer);
    for (const name of layer.inputs) visit(byName.get(name)!);
    sorted.add(layer);
  };
  for (const layer of layers) visit(layer);
  return [...sorted];
}

/**
 * Creates a function that looks up where the inputs of a layer come from. For each call of the layer, it returns the calls of other layers
 * that produce the inputs.
 */
function createCallSourceLookup({ inputs, calls }: LayerGraph): (layer: tf.layers.Layer) => CallSource[][] {
  const callsByLayer = new Map<tf.layers.Layer, LayerCall[]>();
  for (const call of [...calls].sort((a, b) => a.nodeIndex - b.nodeIndex)) {
    callsByLayer.set(call.layer, [...(callsByLayer.get(call.layer) ?? []), call]);
  }
  const sources = new Map(inputs.map(({ tensorId, name }) => [tensorId, { layer: name, call: 0 }]));
  for (const [{ name }, layerCalls] of callsByLayer) {
    for (const [call, { outputs }] of layerCalls.entries()) {
      for (const tensorId of outputs) sources.set(tensorId, { layer: name, call });
    }
  }
  return (layer) =>
    (callsByLayer.get(layer) ?? []).map((call) => call.inputs.map((tensorId) => sources.get(tensorId)!));
}

/**
 * Returns the section of the architecture diagram that a layer belongs to: the name of a task if the layer's name starts with that name,
 * otherwise `trunk` or `input`. Input views and the preprocessing of a backbone belong to `input`, so that the trunk has the same number of
 * parameters as the backbone.
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
