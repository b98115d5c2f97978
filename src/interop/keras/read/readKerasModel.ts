import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../../../core/errors/errors.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { patchLayer } from '../../../layers/own/patchLayer.js';
import { silenceCpuAdvice } from '../../../tensor/silenceCpuAdvice.js';
import { resetLayerRefCounts } from '../../../tensor/stockLayers.js';
import { tf } from '../../../tensor/tf.js';
import type { JsonNode } from '../file/jsonNode.js';
import { openKerasFile } from '../file/openKerasFile.js';
import { type BuiltModel, buildLayers, type ImportedLayer } from './buildLayers.js';
import type { LayerFactory } from './customLayers.js';
import { createNameAllocator, flattenLayers } from './flattenNames.js';
import type { TensorReference } from './inboundNodes.js';
import { loadWeights, setConstantWeights } from './loadWeights.js';
import { type KerasLayer, type KerasModel, readModelStructure } from './modelStructure.js';

/** Options of reading a model. */
export interface ReadKerasOptions {
  /** The file, for errors. */
  readonly path: string;
  readonly weights?: Uint8Array;
  readonly weightsPath: string;
  readonly layers?: { readonly [className: string]: LayerFactory };
  readonly input?: readonly number[];
  readonly log?: (text: string) => void;
  /** Chooses outputs by their names in Keras, and names them: `[name here, number of the output]`. */
  readonly chooseOutputs?: (
    outputs: readonly KerasOutput[],
  ) => readonly (readonly [name: string, output: number])[];
}

/** An output of a model. */
export interface KerasOutput {
  /** Its key where the model has its outputs in a record, else its layer's name. */
  readonly name: string;
  readonly layer: string;
}

/** What was read. */
export interface ImportedModel {
  readonly layersModel: tf.LayersModel;
  /** The task table, where this library wrote the file. */
  readonly taskTable: JsonNode | undefined;
}

/**
 * Reads a model that Keras saved as one flat model of TensorFlow.js, weights and all, its layers ours where we have them.
 *
 * @throws `file` fault for a damaged file, a layer or setting that cannot be had, and weights that do not fit.
 */
export async function readKerasModel(bytes: Uint8Array, options: ReadKerasOptions): Promise<ImportedModel> {
  const { path, log = () => {}, layers: layerFactories = {}, input: inputShape, chooseOutputs } = options;
  const file = await openKerasFile(bytes, path);
  if (!file.model) {
    throw createError({
      kind: 'file',
      path,
      expected: 'a model',
      received: 'weights alone',
      advice: 'Give the file of the model, and this one as `weights`.',
    });
  }
  const { weightsPath } = options;
  const weights = options.weights
    ? (await openKerasFile(options.weights, weightsPath)).weights
    : file.weights;
  if (!weights) {
    throw createError({
      kind: 'file',
      path: options.weights ? weightsPath : path,
      expected: 'weights',
      received: 'none',
      advice: 'Give the file that model.save_weights() wrote as `weights`.',
    });
  }
  silenceCpuAdvice();
  const model = readModelStructure(file.model);
  const chosen = chooseOutputs?.(model.outputs.map(({ layer, key }) => ({ name: key ?? layer, layer })));
  const nameAllocator = createNameAllocator(chosen?.map(([name]) => name));
  const ends = new Map(
    chosen?.flatMap(([name, output]) => {
      const end = findOutputLayer(model, model.outputs[output]!);
      return end && model.outputs.every((other, i) => i === output || findOutputLayer(model, other) !== end)
        ? [[end, name] as const]
        : [];
    }),
  );
  const made = new Map<KerasLayer, ImportedLayer>();
  const flatLayers = flattenLayers(model, nameAllocator, ends);
  let kept: tf.LayersModel | undefined;
  try {
    const built = buildLayers(
      model,
      {
        nameAllocator,
        flatLayers,
        isKeras3: isKeras3File(file.version, file.model.at('module').value),
        log,
        layerFactories,
        inputShape,
        maxWeightValues: countWeightValues(weights.root),
      },
      made,
    );
    // A layer that became nothing, a dropout of rate 0 say, leaves its name to the output that it was.
    const spare = new Map(
      model.layers.flatMap((layer) => {
        const place = made.get(layer)?.layers.length === 0 ? flatLayers.get(layer) : undefined;
        return place ? [[layer.name, place.name] as const] : [];
      }),
    );
    const nameOfOutput = (i: number) => {
      const { layer } = model.outputs[i]!;
      const name = spare.get(layer) ?? nameAllocator.allocate(layer);
      spare.delete(layer);
      return name;
    };
    const outputs = chosen
      ? chosen.map(([name, output]) => renameOutput(name, built.outputs[output]!))
      : built.outputs.map((output, i) =>
          isDistinctOutput(built, i) ? output : renameOutput(nameOfOutput(i), output),
        );
    const layersModel = connectModel(
      built.inputs,
      outputs,
      createNameAllocator().allocate(model.name || 'keras'),
      path,
    );
    loadWeights(model, made, weights);
    setConstantWeights(made);
    for (const layer of layersModel.layers) patchLayer(layer, path);
    resetLayerRefCounts(layersModel);
    kept = layersModel;
    return { layersModel, taskTable: file.taskTable };
  } finally {
    // Layers that lead to no output are not the model's, and when it fails none is.
    const stays = new Set(kept?.layers);
    for (const { layers } of made.values()) {
      for (const layer of layers)
        if (!stays.has(layer)) tf.dispose(layer.weights.map((weight) => weight.read()));
    }
  }
}

