import { formatShape } from '../../core/arrays.js';
import { sha256 } from '../../core/digest.js';
import { createError, createFileError } from '../../core/errors/errors.js';
import { readFileSet, writeFileSet } from '../../core/platform/fileSet.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { type CheckpointEpoch, MODEL_FILE } from '../../core/records/checkpointEpoch.js';
import { checkTopology, renumberCalls } from '../../formats/modelTopology.js';
import { patchLayer } from '../../layers/patched/patchLayer.js';
import type { Tasks } from '../../tasks/task.js';
import { tf } from '../../tensor/tf.js';
import { createNetwork } from '../buildNetwork.js';
import type { Network } from '../network.js';
import { openLayersModel } from './openLayersModel.js';
import { createTaskTable, parseTaskTable, type TaskTable } from './taskTable.js';

/** Contents of `model.json`. */
interface ModelJson {
  readonly modelTopology: object;
  readonly format: string;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: tf.io.WeightsManifestEntry[];
  }[];
  /** Tasks of the model. After loading the model with `tf.loadLayersModel`, `getUserDefinedMetadata()` returns them. */
  readonly userDefinedMetadata?: unknown;
}

/** Contents of `model.json` after its layout has been checked. */
interface ParsedModel extends Pick<ModelJson, 'modelTopology'> {
  readonly weightSpecs: tf.io.WeightsManifestEntry[];
  readonly weightsFile: string;
  readonly taskTable: TaskTable;
}

const COPY_ADVICE = 'Copy the whole folder again.';
const FOLDER_ADVICE = 'Pass a folder that save() or bestCheckpoint() wrote.';

/** Pattern for the name of a weights file in the folder of a model. The name contains the first digits of the file's SHA-256 hash. */
const WEIGHTS_FILE = /^weights\.[0-9a-f]{16}\.bin$/;

const encodeJson = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Returns the name of a file in `folder` of a store. */
const toName = (folder: string, file: string) => (folder === '' ? file : `${folder}/${file}`);

/**
 * Saves a network to a folder of a store. `model.json` and a weights file contain the layers and weights, which `tf.loadLayersModel` can
 * read without custom layer classes. The tasks, labels, units and input range are the user-defined metadata in `model.json`.
 *
 * The folder is replaced as one unit: even if the process is killed at any moment, a reader finds either the complete old model or the
 * complete new model, including its tasks and its epoch.
 *
 * @param checkpointEpoch - Epoch of the model, which is stored with it.
 * @throws `file` error if the store is not writable. A model that was saved to the folder earlier remains intact.
 */
export async function writeModelFolder(
  network: Network,
  store: Store,
  folder: string,
  checkpointEpoch?: CheckpointEpoch,
): Promise<void> {
  const artifacts = await getModelArtifacts(network.layersModel);
  renumberCalls(artifacts.modelTopology as object);
  const weights = tf.io.concatenateArrayBuffers([artifacts.weightData as ArrayBuffer].flat());
  const bytes = new Uint8Array(weights);
  const file = `weights.${(await sha256(bytes)).slice(0, 16)}.bin`;
  const model = {
    format: 'layers-model',
    generatedBy: artifacts.generatedBy,
    convertedBy: null,
    modelTopology: artifacts.modelTopology,
    weightsManifest: [{ paths: [file], weights: artifacts.weightSpecs }],
    userDefinedMetadata: { ...createTaskTable(network), ...(checkpointEpoch && { checkpointEpoch }) },
  };
  const set = {
    indexName: toName(folder, MODEL_FILE),
    index: encodeJson(model),
    parts: new Map([[toName(folder, file), bytes]]),
  };
  const prefix = toName(folder, 'weights.');
  const getFile = (name: string) => name.slice(prefix.length - 'weights.'.length);
  await writeFileSet(store, set, {
    prefix,
    isPart: (name) => WEIGHTS_FILE.test(getFile(name)),
    findParts: (index) =>
      (JSON.parse(new TextDecoder().decode(index)) as ModelJson).weightsManifest[0]!.paths.map((path) =>
        toName(folder, path),
      ),
  });
}

/**
 * Loads a network from a folder that {@link writeModelFolder} wrote. If the folder is replaced at the same time, the result is either the
 * old or the new network.
 *
 * @param tasks - Tasks of the network, which must match the task table in `model.json`. Default: tasks created from the table, with default
 *   losses and metrics.
 * @throws `file` error if a file is missing, truncated or corrupt, if its format is newer than this version of the library, or if the tasks
 *   differ.
 */
