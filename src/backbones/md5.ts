/**
 * Rotation amount of each of the 64 steps of MD5. The next two arrays contain the index of the message word and the additive constant of
 * each step.
 */
const ROTATIONS = Uint8Array.from(
  { length: 64 },
  (_, i) => [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21][(i >> 4) * 4 + (i & 3)]!,
);
const WORD_INDICES = Uint8Array.from(
  { length: 64 },
  (_, i) => [i, 5 * i + 1, 3 * i + 5, 7 * i][i >> 4]! & 15,
);
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))));

/**
 * Computes the MD5 hash (RFC 1321) of a file as 32 hexadecimal digits. Keras publishes MD5 hashes of its weight files, and the Web Crypto
 * API does not support MD5. The hash detects corrupted files, but not deliberate manipulation.
 */
export function md5(bytes: Uint8Array): string {
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  const words = new Int32Array(16);
  const block = new DataView(words.buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const whole = bytes.length - (bytes.length % 64);
  for (let at = 0; at < whole; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i, true);
    mixBlock(state, words);
  }
  // Pad the last one or two blocks with a 1 bit, zeros, and the length of the message in bits.
  const padded = new Uint8Array(bytes.length - whole < 56 ? 64 : 128);
  padded.set(bytes.subarray(whole));
  padded[bytes.length - whole] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n, true);
  for (let at = 0; at < padded.length; at += 64) {
    const tail = new DataView(padded.buffer, at, 64);
    for (let i = 0; i < 16; i++) words[i] = tail.getInt32(4 * i, true);
    mixBlock(state, words);
  }
  for (let i = 0; i < 4; i++) block.setInt32(4 * i, state[i]!, true);
  return Array.from(new Uint8Array(words.buffer, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
}

function mixBlock(state: Int32Array, words: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let i = 0; i < 64; i++) {
    const mixed =
      i < 16 ? (b & c) | (~b & d) : i < 32 ? (d & b) | (~d & c) : i < 48 ? b ^ c ^ d : c ^ (b | ~d);
    const sum = (a + mixed + words[WORD_INDICES[i]!]! + SINES[i]!) | 0;
    const rotation = ROTATIONS[i]!;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
}
