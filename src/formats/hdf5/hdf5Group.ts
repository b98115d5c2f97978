import { createError, formatValue } from '../../core/errors/errors.js';

/** What an attribute holds; a list without entries stands for any empty one, whatever its type in the file. */
export type Hdf5AttributeValue = string | readonly string[] | number | readonly number[];

/** Numbers of a dataset. float16 is widened to float32, and HDF5's booleans are bytes. */
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

/** A dataset: numbers with their shape, row-major. */
export interface Hdf5Dataset {
  /** Empty for a scalar; `[0]` for a dataset that was given no shape at all. */
  readonly shape: readonly number[];
  readonly data: Hdf5TypedArray;
}

/** A group, which is what HDF5 calls a folder; the root of a file is one too. */
export interface Hdf5Group {
  readonly attributes: { readonly [name: string]: Hdf5AttributeValue };
  readonly groups: { readonly [name: string]: Hdf5Group };
  readonly arrays: { readonly [name: string]: Hdf5Dataset };
}

/**
 * A list of names as Keras keeps it in an attribute: whole, or cut into `layer_names0`, `layer_names1` and so on where it
 * is too long for one. A layer without weights has an empty list of numbers. Empty when the attribute is not there.
 *
 * @throws `file` fault when it is not a list of names.
 */
export function readNameList({ attributes }: Hdf5Group, name: string): string[] {
  const names: string[] = [];
  const take = (key: string) => {
    const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    if (value === undefined) return false;
    for (const entry of Array.isArray(value) ? value : [value]) {
      if (typeof entry === 'string') names.push(entry);
      else {
        throw createError({
          kind: 'file',
          path: key,
          expected: 'an attribute that lists names',
          received: formatValue(value),
          advice: 'Save the file anew with Keras.',
        });
      }
    }
    return true;
  };
  if (!take(name)) for (let part = 0; take(`${name}${part}`); part++);
  return names;
}