/** The model between these tensors, which TensorFlow.js finds by calling itself once a layer. */
function connectModel(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
  name: string,
  path: string,
): tf.LayersModel {
  try {
    return tf.model({ inputs: [...inputs], outputs: [...outputs], name });
  } catch (cause) {
    throw createError({
      kind: 'file',
      path,
      expected: 'a model that TensorFlow.js can connect',
      received: `one that it cannot (${String((cause as Error)?.message).split('\n')[0]})`,
      advice: 'Save the model anew with Keras, and smaller.',
      cause,
    });
  }
}

/** Room for numbers that a configuration brings along: scales and offsets of a few thousand channels. */
const CONSTANT_VALUES = 65_536;

function countWeightValues(root: Hdf5Group): number {
  const count = ({ arrays, groups }: Hdf5Group): number =>
    Object.values(arrays).reduce((sum, { data }) => sum + data.length, 0) +
    Object.values(groups).reduce((sum, group) => sum + count(group), 0);
  return count(root) + CONSTANT_VALUES;
}

/** By the version where the file tells it; else by the module of a class, which Keras 2 does not write. */
const isKeras3File = (version: string | undefined, module: unknown) =>
  version === undefined ? typeof module === 'string' : Number.parseInt(version, 10) >= 3;

/** The layer that makes an output and nothing else, in whatever models inside it stands; undefined where it has other uses. */
function findOutputLayer(
  model: KerasModel,
  { layer: name, tensor }: TensorReference,
): KerasLayer | undefined {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.calls.length !== 1) return undefined;
  const inner = layer.model?.outputs[tensor];
  return layer.model ? inner && findOutputLayer(layer.model, inner) : layer;
}

/** Whether an output is one once, and no input: TensorFlow.js wants them so. */
function isDistinctOutput({ inputs, outputs }: BuiltModel, i: number): boolean {
  return !inputs.includes(outputs[i]!) && outputs.indexOf(outputs[i]!) === i;
}

/** `output` as the output of a layer called `name`: our formats name outputs so. */
function renameOutput(name: string, output: SymbolicTensor): SymbolicTensor {
  const { sourceLayer } = output;
  if (sourceLayer.name === name && sourceLayer.inboundNodes.length === 1) return output;
  return tf.layers.activation({ activation: 'linear', name }).apply(output) as SymbolicTensor;
}
