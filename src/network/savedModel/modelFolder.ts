import { formatShape } from '../../core/arrays.js';
import { sha256 } from '../../core/digest.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { checkTopology, renumberCalls } from '../../formats/modelTopology.js';
import { patchLayer } from '../../layers/patched/patchLayer.js';
import type { Tasks } from '../../tasks/task.js';
import { ensureBackend } from '../../tensor/hostBackend.js';
import { awaitBackendOfProgram } from '../../tensor/startBackend.js';
import { resetLayerRefCounts } from '../../tensor/stockLayers.js';
import { tf } from '../../tensor/tf.js';
import { createNetwork } from '../buildNetwork.js';
import type { Network } from '../network.js';
import { createTaskTable, parseTaskTable, type TaskTable } from './taskTable.js';

interface ModelJson {
  readonly modelTopology: object;
  readonly format: string;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: tf.io.WeightsManifestEntry[];
  }[];
}

const COPY_ADVICE = 'Copy the whole folder again.';

const encodeJson = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/**
 * Saves a network to a folder of a store. `model.json` and a weights file contain the layers and weights, which `tf.loadLayersModel` can
 * read without custom layer classes. `tasks.json` contains the tasks, labels, units and input range.
 *
 * An interruption never leaves a mix of two models in the folder. The weights file is written first, under a name that contains its hash.
 * Then `model.json`, which refers to the weights file, is replaced atomically. Older weights files are removed last.
 *
 * @throws `file` error if the store is not writable. A model that was saved to the folder earlier remains intact.
 */
export async function writeModelFolder(network: Network, store: Store, folder: string): Promise<void> {
  const artifacts = await getModelArtifacts(network.layersModel);
  renumberCalls(artifacts.modelTopology as object);
  const weights = tf.io.concatenateArrayBuffers([artifacts.weightData as ArrayBuffer].flat());
  const bytes = new Uint8Array(weights);
  const name = `weights.${(await sha256(bytes)).slice(0, 16)}.bin`;
  const model = {
    format: 'layers-model',
    generatedBy: artifacts.generatedBy,
    convertedBy: null,
    modelTopology: artifacts.modelTopology,
    weightsManifest: [{ paths: [name], weights: artifacts.weightSpecs }],
  };
  const toKey = (file: string) => (folder === '' ? file : `${folder}/${file}`);
  await store.write(toKey(name), bytes);
  await store.write(toKey('tasks.json'), encodeJson(createTaskTable(network)));
  await store.write(toKey('model.json'), encodeJson(model));
  const staleFiles = (await store.list(toKey('weights.'))).filter(
    (file) => file !== toKey(name) && file.endsWith('.bin'),
  );
  for (const file of staleFiles) await store.remove(file);
}

/**
 * Loads a network from a folder that {@link writeModelFolder} wrote.
 *
 * @param tasks - Tasks of the network, which must match `tasks.json`. Default: tasks created from `tasks.json`, with default losses and
 *   metrics.
 * @throws `file` error if a file is missing, truncated or corrupt, if its format is newer than this version of the library, or if the tasks
 *   differ.
 */
export async function readModelFolder<T extends Tasks>(
  store: Store,
  folder: string,
  tasks?: T,
): Promise<Network<T>> {
  const toKey = (file: string) => (folder === '' ? file : `${folder}/${file}`);
  const toPath = (file: string) => `${store.label}/${toKey(file)}`;
  const readJson = async (file: string): Promise<unknown> => {
    const bytes = await store.read(toKey(file));
    try {
      if (bytes) return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw createError({
        kind: 'file',
        path: toPath(file),
        expected: 'a JSON file',
        received: `a file with invalid JSON (${(cause as Error).message})`,
        advice: COPY_ADVICE,
        cause,
      });
    }
    throw createError({
      kind: 'file',
      path: toPath(file),
      expected: 'a file of a saved model',
      received: 'no such file',
      advice: 'Pass a folder that save() or bestCheckpoint() wrote.',
    });
  };
  const table = (await readJson('tasks.json')) as TaskTable;
  const { input, tasks: networkTasks } = parseTaskTable(table, toPath('tasks.json'), tasks);
  const { modelTopology, weightsManifest } = (await readJson('model.json')) as ModelJson;
  const [group] = Array.isArray(weightsManifest) ? (weightsManifest as ModelJson['weightsManifest']) : [];
  const file: unknown = group?.paths?.[0];
  if (!modelTopology || !group || typeof file !== 'string' || /[/\\]|^\.\.?$/.test(file)) {
    throw createError({
      kind: 'file',
      path: toPath('model.json'),
      expected: 'a layers model with one weights file in the same folder',
      received: 'a model.json that was not written by save()',
      advice: 'Pass a folder that save() or bestCheckpoint() wrote.',
    });
  }
  const bytes = await store.read(toKey(file));
  if (!bytes || (await sha256(bytes)).slice(0, 16) !== file.split('.')[1]) {
    throw createError({
      kind: 'file',
      path: toPath(file),
      expected: 'the weights file that model.json refers to',
      received: bytes ? 'a file whose contents do not match the hash in its name' : 'no such file',
      advice: COPY_ADVICE,
    });
  }
  checkTopology(modelTopology, toPath('model.json'));
  const layersModel = await openLayersModel(toPath('model.json'), {
    modelTopology,
    format: 'layers-model',
    weightSpecs: group.weights as tf.io.WeightsManifestEntry[],
    weightData: bytes.slice().buffer,
  });
  resetLayerRefCounts(layersModel);
  try {
    checkInputAndOutputs(layersModel, input.shape, networkTasks, toPath('model.json'));
    for (const layer of layersModel.layers) patchLayer(layer, toPath('model.json'));
  } catch (error) {
    layersModel.dispose();
    throw error;
  }
  return createNetwork(layersModel, networkTasks as T, input);
}

async function openLayersModel(path: string, artifacts: tf.io.ModelArtifacts): Promise<tf.LayersModel> {
  await awaitBackendOfProgram();
  ensureBackend();
  try {
    return await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    throw createError({
      kind: 'file',
      path,
      expected: 'a model that TensorFlow.js can load',
      received: `a model that fails to load (${String((cause as Error)?.message).split('\n')[0]})`,
      advice: COPY_ADVICE,
      cause,
    });
  }
}

/**
 * Throws a `file` error unless `tasks.json` and `model.json` describe the same model: equal image shapes, and one output per task in the
 * order of the tasks.
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
    expected: `the input ${formatShape(image)} and the outputs ${expectedOutputs.join(', ')} from tasks.json`,
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
