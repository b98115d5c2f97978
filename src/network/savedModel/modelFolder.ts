import { formatShape } from '../../core/arrays.js';
import { sha256 } from '../../core/digest.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { checkTopology, renumberCalls } from '../../formats/modelTopology.js';
import { patchLayer } from '../../layers/own/patchLayer.js';
import type { Tasks } from '../../tasks/task.js';
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
 * Writes a network under `folder`: `model.json` and a weights file as `tf.loadLayersModel` reads them, all classes
 * stock, and `tasks.json` with what they do not say (tasks, labels, units, pixel range).
 *
 * Never a mixture of two models: the weights file is named by its content and written first, `model.json` names it
 * and replaces the old one in one rename, and only then are older weights removed.
 *
 * @throws `file` fault when the store cannot be written; what was saved before is still there then.
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
  const at = (file: string) => (folder === '' ? file : `${folder}/${file}`);
  await store.write(at(name), bytes);
  await store.write(at('tasks.json'), encodeJson(createTaskTable(network)));
  await store.write(at('model.json'), encodeJson(model));
  const old = (await store.list(at('weights.'))).filter((file) => file !== at(name) && file.endsWith('.bin'));
  for (const file of old) await store.remove(file);
}

/**
 * Reads what {@link writeModelFolder} wrote. With `tasks` the folder must hold just these, else an error says where
 * they differ; without, they are made from the table, with the losses and metrics a task of that kind has by default.
 *
 * @throws `file` fault for a missing, cut or changed file, a newer format, or other tasks.
 */
export async function readModelFolder<T extends Tasks>(
  store: Store,
  folder: string,
  tasks?: T,
): Promise<Network<T>> {
  const at = (file: string) => (folder === '' ? file : `${folder}/${file}`);
  const where = (file: string) => `${store.label}/${at(file)}`;
  const json = async (file: string): Promise<unknown> => {
    const bytes = await store.read(at(file));
    try {
      if (bytes) return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw createError({
        kind: 'file',
        path: where(file),
        expected: 'JSON',
        received: 'something else',
        advice: COPY_ADVICE,
        cause,
      });
    }
    throw createError({
      kind: 'file',
      path: where(file),
      expected: 'a saved model',
      received: 'no such file',
      advice: 'Give the folder that save() or bestCheckpoint() wrote.',
    });
  };
  const table = (await json('tasks.json')) as TaskTable;
  const { input, tasks: known } = parseTaskTable(table, where('tasks.json'), tasks);
  const { modelTopology, weightsManifest } = (await json('model.json')) as ModelJson;
  const [group] = Array.isArray(weightsManifest) ? (weightsManifest as ModelJson['weightsManifest']) : [];
  const file: unknown = group?.paths?.[0];
  if (!modelTopology || !group || typeof file !== 'string' || /[/\\]|^\.\.?$/.test(file)) {
    throw createError({
      kind: 'file',
      path: where('model.json'),
      expected: 'a layers model with one weights file beside it',
      received: 'another layout',
      advice: 'Give a folder that save() or bestCheckpoint() wrote.',
    });
  }
  const bytes = await store.read(at(file));
  if (!bytes || (await sha256(bytes)).slice(0, 16) !== file.split('.')[1]) {
    throw createError({
      kind: 'file',
      path: where(file),
      expected: 'the weights that model.json names',
      received: bytes ? 'bytes that do not match their hash' : 'no such file',
      advice: COPY_ADVICE,
    });
  }
  checkTopology(modelTopology, where('model.json'));
  const layersModel = await openLayersModel(where('model.json'), {
    modelTopology,
    format: 'layers-model',
    weightSpecs: group.weights as tf.io.WeightsManifestEntry[],
    weightData: bytes.slice().buffer,
  });
  resetLayerRefCounts(layersModel);
  try {
    checkInputAndOutputs(layersModel, input.shape, known, where('model.json'));
    for (const layer of layersModel.layers) patchLayer(layer, where('model.json'));
  } catch (error) {
    layersModel.dispose();
    throw error;
  }
  return createNetwork(layersModel, known as T, input);
}

async function openLayersModel(path: string, artifacts: tf.io.ModelArtifacts): Promise<tf.LayersModel> {
  try {
    return await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  } catch (cause) {
    throw createError({
      kind: 'file',
      path,
      expected: 'a model that TensorFlow.js can open',
      received: `one that it cannot (${String((cause as Error)?.message).split('\n')[0]})`,
      advice: COPY_ADVICE,
      cause,
    });
  }
}

/** `tasks.json` and `model.json` are of one model: the same image, and an output for every task, in order. */
function checkInputAndOutputs(
  model: tf.LayersModel,
  image: readonly number[],
  tasks: Tasks,
  path: string,
): void {
  const want = Object.entries(tasks).map(([name, { units }]) => `${name} ${formatShape([units])}`);
  const have = model.outputs.map(({ shape }, i) => `${model.outputNames[i]} ${formatShape(shape.slice(1))}`);
  const shapes = model.inputs.map(({ shape }) => formatShape(shape.slice(1)));
  if (want.join() === have.join() && shapes.join() === formatShape(image)) return;
  throw createError({
    kind: 'file',
    path,
    expected: `the image ${formatShape(image)} and the outputs ${want.join(', ')}, as tasks.json says`,
    received: `the image ${shapes.join(', ')} and the outputs ${have.join(', ')}`,
    advice: COPY_ADVICE,
  });
}

async function getModelArtifacts(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return artifacts!;
}
