/**
 * Creates a function that computes a 32-bit cyclic redundancy check (CRC) of bytes.
 *
 * @param polynomial - Generator polynomial in reflected form: `0xedb88320` for CRC-32, `0x82f63b78` for CRC32C.
 */
export function createCrc32(polynomial: number): (bytes: Uint8Array) => number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ polynomial : sum >>> 1;
    return sum;
  });
  return (bytes) => {
    let sum = 0xffffffff;
    for (let i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
    return ~sum >>> 0;
  };
}
