/**
 * Returns the offset of the second byte of the next marker of a JPEG file, or -1. Padding (0xFFFF) and escaped bytes of scan data (0xFF00)
 * are skipped.
 */
export function findJpegMarker(bytes: Uint8Array, start: number): number {
  let offset = bytes.indexOf(0xff, start);
  while (offset >= 0) {
    while (bytes[offset] === 0xff) offset++;
    if (offset >= bytes.length) return -1;
    if (bytes[offset] !== 0) return offset;
    offset++;
    if (bytes[offset] !== 0xff) offset = bytes.indexOf(0xff, offset);
  }
  return -1;
}

/** Returns whether a segment follows a marker, which is not the case for the markers of restarts, of the start and of the end. */
export const hasJpegSegment = (marker: number): boolean => marker > 1 && !(marker >= 0xd0 && marker <= 0xd9);

/** Returns the offset after the segment whose marker ends at `offset`. */
export const getJpegSegmentEnd = (bytes: Uint8Array, offset: number): number =>
  offset + 1 + (bytes[offset + 1] ?? 0) * 256 + (bytes[offset + 2] ?? 0);
