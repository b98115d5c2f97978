import { createFileError } from '../../../core/errors/errors.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../../formats/hdf5/read/readHdf5.js';
import { readZip } from '../../../formats/zip/zip.js';
import { hasLayerContainer, nestWindowsGroups } from './containerGroups.js';
import { JsonNode } from './jsonNode.js';
import { TASK_TABLE_KEY } from './kerasNames.js';

/** Part of a Keras file that contains the weights. */
export interface KerasWeightsFile {
  /**
   * Layout of the weights. `containers`: the layout of Keras 3, for example `layers/conv2d_1/vars/0`. `legacy`:
   * one group per layer, with named weights.
   */
  readonly layout: 'containers' | 'legacy';
  readonly root: Hdf5Group;
  /** Path of the weights, used in error messages, for example `face.keras: model.weights.h5`. */
  readonly path: string;
}

/** Contents of a Keras file. */
export interface KerasFile {
  readonly model?: JsonNode;
  readonly weights?: KerasWeightsFile;
  /** Version of Keras that wrote the file, for example `3.15.1`. Undefined if the file does not contain the version. */
  readonly version?: string;
  /** Task table (labels, units, pixel range) of the model. Undefined unless this library wrote the file. */
  readonly taskTable?: JsonNode;
}

/**
 * Maximum size in bytes of a JSON file in a `.keras` archive. Even very large networks have only a few MB of JSON, so a larger file is
 * treated as an attempt to exhaust memory.
 */
const MAX_JSON_BYTES = 256 * 2 ** 20;

/**
 * Opens a file that Keras wrote. Detects the kind of file from its contents: a `.keras` archive (Keras 3), a whole model as `.h5` (Keras 2
 * and 3), `.weights.h5` (Keras 3) or a legacy weights `.h5`.
 *
 * @throws A `file` error if the file has any other format, or is corrupted.
 */
export async function openKerasFile(bytes: Uint8Array, path: string): Promise<KerasFile> {
  return isZip(bytes) ? openArchive(bytes, path) : openHdf5(readHdf5(bytes, path), path);
}

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;

async function openArchive(bytes: Uint8Array, path: string): Promise<KerasFile> {
  const texts = ['config.json', 'metadata.json'];
  const members = readZip(bytes, path, (name, size) => {
    if (texts.includes(name) && size > MAX_JSON_BYTES)
      throw createNotKerasError(`${path}: ${name}`, `a JSON file that is too large (${size} bytes)`);
    return texts.includes(name) || name === 'model.weights.h5';
  });
  const json = (name: string) => {
    const member = members[name];
    if (member === undefined) return undefined;
    return JsonNode.parse(new TextDecoder().decode(member), `${path}: ${name}`);
  };
  const model = json('config.json');
  if (!model) throw createNotKerasError(path, 'a zip archive without config.json');
  const metadata = json('metadata.json');
  const version = metadata?.at('keras_version');
  const taskTable = metadata?.at(TASK_TABLE_KEY);
  const weights = members['model.weights.h5'];
  const inside = `${path}: model.weights.h5`;
  return {
    model,
    ...(typeof version?.value === 'string' ? { version: version.value } : {}),
    ...(taskTable && !taskTable.isMissing ? { taskTable } : {}),
    ...(weights ? { weights: createContainerWeights(readHdf5(weights, inside), inside) } : {}),
  };
}

function openHdf5(root: Hdf5Group, path: string): KerasFile {
  const config = getAttribute(root, 'model_config');
  const weights = root.groups.model_weights ?? (config === undefined ? root : undefined);
  const version = getAttribute(root, 'keras_version') ?? (weights && getAttribute(weights, 'keras_version'));
  const versionField = typeof version === 'string' ? { version } : {};
  if (config !== undefined) {
    const table = getAttribute(root, TASK_TABLE_KEY);
    if (typeof config !== 'string')
      throw createNotKerasError(`${path}: model_config`, 'a model_config attribute that is not a string');
    return {
      model: JsonNode.parse(config, `${path}: model_config`),
      ...versionField,
      ...(typeof table === 'string'
        ? { taskTable: JsonNode.parse(table, `${path}: ${TASK_TABLE_KEY}`) }
        : {}),
      ...(weights
        ? { weights: { layout: 'legacy', root: weights, path: `${path}: model_weights` } as const }
        : {}),
    };
  }
  const legacy = ['layer_names', 'layer_names0'].some((name) => Object.hasOwn(root.attributes, name));
  if (legacy) return { weights: { layout: 'legacy', root, path }, ...versionField };
  const containerWeights = createContainerWeights(root, path);
  if (hasLayerContainer(containerWeights.root)) return { weights: containerWeights, ...versionField };
  throw createNotKerasError(path, 'an HDF5 file without model_config, layer_names or layers');
}

const createContainerWeights = (root: Hdf5Group, path: string): KerasWeightsFile => ({
  layout: 'containers',
  root: nestWindowsGroups(root, path),
  path,
});

function getAttribute(group: Hdf5Group, name: string) {
  return Object.hasOwn(group.attributes, name) ? group.attributes[name] : undefined;
}

function createNotKerasError(path: string, received: string): Error {
  return createFileError(
    path,
    'a Keras model or weights file (.keras, .h5, .weights.h5)',
    received,
    "Save the model in Keras with model.save('face.keras').",
  );
}
