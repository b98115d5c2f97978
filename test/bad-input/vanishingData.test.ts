import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csvLabels } from '../../src/entries/node.js';
import { imageFolder } from '../../src/node/index.js';
import { catchError } from './catchError.js';

const top = mkdtempSync(join(tmpdir(), 'vanishing-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let jpeg: Buffer;
let noise: Sharp;
beforeAll(async () => {
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919 + (i >> 5)) & 255);
  noise = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
  jpeg = await noise.clone().jpeg().toBuffer();
});

/** Creates a folder with these files: JPEG images, or other contents. */
function createFolder(name: string, files: readonly string[], contents?: Uint8Array) {
  const folder = join(top, name);
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), contents ?? jpeg);
  }
  return folder;
}

const SKIP = { labels: () => ({ labels: {} }), size: [8, 8], unusableFiles: 'skip' } as const;
const age = (text: string) => csvLabels(text, { columns: { age: Number } });

describe('imageFolder with a CSV file', () => {
  test('rejects a row without an image file, and lists it as skipped if requested', async () => {
    const folder = createFolder('rows', ['a.jpg', 'notes.txt']);
    const labels = age('file,age\na.jpg,1\nb.jpg,2\nnotes.txt,3\n');
    const error = await catchError(() => imageFolder(folder, { labels, size: [8, 8] }));
    expect(error).toMatchObject({ kind: 'data', path: join(folder, 'b.jpg') });
    expect(error.received).toContain('CSV row 3 refers to it');
    const faces = await imageFolder(folder, { ...SKIP, labels });
    expect(faces.ids).toEqual(['a.jpg']);
    expect(faces.skipped.map(({ path }) => path)).toEqual(['b.jpg', 'notes.txt']);
  });

  test('reports a row without an image file even if only some of the files are used', async () => {
    const folder = createFolder('limited', ['a.jpg', 'b.jpg']);
    const labels = age('file,age\na.jpg,1\nb.jpg,2\nc.jpg,3\n');
    const { ids, skipped } = await imageFolder(folder, { ...SKIP, labels, limit: 1 });
    expect([ids.length, skipped.map(({ path }) => path)]).toEqual([1, ['c.jpg']]);
  });

  test('matches paths with backslashes, repeated separators and another Unicode form', async () => {
    const folder = createFolder('spelling', ['x/a.jpg', 'x/y/b.jpg', 'Zoë.jpg'.normalize('NFD')]);
    const text = `file,age\nx\\a.jpg,1\n.\\x//y\\b.jpg,2\n${'Zoë.jpg'.normalize('NFC')},3\n`;
    const faces = await imageFolder(folder, { ...SKIP, labels: age(text), unusableFiles: 'error' });
    expect(faces.ids.map((_, i) => faces.labels(i).age)).toEqual([3, 1, 2]);
  });

  test('uses none of the files that match the same row, except a file that is spelled like the row', async () => {
    const names = ['Zoë.jpg'.normalize('NFC'), 'Zoë.jpg'.normalize('NFD')] as const;
    const folder = createFolder('ambiguous', [...names, 'a.jpg']);
    const both = await imageFolder(folder, { ...SKIP, labels: age(`file,age\n${names[0]},1\na.jpg,2\n`) });
    expect(both.ids).toEqual([names[0], 'a.jpg'].sort());
    expect(both.skipped).toMatchObject([
      { path: names[1], reason: expect.stringContaining('several files') },
    ]);
  });

  test('rejects a folder in which every image matches the same row as another image', async () => {
    const folder = createFolder('ambiguous-alone', ['x\\a.jpg', 'x/a.jpg']);
    const labels = age('file,age\nx//a.jpg,1\n');
    const error = await catchError(() => imageFolder(folder, { ...SKIP, labels }));
    expect(error).toMatchObject({ kind: 'data', path: folder });
    expect(error.received).toContain('2 unusable files');
  });
});

