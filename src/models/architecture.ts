import type { ArchitectureRecord, LayerRecord } from '../core/architecture.js';
import type { tf } from '../tensor/tf.js';
import type { Network } from './network.js';

/** A network as plain records, for diagrams and tables. */
export function architectureOf(network: Network): ArchitectureRecord {
  const { layersModel, tasks } = network;
  const layers = layersModel.layers.map(
    (layer): LayerRecord => ({
      name: layer.name,
      kind: layer.getClassName(),
      detail: detailOf(layer),
      outputShape: (layer.outputShape as (number | null)[]).slice(1) as number[],
      parameters: layer.countParams(),
      trainable: layer.trainable,
      inputs: layer.inboundNodes.flatMap((node) => node.inboundLayers.map((source) => source.name)),
      part: partOf(layer, Object.keys(tasks)),
    }),
  );
  const trainable = layersModel.trainableWeights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
  return { layers, trainableParameters: trainable, parameters: layersModel.countParams() };
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/**
 * A layer belongs to the task whose name begins its own, else to the trunk. A backbone's preprocessing is part of the
 * input, so that the trunk's numbers are the backbone's own.
 */
function partOf(layer: tf.layers.Layer, tasks: readonly string[]): string {
  if (layer.getClassName() === 'InputLayer') return 'input';
  const owner = tasks
    .filter((task) => layer.name === task || layer.name.startsWith(`${task}_`))
    .sort((a, b) => b.length - a.length)[0];
  return owner ?? (layer.name === 'image_preprocess' ? 'input' : 'trunk');
}

interface Config {
  readonly kernelSize?: readonly number[];
  readonly poolSize?: readonly number[];
  readonly strides?: readonly number[];
  readonly padding?: string;
  readonly activation?: string;
  readonly rate?: number;
  readonly kernelRegularizer?: { readonly config: { readonly l2?: number } } | null;
}

function detailOf(layer: tf.layers.Layer): string {
  const { kernelSize, poolSize, strides, padding, activation, rate, kernelRegularizer } =
    layer.getConfig() as Config;
  const window = kernelSize ?? poolSize;
  const step = strides?.[0] ?? 1;
  const parts = [
    window && `${window.join('×')}`,
    window && step !== (poolSize?.[0] ?? 1) && `stride ${step}`,
    window && padding === 'same' && 'same',
    activation && activation !== 'linear' && activation,
    rate !== undefined && `rate ${rate}`,
    kernelRegularizer?.config.l2 && `L2 ${Number(kernelRegularizer.config.l2.toPrecision(3))}`,
  ];
  return parts.filter(Boolean).join(', ');
}
