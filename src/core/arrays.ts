/**
 * Array of float32 numbers in host memory, with its shape.
 *
 * @category Files
 */
export interface HostArray {
  /** Sizes of the axes. Empty for a scalar. */
  readonly shape: readonly number[];
  /** Numbers in row-major order. The number of elements is the product of the sizes in `shape`. */
  readonly data: Float32Array;
}

/** Named arrays in host memory, for example the inputs of one training step before they are uploaded to an engine. */
export interface NamedArrays {
  readonly [name: string]: HostArray;
}

/** Returns the number of elements of an array with this shape. An axis of unknown size (`null`) counts as 1. */
export const countElements = (shape: readonly (number | null)[]): number =>
  shape.reduce<number>((product, size) => product * (size ?? 1), 1);

/** Formats a shape for messages, for example `[64, 64, 3]`. */
export const formatShape = (shape: readonly (number | null)[]): string => `[${shape.join(', ')}]`;

/** Formats the shape of one item of a batch for messages: all axes except the first, which is the batch axis. */
export const formatItemShape = (shape: readonly (number | null)[]): string => formatShape(shape.slice(1));

/** Concatenates byte arrays into one new array. */
export const concatBytes = (pieces: readonly Uint8Array[]): Uint8Array =>
  fillWith(new Uint8Array(countAll(pieces)), pieces);

/** Concatenates float arrays into one new array. */
export const concatFloats = (pieces: readonly Float32Array[]): Float32Array =>
  fillWith(new Float32Array(countAll(pieces)), pieces);

const countAll = (pieces: readonly { readonly length: number }[]) =>
  pieces.reduce((sum, { length }) => sum + length, 0);

function fillWith<A extends Uint8Array | Float32Array>(whole: A, pieces: readonly A[]): A {
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Returns the bytes of a typed array as a view, without copying them. */
export const viewBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Returns whether two byte arrays have the same length and the same bytes. */
export const equalBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && a.length === b?.length && a.every((byte, i) => byte === b[i]);

/** Appends a value to the group of `key`. The group is created if it does not exist. */
export function addToGroup<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}