describe('csvLabels', () => {
  test('rejects rows whose paths differ only in separators or Unicode form', async () => {
    for (const [first, second] of [
      ['x/a.jpg', 'x\\a.jpg'],
      ['é.jpg'.normalize('NFC'), 'é.jpg'.normalize('NFD')],
      ['x/a.jpg', './x//a.jpg'],
    ]) {
      const error = await catchError(() => age(`file,age\n${first},1\n${second},1\n`));
      expect(error).toMatchObject({ kind: 'data', path: 'CSV row 3' });
      expect(error.received).toContain('a second row');
    }
  });

  test('rejects a quoted cell that is not closed, and the error reports the line on which it begins', async () => {
    for (const [text, line] of [
      ['file,age\na.jpg,"31\n', 2],
      ['file,age\na.jpg,"31', 2],
      ['file,age\r\na.jpg,1\r\n\r\nb.jpg,"31\r\nc.jpg,4\r\n', 4],
      ['file,age\n"a\nb.jpg",1\nc.jpg,"', 4],
      ['"file,age\na.jpg,1\n', 1],
      ['file,age\na.jpg,"3""\n', 2],
    ] as const) {
      const error = await catchError(() => age(text));
      expect(error).toMatchObject({ kind: 'data', path: `CSV line ${line}` });
      expect(error.received).toContain('without a closing quotation mark');
    }
  });

  test('rejects a quoted cell that is followed by text', async () => {
    const direct = await catchError(() => age('file,age\n"a"b.jpg,31\n'));
    expect(direct).toMatchObject({ kind: 'data', path: 'CSV line 2' });
    expect(direct.received).toContain('followed by "b.jpg"');
    const later = await catchError(() => age('file,age\na.jpg,"31,m\nb.jpg,40,"f\n'));
    expect(later).toMatchObject({ path: 'CSV line 2' });
    expect(later.received).toContain('on line 3 is followed by "f"');
  });

  test('reads a file whose lines end with carriage returns, and skips rows without text', () => {
    const labels = age('file,age\ra.jpg,1\r,\rb.jpg,2');
    expect([labels('a.jpg'), labels('b.jpg')]).toEqual([{ labels: { age: 1 } }, { labels: { age: 2 } }]);
  });

  test('reads decimal numbers only', async () => {
    for (const [cell, value] of [
      ['31', 31],
      [' -0.5 ', -0.5],
      ['+1.e2', 100],
      ['.25', 0.25],
      ['0e-999', 0],
    ] as const) {
      expect(age(`file,age\na.jpg,${cell}\n`)('a.jpg')).toEqual({ labels: { age: value } });
    }
    for (const cell of [
      '0x1F',
      '0b11',
      '0o7',
      '1e-999',
      '1e999',
      'Infinity',
      '1_000',
      '3,1',
      '-',
      'e3',
      '1e',
      '٣',
    ]) {
      for (const column of [Number, { min: -9 }]) {
        const error = await catchError(() =>
          csvLabels(`file,age\na.jpg,"${cell}"\n`, { columns: { age: column } }),
        );
        expect(error).toMatchObject({ kind: 'data', path: 'CSV row 2, column age' });
        expect(error.received).toBe(JSON.stringify(cell));
      }
    }
  });

  test('reports the line of the file on which a row begins, also after empty lines and cells with line breaks', async () => {
    for (const [rest, path] of [
      ['b.jpg,x\n', 'CSV row 7, column age'],
      ['b.jpg\n', 'CSV row 7'],
      ['a.jpg,1\n', 'CSV row 7'],
      [',1\n', 'CSV row 7, column file'],
    ] as const) {
      const error = await catchError(() => age(`file,age\n\na.jpg,1\n"c\nd.jpg",2\n,\n${rest}`));
      expect(error.path).toBe(path);
    }
    const folder = createFolder('lines', ['a.jpg']);
    const faces = await imageFolder(folder, { ...SKIP, labels: age('file,age\n\na.jpg,1\n\nb.jpg,2\n') });
    expect(faces.skipped[0]!.reason).toContain('CSV row 5');
  });

  test('reports a cell that the function of a column rejects with any value', async () => {
    for (const [thrown, expected] of [
      [new Error('a year'), 'a year'],
      ['a year', 'a year'],
      [undefined, 'a cell that the function of the column accepts'],
      [null, 'a cell that the function of the column accepts'],
      [7, 'a cell that the function of the column accepts'],
      [new Error(''), 'a cell that the function of the column accepts'],
    ] as const) {
      const read = () => {
        throw thrown;
      };
      const error = await catchError(() => csvLabels('file,age\na.jpg,x\n', { columns: { age: read } }));
      expect(error).toMatchObject({ kind: 'data', path: 'CSV row 2, column age', expected });
    }
  });

  test('rejects a row without a path, and two columns of one name', async () => {
    expect(await catchError(() => age('file,age\n,1\n'))).toMatchObject({ path: 'CSV row 2, column file' });
    const columns = await catchError(() => age('file,age,age\na.jpg,1,2\n'));
    expect(columns).toMatchObject({ path: 'CSV header', received: 'several columns with this name' });
  });
});

