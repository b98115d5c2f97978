import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../../../core/errors/errors.js';
import { escapeText } from '../../../core/errors/escapeText.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { patchLayer } from '../../../layers/patched/patchLayer.js';
import { ensureBackend } from '../../../tensor/hostBackend.js';
import { awaitBackendOfProgram } from '../../../tensor/startBackend.js';
import { resetLayerRefCounts } from '../../../tensor/stockLayers.js';
import { tf } from '../../../tensor/tf.js';
import type { JsonNode } from '../file/jsonNode.js';
import { openKerasFile } from '../file/openKerasFile.js';
import { type BuiltModel, buildLayers, type ImportedLayer } from './buildLayers.js';
import type { LayerFactory } from './customLayers.js';
import { createNameAllocator, flattenLayers } from './flattenNames.js';
import { loadWeights, setConstantWeights } from './loadWeights.js';
import type { TensorReference } from './structure/inboundNodes.js';
import { type KerasLayer, type KerasModel, readModelStructure } from './structure/modelStructure.js';

/** Options for {@link readKerasModel}. */
export interface ReadKerasOptions {
  /** Path of the file, used in error messages. */
  readonly path: string;
  readonly weights?: Uint8Array;
  readonly weightsPath: string;
  readonly layers?: { readonly [className: string]: LayerFactory };
  readonly input?: readonly number[];
  readonly log?: (text: string) => void;
  /** Callback that selects and renames outputs. Returns a `[name, output index]` pair for each output to keep. */
  readonly chooseOutputs?: (
    outputs: readonly KerasOutput[],
  ) => readonly (readonly [name: string, output: number])[];
}

/** Output of a Keras model. */
export interface KerasOutput {
  /** Key of the output if the outputs of the model are a record, otherwise the name of the output's layer. */
  readonly name: string;
  readonly layer: string;
}

/** Result of {@link readKerasModel}. */
export interface ImportedModel {
  readonly layersModel: tf.LayersModel;
  /** Task table (labels, units, pixel range) of the model. Undefined unless this library wrote the file. */
  readonly taskTable: JsonNode | undefined;
}

/**
 * Reads a model that Keras saved, and returns the model and its weights as one flat TensorFlow.js model. Known bugs in TensorFlow.js
 * layers are patched in the returned model.
 *
 * @throws A `file` error if the file is corrupted, a layer or setting is not supported, or the weights do not match the model.
 */
export async function readKerasModel(bytes: Uint8Array, options: ReadKerasOptions): Promise<ImportedModel> {
  const { path, layers: layerFactories = {}, input: inputShape, chooseOutputs } = options;
  const log = (text: string) => options.log?.(escapeText(text));
  const file = await openKerasFile(bytes, path);
  if (!file.model) {
    throw createError({
      kind: 'file',
      path,
      expected: 'a file with a model',
      received: 'a file with weights only',
      advice: 'Pass the model file here, and pass this file as `weights`.',
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
      expected: 'a file with weights',
      received: 'a file without weights',
      advice: 'Set `weights` to the file that model.save_weights() wrote.',
    });
  }
  await awaitBackendOfProgram();
  ensureBackend();
  const model = readModelStructure(file.model);
  const selectedOutputs = chooseOutputs?.(
    model.outputs.map(({ layer, key }) => ({ name: key ?? layer, layer })),
  );
  const nameAllocator = createNameAllocator(selectedOutputs?.map(([name]) => name));
  const outputLayerNames = new Map(
    selectedOutputs?.flatMap(([name, output]) => {
      const outputLayer = findOutputLayer(model, model.outputs[output]!);
      return outputLayer &&
        model.outputs.every((other, i) => i === output || findOutputLayer(model, other) !== outputLayer)
        ? [[outputLayer, name] as const]
        : [];
    }),
  );
  const importedLayers = new Map<KerasLayer, ImportedLayer>();
  const flatLayers = flattenLayers(model, nameAllocator, outputLayerNames);
  let completedModel: tf.LayersModel | undefined;
  try {
    const builtModel = buildLayers(
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
      importedLayers,
    );
    // An output of a skipped layer, such as dropout with rate 0, keeps the name of the skipped layer.
    const unusedNames = new Map(
      model.layers.flatMap((layer) => {
        const flatLayer = importedLayers.get(layer)?.layers.length === 0 ? flatLayers.get(layer) : undefined;
        return flatLayer ? [[layer.name, flatLayer.name] as const] : [];
      }),
    );
    const allocateOutputName = (i: number) => {
      const { layer } = model.outputs[i]!;
      const name = unusedNames.get(layer) ?? nameAllocator.allocate(layer);
      unusedNames.delete(layer);
      return name;
    };
    const outputs = selectedOutputs
      ? selectedOutputs.map(([name, output]) => renameOutput(name, builtModel.outputs[output]!))
      : builtModel.outputs.map((output, i) =>
          isDistinctOutput(builtModel, i) ? output : renameOutput(allocateOutputName(i), output),
        );
    const layersModel = connectModel(
      builtModel.inputs,
      outputs,
      createNameAllocator().allocate(model.name || 'keras'),
      path,
    );
    loadWeights(model, importedLayers, weights);
    setConstantWeights(importedLayers);
    for (const layer of layersModel.layers) patchLayer(layer, path);
    resetLayerRefCounts(layersModel);
    completedModel = layersModel;
    return { layersModel, taskTable: file.taskTable };
  } finally {
    // Dispose of layers that do not contribute to an output. After an error, dispose of all layers.
    const modelLayers = new Set(completedModel?.layers);
    for (const { layers } of importedLayers.values()) {
      for (const layer of layers)
        if (!modelLayers.has(layer)) tf.dispose(layer.weights.map((weight) => weight.read()));
    }
  }
}