export async function readModelFolder<T extends Tasks>(
  store: Store,
  folder: string,
  tasks?: T,
): Promise<Network<T>> {
  const modelName = toName(folder, MODEL_FILE);
  const path = `${store.label}/${modelName}`;
  const { model, weights } = await readFileSet(
    store,
    modelName,
    (index) => parseModelJson(index, path),
    async (parsed) => ({ model: parsed, weights: await readWeightsFile(store, folder, parsed.weightsFile) }),
  );
  const { input, tasks: networkTasks, evaluation } = parseTaskTable(model.taskTable, path, tasks);
  checkTopology(model.modelTopology, path);
  const layersModel = await openLayersModel(path, {
    topology: model.modelTopology,
    weightSpecs: model.weightSpecs,
    weightBytes: weights,
  });
  try {
    checkInputAndOutputs(layersModel, input.shape, networkTasks, path);
    for (const layer of layersModel.layers) patchLayer(layer, path);
  } catch (error) {
    layersModel.dispose();
    throw error;
  }
  const network = createNetwork(layersModel, networkTasks as T, input);
  network.lastFit.defaults = evaluation;
  return network;
}

/** Parses `model.json`. Throws a `file` error if the file does not exist or has another layout. */
function parseModelJson(index: Uint8Array | undefined, path: string): ParsedModel {
  if (!index) throw createFileError(path, 'a file of a saved model', 'no such file', FOLDER_ADVICE);
  let model: Partial<ModelJson> | null;
  try {
    model = JSON.parse(new TextDecoder().decode(index));
  } catch (cause) {
    const received = `a file with invalid JSON (${(cause as Error).message})`;
    throw createFileError(path, 'a JSON file', received, COPY_ADVICE, cause);
  }
  const { modelTopology, weightsManifest, userDefinedMetadata } = model ?? {};
  const [group] = Array.isArray(weightsManifest) ? (weightsManifest as ModelJson['weightsManifest']) : [];
  const weightsFile: unknown = group?.paths?.[0];
  if (!modelTopology || !group || typeof weightsFile !== 'string' || /[/\\]|^\.\.?$/.test(weightsFile)) {
    throw createFileError(
      path,
      'a layers model with one weights file in the same folder',
      'a model.json that was not written by save()',
      FOLDER_ADVICE,
    );
  }
  if (typeof userDefinedMetadata !== 'object' || userDefinedMetadata === null) {
    throw createFileError(
      path,
      'a model whose user-defined metadata contains its tasks',
      'a model without user-defined metadata',
      FOLDER_ADVICE,
    );
  }
  return {
    modelTopology,
    weightSpecs: group.weights as tf.io.WeightsManifestEntry[],
    weightsFile,
    taskTable: userDefinedMetadata as TaskTable,
  };
}

/**
 * Reads the weights file of a model, and checks the contents against the hash in the name of the file. Throws a `file` error if the file is
 * missing or was changed.
 */
async function readWeightsFile(store: Store, folder: string, file: string): Promise<Uint8Array> {
  const name = toName(folder, file);
  const weights = await readStoreFile(store, name);
  if (weights && (await sha256(weights)).slice(0, 16) === file.split('.')[1]) return weights;
  throw createFileError(
    `${store.label}/${name}`,
    'the weights file that model.json refers to',
    weights ? 'a file whose contents do not match the hash in its name' : 'no such file',
    COPY_ADVICE,
  );
}

/**
 * Throws a `file` error unless the task table and the network in `model.json` describe the same model: equal image shapes, and one output
 * per task in the order of the tasks.
 */
function checkInputAndOutputs(
  model: tf.LayersModel,
  image: readonly number[],
  tasks: Tasks,
  path: string,
): void {
  const expectedOutputs = Object.entries(tasks).map(([name, { units }]) => `${name} ${formatShape([units])}`);
  const modelOutputs = model.outputs.map(
    ({ shape }, i) => `${model.outputNames[i]} ${formatShape(shape.slice(1))}`,
  );
  const inputShapes = model.inputs.map(({ shape }) => formatShape(shape.slice(1)));
  if (expectedOutputs.join() === modelOutputs.join() && inputShapes.join() === formatShape(image)) return;
  throw createError({
    kind: 'file',
    path,
    expected: `the input ${formatShape(image)} and the outputs ${expectedOutputs.join(', ')} of its tasks`,
    received: `the input ${inputShapes.join(', ')} and the outputs ${modelOutputs.join(', ')}`,
    advice: COPY_ADVICE,
  });
}

async function getModelArtifacts(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (modelArtifacts) => {
      artifacts = modelArtifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return artifacts!;
}