describe('imageFolder', () => {
  test('decodes images by their content, with any extension of an image format', async () => {
    const names = ['a.JPG', 'b.jfif', 'c.jpe', 'd.bmp', 'e.pjpeg', 'f.heic'];
    const faces = await imageFolder(createFolder('extensions', [...names, 'readme.md', 'jpg']), SKIP);
    expect([faces.ids, faces.skipped]).toEqual([names, []]);
  });

  test('lists files in other image formats as skipped, or rejects them', async () => {
    const names = ['b.bmp', 'c.ppm', 'd.svg', 'e.heic', 'f.ico', 'g.jp2', 'h.jxl', 'i.dng', 'j.tga', 'k.psd'];
    const folder = createFolder('formats', names, Buffer.from('BM neither JPEG nor PNG nor another'));
    writeFileSync(join(folder, 'z.jpg'), jpeg);
    const faces = await imageFolder(folder, SKIP);
    expect([faces.ids, faces.skipped.map(({ path }) => path)]).toEqual([['z.jpg'], names]);
    for (const { reason } of faces.skipped) expect(reason).toContain('unsupported image format');
    const error = await catchError(() => imageFolder(folder, { ...SKIP, unusableFiles: 'error' }));
    expect(error.path).toBe(join(folder, 'b.bmp'));
  });

  test('passes files in other image formats to the decoder of the user', async () => {
    const folder = createFolder('own-decoder', ['b.bmp'], Buffer.from('BM'));
    const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 };
    expect((await imageFolder(folder, { ...SKIP, decoder: async () => image })).ids).toEqual(['b.bmp']);
  });

  test('reports an image that a decoder rejects with any value', async () => {
    const folder = createFolder('thrown', ['a.jpg', 'b.jpg']);
    for (const thrown of ['no image', undefined, null, new Error('no image')]) {
      const decoder = () => Promise.reject(thrown);
      const error = await catchError(() => imageFolder(folder, { ...SKIP, decoder }));
      expect(error).toMatchObject({ kind: 'data', path: folder });
      expect(error.received).toContain(thrown ? 'no image' : 'without a reason');
    }
  });

  test('lists a link to an image as skipped if its own name has no image extension', async () => {
    const folder = createFolder('image-links', ['a.jpg', 'b.mpo', 'c.jps', 'd.jpg~', 'e.jpg.bak']);
    for (const name of ['face', 'face.1', 'far']) symlinkSync('a.jpg', join(folder, name));
    symlinkSync('face', join(folder, 'indirect'));
    symlinkSync('gone.jpg', join(folder, 'broken'));
    const { ids, skipped } = await imageFolder(folder, SKIP);
    expect(ids).toEqual(['a.jpg', 'b.mpo', 'c.jps']);
    expect(skipped.map(({ path }) => path)).toEqual(['broken', 'face', 'face.1', 'far', 'indirect']);
    for (const { reason } of skipped) expect(reason).toContain('its name has no image extension');
  });

  test('lists a link to a folder as skipped, or rejects it', async () => {
    const folder = createFolder('links', ['a.jpg']);
    symlinkSync(createFolder('elsewhere', ['b.jpg']), join(folder, 'more'));
    symlinkSync(folder, join(folder, 'circle'));
    symlinkSync(join(top, 'elsewhere', 'b.jpg'), join(folder, 'b.jpg'));
    symlinkSync(join(top, 'nowhere'), join(folder, 'dangling'));
    const faces = await imageFolder(folder, SKIP);
    expect(faces.ids).toEqual(['a.jpg', 'b.jpg']);
    expect(faces.skipped.map(({ path }) => path)).toEqual(['circle', 'more']);
    for (const { reason } of faces.skipped) expect(reason).toContain('a link to a folder');
    const error = await catchError(() => imageFolder(folder, { ...SKIP, unusableFiles: 'error' }));
    expect(error).toMatchObject({ kind: 'data', path: join(folder, 'circle') });
  });
});

