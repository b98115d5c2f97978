import { checkPartCount, type ImageHeader } from './imageHeader.js';
import { hasAllJpegBlocks } from './jpegBlocks.js';
import { findJpegMarker, getJpegSegmentEnd, hasJpegSegment } from './jpegMarkers.js';

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const ADOBE = 0xee;
/**
 * Size of the largest file whose blocks are counted if the decoder itself finds most missing blocks. Counting takes up to 2 milliseconds for
 * this size, on the main thread.
 */
const MAX_COUNTED_BYTES = 2 ** 17;

/**
 * Reads the frame header of a JPEG file (ITU-T T.81, B.2.2). Returns undefined if the file has none.
 *
 * @throws An `Error` if the file has too many segments.
 */
export function readJpegHeader(bytes: Uint8Array): ImageHeader | undefined {
  let frame = -1;
  let scan = -1;
  let hasEnd = false;
  let offset = 2;
  for (let count = 1; offset < bytes.length; ) {
    // Bytes before a marker are scan data, or padding that decoders skip.
    offset = findJpegMarker(bytes, offset);
    if (offset < 0) break;
    const marker = bytes[offset]!;
    hasEnd = marker === END_OF_IMAGE && frame >= 0;
    if (hasEnd) break;
    if (!hasJpegSegment(marker)) continue;
    checkPartCount(count++, 'segments');
    if (isFrameMarker(marker) && offset + 8 < bytes.length && frame < 0) frame = offset;
    if (marker === START_OF_SCAN) {
      if (frame < 0) return undefined;
      if (scan < 0) scan = offset;
    }
    offset = getJpegSegmentEnd(bytes, offset);
  }
  if (frame < 0) return undefined;
  const componentCount = bytes[frame + 8]!;
  const isSequential = bytes[frame]! <= 0xc1;
  // Without a scan of all components, decoders read several scans, as for a progressive image.
  const hasOneScan = isSequential && scan >= 0 && bytes[scan + 3] === componentCount;
  return {
    format: 'jpeg',
    height: bytes[frame + 4]! * 256 + bytes[frame + 5]!,
    width: bytes[frame + 6]! * 256 + bytes[frame + 7]!,
    // The coefficients of an image with several scans are in memory, with two bytes each.
    bytesPerPixel: hasOneScan ? 4 : 2 * componentCount + 1,
    shrinksOnLoad: hasOneScan,
    isComplete: (decoderWarns) =>
      hasEnd &&
      (!hasOneScan ||
        (decoderWarns && bytes.length > MAX_COUNTED_BYTES) ||
        hasAllJpegBlocks(bytes, frame, scan)),
    repair: () => repairJpeg(bytes, isSequential, componentCount),
  };
}

/** Frame headers are 0xC0 to 0xCF, except for Huffman tables, extensions and arithmetic coding conditions. */
const isFrameMarker = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * Returns a copy of a JPEG file without the irregularities before its first scan that some cameras and programs write, and that decoders
 * warn about: bytes between the segments, an unknown color transform in the Adobe segment (the decoder then uses the usual one), and the
 * spectral selection of a sequential scan.
 */
function repairJpeg(bytes: Uint8Array, isSequential: boolean, componentCount: number): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes.subarray(0, 2));
  let length = 2;
  let offset = 2;
  while (offset < bytes.length) {
    offset = findJpegMarker(bytes, offset) - 1;
    if (offset < 0) break;
    const marker = bytes[offset + 1]!;
    const end = hasJpegSegment(marker) ? getJpegSegmentEnd(bytes, offset + 1) : offset + 2;
    if (!hasJpegSegment(marker)) {
      offset = end;
      continue;
    }
    copy.set(bytes.subarray(offset, end), length);
    const transform = length + 15;
    if (marker === ADOBE && end - offset >= 16 && copy[transform]! > 2)
      copy[transform] = componentCount === 4 ? 2 : 1;
    length += Math.min(end, bytes.length) - offset;
    offset = end;
    if (marker !== START_OF_SCAN) continue;
    if (isSequential) copy.set([0, 63, 0], length - 3);
    copy.set(bytes.subarray(offset), length);
    length += Math.max(bytes.length - offset, 0);
    break;
  }
  return copy.subarray(0, length);
}
