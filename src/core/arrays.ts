/**
 * Numbers with their shape.
 *
 * @category Files
 */
export interface HostArray {
  /** Empty for a scalar. */
  readonly shape: readonly number[];
  /** Row-major, as many as the shape says. */
  readonly data: Float32Array;
}

/** What stands at a step's door, by name: numbers that no engine has seen yet. */
export interface NamedArrays {
  readonly [name: string]: HostArray;
}

export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The bytes of a list of numbers, which are not copied. */
export const viewBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