describe('imageFolder with truncated images', () => {
  test('rejects every format at every length', async () => {
    const image = () => noise.clone();
    const formats = {
      jpg: image().jpeg(),
      png: image().png({ progressive: true }),
      gif: image().gif(),
      webp: image().webp(),
      avif: image().avif({ effort: 0 }),
      tif: image().tiff({ compression: 'jpeg' }),
      tiff: image().tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16 }),
    };
    for (const [extension, encoder] of Object.entries(formats)) {
      const encoded = await encoder.toBuffer();
      const folder = createFolder(`cut-${extension}`, [`whole.${extension}`], encoded);
      for (const share of [0.999, 0.99, 0.9, 0.6, 0.3]) {
        const length = Math.min(Math.floor(encoded.length * share), encoded.length - 2);
        writeFileSync(join(folder, `${share}.${extension}`), encoded.subarray(0, length));
      }
      expect((await imageFolder(folder, SKIP)).ids).toEqual([`whole.${extension}`]);
    }
  });

  test('rejects files whose last part is zeros, or that end early with a valid end', async () => {
    const image = () => noise.clone();
    const [jpg, progressive, gif] = await Promise.all([
      image().jpeg().toBuffer(),
      image().jpeg({ progressive: true }).toBuffer(),
      image().gif().toBuffer(),
    ]);
    const png = await image().png().toBuffer();
    const tif = await image().tiff({ compression: 'deflate' }).toBuffer();
    const webp = await image().webp({ lossless: true }).toBuffer();
    const avif = await image().avif({ effort: 0 }).toBuffer();
    const folder = createFolder('early', ['a-whole.jpg']);
    const end = Buffer.from([0xff, 0xd9]);
    for (const [name, bytes] of Object.entries({ jpg, progressive, gif, png, tif, webp, avif })) {
      for (const share of [0.4, 0.7, 0.95]) {
        const length = Math.floor(bytes.length * share);
        const zeros = Buffer.from(bytes).fill(0, length);
        writeFileSync(join(folder, `${name}-${share}.jpg`), zeros);
        if (name !== 'jpg' && name !== 'progressive') continue;
        const start = bytes.subarray(0, length);
        writeFileSync(join(folder, `${name}-ended-${share}.jpg`), Buffer.concat([start, end]));
        const padded = Buffer.concat([start, Buffer.alloc(3000), end]);
        writeFileSync(join(folder, `${name}-zeros-${share}.jpg`), padded);
      }
    }
    writeFileSync(join(folder, 'terminator.gif'), endGifAfterBlocks(gif, 1));
    writeFileSync(join(folder, 'rows.png'), createShortPng(png));
    expect((await imageFolder(folder, SKIP)).ids).toEqual(['a-whole.jpg']);
  });

  test('accepts files with irregularities that do not affect the pixels', async () => {
    const [jpg, progressive] = [jpeg, await noise.clone().jpeg({ progressive: true }).toBuffer()];
    const folder = createFolder('irregular', ['a-whole.jpg']);
    const segment = (marker: number, data: Buffer) =>
      Buffer.concat([Buffer.from([0xff, marker, 0, data.length + 2]), data]);
    const added = {
      comment: segment(0xfe, Buffer.alloc(0)),
      exif: segment(0xe1, Buffer.from('Exif\0\0II*\0\xff\xff\xff\xff', 'latin1')),
      profile: segment(0xe2, Buffer.from('ICC_PROFILE\0\x05\x02junk', 'latin1')),
      adobe: segment(0xee, Buffer.from('Adobe\0d\0\0\0\0\x05', 'latin1')),
      fill: Buffer.from([0xff, 0xff]),
      junk: Buffer.from([0, 0, 0]),
    };
    const names = ['a-whole.jpg'];
    const write = (name: string, bytes: Uint8Array) => {
      names.push(name);
      writeFileSync(join(folder, name), bytes);
    };
    for (const [format, bytes] of Object.entries({ jpg, progressive })) {
      for (const [name, part] of Object.entries(added)) {
        const offset = 4 + bytes.readUInt16BE(4); // After the first segment.
        const parts = [bytes.subarray(0, offset), part, bytes.subarray(offset)];
        write(`${format}-${name}.jpg`, Buffer.concat(parts));
      }
      write(`${format}-trailing.jpg`, Buffer.concat([bytes, Buffer.alloc(99, 7)]));
    }
    const padding = Buffer.alloc(40, 0xaa);
    write('padded.jpg', Buffer.concat([jpg.subarray(0, -2), padding, jpg.subarray(-2)]));
    const tif = await noise.clone().tiff({ compression: 'deflate' }).toBuffer();
    const directory = tif.readUInt32LE(4);
    tif.writeUInt16LE(65_001, directory + 2 + 12 * (tif.readUInt16LE(directory) - 3)); // Not in ascending order.
    write('tags.tif', tif);
    const faces = await imageFolder(folder, SKIP);
    expect([faces.ids, faces.skipped]).toEqual([names.sort(), []]);
    const [whole, ...others] = await Promise.all(faces.ids.map((_, i) => faces.read(i)));
    for (const [i, other] of others.entries()) {
      const difference = Math.max(...other.data.map((value, j) => Math.abs(value - whole!.data[j]!)));
      expect([names[i + 1], difference <= 8]).toEqual([names[i + 1], true]);
    }
  });

  test('rejects JPEG files with any sampling only if blocks are missing', async () => {
    const folder = createFolder('sampling', ['a-whole.jpg']);
    const size = { width: 61, height: 43 };
    const names = ['a-whole.jpg'];
    const end = Buffer.from([0xff, 0xd9]);
    for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
      for (const gray of [false, true]) {
        for (const optimizeCoding of [false, true]) {
          const name = `${chromaSubsampling.replaceAll(':', '')}-${gray}-${optimizeCoding}`;
          const image = noise
            .clone()
            .resize(size.width, size.height)
            .toColourspace(gray ? 'b-w' : 'srgb');
          const bytes = await image.jpeg({ chromaSubsampling, optimizeCoding, quality: 95 }).toBuffer();
          writeFileSync(join(folder, `${name}.jpg`), bytes);
          writeFileSync(join(folder, `${name}-cut.jpg`), Buffer.concat([bytes.subarray(0, -60), end]));
          names.push(`${name}.jpg`);
        }
      }
    }
    expect((await imageFolder(folder, SKIP)).ids).toEqual(names.sort());
  });

  test('rejects a JPEG file with restart markers only if blocks are missing', async () => {
    const folder = createFolder('restart', ['whole.jpg'], createRestartJpeg(16));
    for (const count of [15, 8, 1]) writeFileSync(join(folder, `${count}.jpg`), createRestartJpeg(count));
    expect((await imageFolder(folder, SKIP)).ids).toEqual(['whole.jpg']);
  });

  test('rejects a TIFF file without all strips or tiles', async () => {
    const strips = createStrippedTiff();
    const tiles = await noise
      .clone()
      .tiff({ compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16 })
      .toBuffer();
    const folder = createFolder('strips', ['whole.tif'], strips);
    writeFileSync(join(folder, 'whole-tiles.tif'), tiles);
    for (const [name, bytes] of Object.entries({ strips, tiles })) {
      const [offsets, counts] = [findTag(bytes, 273, 324), findTag(bytes, 279, 325)];
      const last = bytes.readUInt32LE(counts + 4) - 1;
      const change = (label: string, edit: (copy: Buffer) => void) => {
        const copy = Buffer.from(bytes);
        edit(copy);
        writeFileSync(join(folder, `${name}-${label}.tif`), copy);
      };
      const countSize = bytes.readUInt16LE(counts + 2) === 3 ? 2 : 4;
      const lastCount = bytes.readUInt32LE(counts + 8) + countSize * last;
      change('fewer', (copy) => {
        for (const entry of [offsets, counts]) copy.writeUInt32LE(last, entry + 4);
      });
      change('short', (copy) => copy.writeUIntLE(10, lastCount, countSize));
      change('empty', (copy) => copy.writeUIntLE(0, lastCount, countSize));
      change('nowhere', (copy) => copy.writeUInt32LE(0, bytes.readUInt32LE(offsets + 8) + 4 * last));
    }
    expect((await imageFolder(folder, SKIP)).ids).toEqual(['whole-tiles.tif', 'whole.tif']);
  });

  test('rejects a TIFF file whose directory comes first and whose last rows are missing', async () => {
    const whole = createStrippedTiff();
    const folder = createFolder('tiff', ['whole.tif'], whole);
    writeFileSync(join(folder, 'half.tif'), whole.subarray(0, whole.length / 2));
    writeFileSync(join(folder, 'end.tif'), whole.subarray(0, -1));
    const { ids, skipped } = await imageFolder(folder, SKIP);
    expect([ids, skipped.map(({ path }) => path)]).toEqual([['whole.tif'], ['end.tif', 'half.tif']]);
  });
});

