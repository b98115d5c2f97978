import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  test('reports a row without an image file also if only a part of the files is used', async () => {
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

  test('rejects a TIFF file whose directory comes first and whose last rows are missing', async () => {
    const whole = createStrippedTiff();
    const folder = createFolder('tiff', ['whole.tif'], whole);
    writeFileSync(join(folder, 'half.tif'), whole.subarray(0, whole.length / 2));
    writeFileSync(join(folder, 'end.tif'), whole.subarray(0, -1));
    const { ids, skipped } = await imageFolder(folder, SKIP);
    expect([ids, skipped.map(({ path }) => path)]).toEqual([['whole.tif'], ['end.tif', 'half.tif']]);
  });
});

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
