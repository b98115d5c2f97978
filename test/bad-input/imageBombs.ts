import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function createChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** Creates a PNG file of black pixels. Without `bytes`, it claims the size and contains no rows. */
function createPng(
  [width, height]: readonly [number, number],
  { bytes = 0, depth = 8, colorType = 0, interlaced = false, before = [] as readonly Buffer[] },
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colorType, 0, 0, interlaced ? 1 : 0], 8);
  const rows = deflateSync(Buffer.alloc(bytes), { level: 9 });
  return Buffer.concat([
    PNG_SIGNATURE,
    createChunk('IHDR', header),
    ...before,
    createChunk('IDAT', rows),
    createChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Creates a GIF file whose frames have this size. The data of the frames end after a few pixels. */
function createGif(screen: number, frame: number, frames: number): Buffer {
  const size = (side: number) => [side & 255, side >> 8, side & 255, side >> 8];
  const header = Buffer.from([...Buffer.from('GIF89a'), ...size(screen), 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, ...size(frame), 0, 2, 2, 0x4c, 1, 0]);
  return Buffer.concat([header, ...Array.from({ length: frames }, () => image), Buffer.from([0x3b])]);
}

/** Creates a TIFF file of gray pixels in one strip or one tile, compressed with deflate. */
function createTiff(size: number, data: Buffer, tile?: number): Buffer {
  const entries = [
    [256, size],
    [257, size],
    [258, 8],
    [259, 8],
    [262, 1],
    [277, 1],
    ...(tile ? [] : [[278, size]]),
    ...(tile ? [[322, tile]] : []),
    ...(tile ? [[323, tile]] : []),
    [tile ? 324 : 273, 0],
    [tile ? 325 : 279, data.length],
  ].sort((a, b) => a[0]! - b[0]!);
  const tiff = Buffer.alloc(8 + 2 + entries.length * 12 + 4);
  tiff.write('II*\0\x08\0\0\0', 'latin1');
  tiff.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, value], i) => {
    tiff.writeUInt16LE(tag!, 10 + 12 * i);
    tiff.writeUInt16LE(4, 12 + 12 * i);
    tiff.writeUInt32LE(1, 14 + 12 * i);
    tiff.writeUInt32LE(tag === 273 || tag === 324 ? tiff.length : value!, 18 + 12 * i);
  });
  return Buffer.concat([tiff, data]);
}

/** Replaces the size in the first frame header of a JPEG file. */
function claimJpegSize(jpeg: Buffer, side: number): Buffer {
  const copy = Buffer.from(jpeg);
  const marker = copy.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(copy[i + 1]!));
  copy.writeUInt16BE(side, marker + 5);
  copy.writeUInt16BE(side, marker + 7);
  return copy;
}

/** Replaces the size of the canvas in the header of an animated or extended WebP file, or of the image in a lossless one. */
function claimWebpSize(webp: Buffer, side: number): Buffer {
  const copy = Buffer.from(webp);
  const lossless = copy.indexOf('VP8L');
  copy.writeUInt32LE((side - 1) | ((side - 1) << 14), lossless + 9);
  return copy;
}

/** Replaces the size of all images in an AVIF file. */
function claimAvifSize(avif: Buffer, side: number): Buffer {
  const copy = Buffer.from(avif);
  for (let at = copy.indexOf('ispe'); at >= 0; at = copy.indexOf('ispe', at + 1)) {
    copy.writeUInt32BE(side, at + 8);
    copy.writeUInt32BE(side, at + 12);
  }
  return copy;
}

/** Creates a sequential JPEG file of gray blocks. Its three components are in scans of their own. */
function createJpegScans(side: number): Buffer {
  const size = [side >> 8, side & 255];
  const segment = (marker: number, data: readonly number[]) =>
    Buffer.from([0xff, marker, 0, data.length + 2, ...data]);
  // A table with the code 0 for the symbol 0, so that every block takes two bits.
  const table = (selector: number) => segment(0xc4, [selector, 1, ...new Array(15).fill(0), 0]);
  const blocks = Buffer.alloc(Math.ceil((Math.ceil(side / 8) ** 2 * 2) / 8));
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...new Array(64).fill(1)]),
    segment(0xc0, [8, ...size, ...size, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]),
    table(0),
    table(0x10),
    ...[1, 2, 3].flatMap((component) => [segment(0xda, [1, component, 0, 0, 63, 0]), blocks]),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Creates a TIFF file of 8x8 pixels whose tags of strips and tiles all refer to the same bytes. */
function createTiffTags(length: number): Buffer {
  const entries = [
    [256, 4, 1, 8],
    [257, 4, 1, 8],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    ...[273, 279, 324, 325, 40_000, 40_001, 40_002, 40_003].map((tag) => [tag, 1, length, -1]),
  ].sort((a, b) => a[0]! - b[0]!);
  const tiff = Buffer.alloc(10 + entries.length * 12 + 4);
  tiff.write('II*\0\x08\0\0\0', 'latin1');
  tiff.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, count, value], i) => {
    tiff.writeUInt16LE(tag!, 10 + 12 * i);
    tiff.writeUInt16LE(type!, 12 + 12 * i);
    tiff.writeUInt32LE(count!, 14 + 12 * i);
    tiff.writeUInt32LE(value === -1 ? tiff.length : value!, 18 + 12 * i);
  });
  return Buffer.concat([tiff, Buffer.alloc(length)]);
}