/** Creates a gray JPEG image of 16 blocks with a restart marker after every block, of which the file contains the first `count`. */
function createRestartJpeg(count: number): Buffer {
  const segment = (marker: number, data: readonly number[]) => [0xff, marker, 0, data.length + 2, ...data];
  // A table with the code 0 for the symbol 0, so that every block takes two bits.
  const table = (selector: number) => segment(0xc4, [selector, 1, ...new Array(15).fill(0), 0]);
  const blocks = Array.from({ length: count }, (_, i) => [
    ...(i > 0 ? [0xff, 0xd0 + ((i - 1) % 8)] : []),
    0x3f,
  ]);
  return Buffer.from([
    ...[0xff, 0xd8],
    ...segment(0xdb, [0, ...new Array(64).fill(1)]),
    ...segment(0xc0, [8, 0, 32, 0, 32, 1, 1, 0x11, 0]),
    ...[...table(0), ...table(0x10)],
    ...segment(0xdd, [0, 1]),
    ...segment(0xda, [1, 1, 0, 0, 63, 0]),
    ...blocks.flat(),
    ...[0xff, 0xd9],
  ]);
}

/** Returns a GIF file whose image ends after this number of data blocks. */
function endGifAfterBlocks(gif: Buffer, count: number): Buffer {
  const tableLength = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let offset = 13 + tableLength(gif[10]!);
  while (gif[offset] === 0x21) {
    for (offset += 2; gif[offset] !== 0; ) offset += 1 + gif[offset]!;
    offset++;
  }
  offset += 11 + tableLength(gif[offset + 9]!);
  for (let i = 0; i < count; i++) offset += 1 + gif[offset]!;
  return Buffer.concat([gif.subarray(0, offset), Buffer.from([0, 0x3b])]);
}

