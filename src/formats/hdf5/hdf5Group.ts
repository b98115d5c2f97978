import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';

/** Value of an HDF5 attribute. All empty attributes are read as empty lists, regardless of their type in the file. */
export type Hdf5AttributeValue = string | readonly string[] | number | readonly number[];

/** Typed array with the elements of an HDF5 dataset. float16 is widened to float32, and HDF5 booleans are read as bytes. */
export type Hdf5TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** HDF5 dataset: a multi-dimensional array of numbers in row-major order. */
export interface Hdf5Dataset {
  /** Sizes of the dimensions: empty for a scalar, `[0]` for a dataset with a null dataspace. */
  readonly shape: readonly number[];
  readonly data: Hdf5TypedArray;
}

/** HDF5 group, the equivalent of a folder. The root of a file is also a group. */
export interface Hdf5Group {
  readonly attributes: { readonly [name: string]: Hdf5AttributeValue };
  readonly groups: { readonly [name: string]: Hdf5Group };
  readonly arrays: { readonly [name: string]: Hdf5Dataset };
}

/**
 * Reads a list of names, such as `layer_names`, from the attributes of a group. Keras splits a list that is too long for one attribute into
 * `layer_names0`, `layer_names1` and so on. For a layer without weights, Keras stores an empty list of numbers.
 *
 * @returns The names; an empty list if the attribute does not exist.
 * @throws A `file` error if the attribute is not a list of names.
 */
export function readNameList({ attributes }: Hdf5Group, name: string): string[] {
  const nameList: string[] = [];
  const readPart = (key: string) => {
    const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    if (value === undefined) return false;
    for (const entry of Array.isArray(value) ? value : [value]) {
      if (typeof entry === 'string') nameList.push(entry);
      else {
        throw createError({
          kind: 'file',
          path: key,
          expected: 'an attribute with a list of names',
          received: formatValue(value),
          advice: 'Save the file again with Keras.',
        });
      }
    }
    return true;
  };
  if (!readPart(name)) for (let part = 0; readPart(`${name}${part}`); part++);
  return nameList;
}
