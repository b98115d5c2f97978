import { addToGroup } from '../../../core/arrays.js';
import { createFileError } from '../../../core/errors/errors.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { toSnakeCase } from './kerasNames.js';

/**
 * Names of the groups that can contain the layers of a model. Keras 3 and TensorFlow 2.15 use the first one, TensorFlow 2.12 to 2.14 the
 * second one.
 */
const CONTAINER_NAMES = ['layers', '_layer_checkpoint_dependencies'];

/** Maximum number of names that are joined with backslashes in one group name. Each nested model adds two names. */
const MAX_JOINED_NAMES = 128;

type GroupsByName = Hdf5Group['groups'];

/** HDF5 group that contains the layers of a model. */
export interface LayerContainer {
  /** Name of the container, for errors. */
  readonly name: string;
  /** Groups of the layers, keyed by group name, for example `conv2d_1`. */
  readonly layers: GroupsByName;
}

/** Returns the container with the layers of a model. Returns an empty container if there is none. */
export function getLayerContainer({ groups }: Hdf5Group): LayerContainer {
  const name = CONTAINER_NAMES.find((candidate) => Object.hasOwn(groups, candidate));
  return name === undefined
    ? { name: CONTAINER_NAMES[0]!, layers: {} }
    : { name, layers: groups[name]!.groups };
}

/** Returns whether a weights file has the layout of Keras 3: a container with one group per layer. */
export const hasLayerContainer = ({ groups }: Hdf5Group): boolean =>
  CONTAINER_NAMES.some((name) => Object.hasOwn(groups, name));

/**
 * Returns the name of the layer whose weights are in an HDF5 group. Returns undefined for files of early Keras 3 versions, which do not
 * store the name.
 */
export function getContainerName({ groups: { vars } }: Hdf5Group): string | undefined {
  const name = vars && Object.hasOwn(vars.attributes, 'name') ? vars.attributes.name : undefined;
  return typeof name === 'string' ? name : undefined;
}

/**
 * Computes the group name of each layer of a model: the class name in snake case, numbered within the class.
 *
 * TensorFlow 2.12 and 2.13 list a layer with weights twice, once among the layers with weights and once among all layers, and count both
 * entries. Therefore their numbers have gaps: `conv2d`, `conv2d_2`, `conv2d_4`. The file does not contain the TensorFlow version, so these
 * numbers are used if a group with a consecutive number is missing.
 *
 * @param classNames - Class of each layer except input layers, without its package, in the order of the model.
 */
export function computeContainerKeys(
  { name, layers }: LayerContainer,
  classNames: readonly string[],
): string[] {
  const keys = numberClasses(classNames, () => 1);
  if (name === CONTAINER_NAMES[0] || keys.every((key) => Object.hasOwn(layers, key))) return keys;
  return numberClasses(classNames, (key) => (Object.hasOwn(layers, key) && hasArrays(layers[key]!) ? 2 : 1));
}

/**
 * Converts class names to snake case and numbers them within each class, for example `conv2d`, `conv2d_1`, `conv2d_2`. `countEntries`
 * returns by how much a layer increases the next number of its class.
 */
function numberClasses(classNames: readonly string[], countEntries: (key: string) => number): string[] {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const name = toSnakeCase(className);
    const count = counts.get(name) ?? 0;
    const key = count === 0 ? name : `${name}_${count}`;
    counts.set(name, count + countEntries(key));
    return key;
  });
}

const hasArrays = ({ arrays, groups }: Hdf5Group): boolean =>
  Object.keys(arrays).length > 0 || Object.values(groups).some(hasArrays);

/**
 * Restores the nested groups of a weights file that was saved on Windows. There, TensorFlow 2.12 to 2.15 join the names of nested groups
 * with backslashes: they write one group `layers\conv2d` instead of a group `conv2d` in the group `layers`.
 *
 * @param path - Path of the file, for errors.
 * @throws A `file` error if two groups have the same path.
 */
export function nestWindowsGroups(root: Hdf5Group, path: string): Hdf5Group {
  const groupNames = Object.keys(root.groups);
  if (!groupNames.some((name) => name.includes('\\'))) return root;
  const longName = groupNames.find(
    (name) => name.split('\\', MAX_JOINED_NAMES + 1).length > MAX_JOINED_NAMES,
  );
  if (longName !== undefined) {
    throw createGroupError(
      path,
      `groups nested at most ${MAX_JOINED_NAMES} levels deep`,
      'groups nested more deeply',
    );
  }
  return { ...root, groups: nestGroups(root.groups, path) };
}

const createGroupError = (path: string, expected: string, received: string) =>
  createFileError(path, expected, received, 'Save the file again with Keras.');

/** Converts groups whose names contain backslashes to nested groups. */
function nestGroups(groups: GroupsByName, path: string): GroupsByName {
  const joined = new Map<string, [name: string, group: Hdf5Group][]>();
  const nested = new Map<string, Hdf5Group>();
  for (const [name, group] of Object.entries(groups)) {
    const at = name.indexOf('\\');
    const first = at < 0 ? name : name.slice(0, at);
    if (at < 0) nested.set(name, group);
    else addToGroup(joined, first, [name.slice(at + 1), group]);
  }
  for (const [name, entries] of joined) {
    const inner = nestGroups(Object.fromEntries(entries), `${path}/${name}`);
    const outer = nested.get(name) ?? { attributes: {}, groups: {}, arrays: {} };
    const repeated = Object.keys(inner).find((key) => Object.hasOwn(outer.groups, key));
    if (repeated !== undefined) {
      throw createGroupError(`${path}/${name}/${repeated}`, 'one group with this name', 'two groups');
    }
    nested.set(name, { ...outer, groups: { ...outer.groups, ...inner } });
  }
  return Object.fromEntries(nested);
}