/**
 * Creates a model from connected tensors. Throws a `file` error if the model is so deep that TensorFlow.js, which recurses once per layer,
 * overflows the stack.
 */
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
      expected: 'a model that TensorFlow.js can create',
      received: `a model that TensorFlow.js fails to create (${String((cause as Error)?.message).split('\n')[0]})`,
      advice: 'Save a smaller model with Keras.',
      cause,
    });
  }
}

/**
 * Maximum number of weight values that are computed from the configuration in addition to those in the file. This is enough for the scales
 * and offsets of a few thousand channels.
 */
const CONSTANT_VALUES = 65_536;

function countWeightValues(root: Hdf5Group): number {
  const countInGroup = ({ arrays, groups }: Hdf5Group): number =>
    Object.values(arrays).reduce((sum, { data }) => sum + data.length, 0) +
    Object.values(groups).reduce((sum, group) => sum + countInGroup(group), 0);
  return countInGroup(root) + CONSTANT_VALUES;
}

/**
 * Returns whether Keras 3 wrote the file. If the file contains no version, tests whether a class has a module, because Keras 2 does not
 * write modules.
 */
const isKeras3File = (version: string | undefined, module: unknown) =>
  version === undefined ? typeof module === 'string' : Number.parseInt(version, 10) >= 3;

/** Returns the layer that computes an output, which may be in a nested model. Returns undefined if the layer is called several times. */
function findOutputLayer(
  model: KerasModel,
  { layer: name, tensor }: TensorReference,
): KerasLayer | undefined {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.calls.length !== 1) return undefined;
  const inner = layer.model?.outputs[tensor];
  return layer.model ? inner && findOutputLayer(layer.model, inner) : layer;
}

/**
 * Returns whether TensorFlow.js accepts an output without changes: the output must be neither an input of the model nor equal to an
 * earlier output.
 */
function isDistinctOutput({ inputs, outputs }: BuiltModel, i: number): boolean {
  return !inputs.includes(outputs[i]!) && outputs.indexOf(outputs[i]!) === i;
}

/**
 * Makes a layer named `name` compute an output, because a saved model identifies its outputs by layer names. Returns the output of that
 * layer.
 */
function renameOutput(name: string, output: SymbolicTensor): SymbolicTensor {
  const { sourceLayer } = output;
  if (sourceLayer.name === name && sourceLayer.inboundNodes.length === 1) return output;
  return tf.layers.activation({ activation: 'linear', name }).apply(output) as SymbolicTensor;
}
