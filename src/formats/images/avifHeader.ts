import { checkPartCount, createView, type ImageHeader, readTag } from './imageHeader.js';

/**
 * Boxes that contain each other, from the outermost to the box of the properties of the images, and the length of the fields before their
 * first inner box.
 */
const CONTAINERS = [
  { type: 'meta', fieldLength: 4 },
  { type: 'iprp', fieldLength: 0 },
  { type: 'ipco', fieldLength: 0 },
] as const;
const BYTES_PER_PIXEL = 19;

/** Returns whether a file in an ISO media container is an AVIF image, which one of its brands states. */
export function isAvif(bytes: Uint8Array): boolean {
  if (bytes.length < 16 || readTag(bytes, 4) !== 'ftyp') return false;
  const end = Math.min(createView(bytes).getUint32(0), bytes.length, 256);
  for (let offset = 8; offset + 4 <= end; offset += 4) {
    if (['avif', 'avis'].includes(readTag(bytes, offset))) return true;
  }
  return false;
}

/**
 * Reads the largest size of the images in an AVIF file. Returns undefined if the file contains no size.
 *
 * @throws An `Error` if the file has too many boxes.
 */
export function readAvifHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = createView(bytes);
  let width = 0;
  let height = 0;
  let hasHighBitDepth = false;
  let complete = true;
  let boxCount = 0;
  const readBoxes = (start: number, end: number, depth: number) => {
    let offset = start;
    while (offset + 8 <= end) {
      checkPartCount(++boxCount, 'boxes');
      const type = readTag(bytes, offset + 4);
      let length = view.getUint32(offset);
      let data = offset + 8;
      if (length === 1 && data + 8 <= end) {
        length = Number(view.getBigUint64(data));
        data += 8;
      }
      // A length of 0 means that the box extends to the end.
      const boxEnd = length === 0 ? end : offset + Math.max(length, 8);
      if (boxEnd > bytes.length) complete = false;
      const container = CONTAINERS[depth];
      if (type === container?.type) readBoxes(data + container.fieldLength, Math.min(boxEnd, end), depth + 1);
      if (type === 'ispe' && data + 12 <= end) {
        const size = [view.getUint32(data + 4), view.getUint32(data + 8)] as const;
        if (size[0] * size[1] > width * height) [width, height] = size;
      }
      if (type === 'av1C' && data + 4 <= end) hasHighBitDepth ||= (bytes[data + 2]! & 0x40) !== 0;
      offset = boxEnd;
    }
  };
  readBoxes(0, bytes.length, 0);
  if (width === 0 || height === 0) return undefined;
  const bytesPerPixel = hasHighBitDepth ? 2 * BYTES_PER_PIXEL : BYTES_PER_PIXEL;
  return { format: 'avif', width, height, bytesPerPixel, shrinksOnLoad: false, isComplete: () => complete };
}