/** Inserts many copies of a part of a file at an offset. */
const insertParts = (file: Buffer, offset: number, part: Buffer, count: number) =>
  Buffer.concat([file.subarray(0, offset), Buffer.alloc(part.length * count, part), file.subarray(offset)]);

/** Creates a WebP file with many chunks after its image. */
function createWebpChunks(webp: Buffer, count: number): Buffer {
  const file = insertParts(webp, webp.length, Buffer.from('ABCD\0\0\0\0', 'latin1'), count);
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

/** Creates an AVIF file whose boxes contain each other. */
function createNestedBoxes(count: number): Buffer {
  const boxes = Buffer.alloc(8 * count);
  for (let i = 0; i < count; i++) {
    boxes.writeUInt32BE(8 * (count - i), 8 * i);
    boxes.write('iprp', 8 * i + 4);
  }
  return Buffer.concat([Buffer.from('\0\0\0\x14ftypavif\0\0\0\0avif', 'latin1'), boxes]);
}

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"><rect width="9" height="9"/></svg>';

/**
 * Creates small files that decode to as much memory as possible: images whose size is below the limit of 50 million pixels, and images
 * above it, by name. The name of a file above the limit begins with `refused`.
 */
export async function createImageBombs(): Promise<{ readonly [name: string]: Buffer }> {
  const small = sharp({ create: { width: 64, height: 64, channels: 3, background: 'gray' } });
  const large = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: 'gray' } });
  const progressive = await small.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer();
  const webp = await small.clone().webp({ lossless: true }).toBuffer();
  const avif = await small.clone().avif({ effort: 0 }).toBuffer();
  const emptyText = createChunk('tEXt', Buffer.alloc(0));
  const unknownChunk = createChunk('abCd', Buffer.alloc(0));
  const png = createPng([8, 8], { bytes: 72 });
  const jpg = await small.clone().jpeg().toBuffer();
  const scans = createJpegScans(5900);
  const text = createChunk(
    'zTXt',
    Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(7.9e6))]),
  );
  const profile = createChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(2e8))]));
  return {
    'gif.gif': createGif(7000, 7000, 1),
    'frames.gif': createGif(64, 64, 200_000),
    'refused-gif.gif': createGif(16_000, 16_000, 1),
    'refused-frame.gif': createGif(8, 16_000, 1),
    'deep.png': createPng([5200, 5200], { bytes: 216_600_000, depth: 16, colorType: 6, interlaced: true }),
    'text.png': createPng([8, 8], { bytes: 72, before: Array.from({ length: 300 }, () => text) }),
    'profile.png': createPng([8, 8], { bytes: 72, before: [profile] }),
    'refused-claim.png': createPng([2 ** 31 - 1, 2 ** 31 - 1], {}),
    'refused-deep.png': createPng([7000, 7000], { depth: 16, colorType: 6, interlaced: true }),
    'refused-image.jpg': claimJpegSize(progressive, 7000),
    'refused-claim.jpg': claimJpegSize(await small.clone().jpeg().toBuffer(), 65_500),
    'progressive.jpg': await large(5900).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    'refused-claim.webp': claimWebpSize(webp, 16_384),
    'webp.webp': await large(6000).webp({ lossless: true, effort: 0 }).toBuffer(),
    'refused-claim.avif': claimAvifSize(avif, 30_000),
    'avif.avif': await large(3600).avif({ effort: 0 }).toBuffer(),
    'strip.tif': createTiff(7000, deflateSync(Buffer.alloc(49_000_000))),
    'refused-strip.tif': createTiff(60_000, deflateSync(Buffer.alloc(1e6))),
    'refused-tile.tif': createTiff(8, deflateSync(Buffer.alloc(1e6)), 16_384),
    'refused-tags.tif': createTiffTags(12_000_000),
    ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`scans-${i}.jpg`, scans])),
    'refused-scans.jpg': createJpegScans(7000),
    'refused-text.png': insertParts(png, 33, emptyText, 1_000_000),
    'refused-chunks.png': insertParts(png, 33, Buffer.concat([emptyText, unknownChunk]), 500_000),
    'refused-segments.jpg': insertParts(jpg, 2, Buffer.from([0xff, 0xfe, 0, 2]), 3_000_000),
    'refused-chunks.webp': createWebpChunks(webp, 1_500_000),
    'refused-boxes.avif': insertParts(avif, avif.length, Buffer.from('\0\0\0\x08free', 'latin1'), 1_500_000),
    'damaged-nested.avif': createNestedBoxes(200_000),
    'comments.gif': insertParts(createGif(64, 64, 1), 19, Buffer.from([0x21, 0xfe, 1, 0, 0]), 2_000_000),
    'refused-svg.svg': Buffer.from(SVG),
    'refused-svg.png': Buffer.from(SVG),
    'refused-svg.jpg': Buffer.from(`<?xml version="1.0"?>\n${SVG}`),
  };
}