/** Returns a PNG file whose data are cut, with valid chunks. */
function createShortPng(png: Buffer): Buffer {
  const start = png.indexOf('IDAT');
  const data = png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4));
  const body = Buffer.concat([Buffer.from('IDAT'), data.subarray(0, data.length >> 1)]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length - 4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([png.subarray(0, start - 4), length, body, checksum, png.subarray(-12)]);
}

/** Returns the offset of the entry of one of these tags in the directory of a TIFF file. */
function findTag(tiff: Buffer, ...tags: readonly number[]): number {
  const directory = tiff.readUInt32LE(4);
  for (let i = 0; i < tiff.readUInt16LE(directory); i++) {
    const entry = directory + 2 + 12 * i;
    if (tags.includes(tiff.readUInt16LE(entry))) return entry;
  }
  throw new Error(`no tag ${tags}`);
}

/** Creates a gray TIFF image of 64x64 pixels in strips of eight rows. The directory precedes the pixels, as in the files of cameras. */
function createStrippedTiff(): Buffer {
  const [side, strips] = [64, 8];
  const start = 8 + 2 + 9 * 12 + 4;
  const tiff = Buffer.alloc(start + 8 * strips + side * side, 200);
  const entries = [
    [256, 4, 1, side],
    [257, 4, 1, side],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, strips, start],
    [277, 3, 1, 1],
    [278, 4, 1, 8],
    [279, 4, strips, start + 4 * strips],
  ];
  tiff.write('II*\0\x08\0\0\0\x09\0', 'latin1');
  entries.forEach(([tag, type, count, value], i) => {
    tiff.writeUInt16LE(tag!, 10 + 12 * i);
    tiff.writeUInt16LE(type!, 12 + 12 * i);
    tiff.writeUInt32LE(count!, 14 + 12 * i);
    tiff.writeUInt32LE(value!, 18 + 12 * i);
  });
  tiff.writeUInt32LE(0, start - 4);
  for (let i = 0; i < strips; i++) {
    tiff.writeUInt32LE(start + 8 * strips + i * 8 * side, start + 4 * i);
    tiff.writeUInt32LE(8 * side, start + 4 * strips + 4 * i);
  }
  return tiff;
}
