import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utkFace } from '../../src/datasets/index.js';
import { createRng, csvLabels } from '../../src/entries/node.js';
import { folderStore, imageFolder } from '../../src/node/index.js';
import { faultOf } from './faultOf.js';

const top = mkdtempSync(join(tmpdir(), 'bad-files-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const NAMES = {
  truncatedJpeg: '30_0_0_20170101000000001.jpg',
  truncatedPng: '31_1_0_20170101000000002.png',
  empty: '32_0_0_20170101000000003.jpg',
  text: '33_1_0_20170101000000004.jpg',
  noGender: '61_1_20170101000000005.jpg',
  tooOld: '121_1_0_20170101000000006.jpg',
  dangling: '34_0_0_20170101000000007.jpg',
};
const GOOD = ['20_0_0_20170101000000000.jpg', '90_1_0_20170101000000009.png'];

let jpeg: Buffer;
let png: Buffer;
const bad = {
  truncatedJpeg: () => jpeg.subarray(0, jpeg.length / 2),
  truncatedPng: () => png.subarray(0, png.length / 2),
  empty: () => new Uint8Array(),
  text: () => Buffer.from('<html>404 Not Found</html>'),
  noGender: () => jpeg,
  tooOld: () => jpeg,
};

beforeAll(async () => {
  const random = createRng(1, 'noise'); // noise, so that half of a file holds about half of the rows
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, () => random.nextInt(256));
  const image = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
  jpeg = await image.clone().jpeg().toBuffer();
  png = await image.clone().png().toBuffer();
});

/** A folder with the good files and those of `kinds`. */
function folderWith(name: string, kinds: readonly (keyof typeof NAMES)[], good: readonly string[] = GOOD) {
  const folder = join(top, name);
  mkdirSync(folder, { recursive: true });
  for (const file of good) writeFileSync(join(folder, file), file.endsWith('png') ? png : jpeg);
  for (const kind of kinds) {
    if (kind === 'dangling') symlinkSync(join(folder, 'nowhere.jpg'), join(folder, NAMES.dangling));
    else writeFileSync(join(folder, NAMES[kind]), bad[kind]());
  }
  return folder;
}

const OPTIONS = { labels: utkFace(), size: [16, 16] } as const;
const REASONS = {
  truncatedJpeg: /cannot be decoded \(VipsJpeg: premature end of JPEG image\)/,
  truncatedPng: /cannot be decoded \(vipspng: libpng read error\)/,
  empty: /the file is empty/,
  text: /cannot be decoded.*unsupported image format/,
  noGender: /its name is not age_gender_race_date/,
  tooOld: /age 121 is not within 0 to 120/,
  dangling: /cannot be read.*ENOENT/,
} as const;
const KINDS = Object.keys(REASONS) as (keyof typeof REASONS)[];

describe('a file that cannot be used', () => {
  test.each(KINDS)('ends the reading with an error that names it: %s', async (kind) => {
    const folder = folderWith(`one-${kind}`, [kind]);
    const error = await faultOf(() => imageFolder(folder, OPTIONS));
    expect(error.kind).toBe('data');
    expect(error.path).toBe(join(folder, NAMES[kind]));
    expect(error.expected).toBe('an image with labels');
    expect(error.received).toMatch(REASONS[kind]);
    expect(error.advice).toContain("unusableFiles: 'skip'");
  });

  test("is listed with its reason and left out under unusableFiles: 'skip'; none disappears", async () => {
    const folder = folderWith('all', KINDS);
    const faces = await imageFolder(folder, { ...OPTIONS, unusableFiles: 'skip' });
    expect(faces.ids).toEqual(GOOD);
    expect(faces.skipped.map(({ path }) => path)).toEqual(KINDS.map((kind) => NAMES[kind]).sort());
    for (const kind of KINDS) {
      const reason = faces.skipped.find(({ path }) => path === NAMES[kind])!.reason;
      expect(reason).toMatch(REASONS[kind]);
    }
    // A split keeps the list: whoever holds a part can still say what is missing.
    expect(faces.split({ validation: 0.5 }).validation.skipped).toEqual(faces.skipped);
  });

  test('is the first by path when there are several, whatever is decoded first', async () => {
    const folder = folderWith('several', ['truncatedJpeg', 'empty', 'noGender']);
    const paths = new Set<string>();
    for (let round = 0; round < 5; round++) {
      paths.add((await faultOf(() => imageFolder(folder, OPTIONS))).path);
    }
    expect([...paths]).toEqual([join(folder, NAMES.truncatedJpeg)]);
  });

  test('ends the reading: no file is decoded after the error', async () => {
    // Many for each that is read at a time, of which a machine of many cores has many.
    const good = Array.from(
      { length: 20 * (availableParallelism() + 2) },
      (_, i) => `40_0_0_${20170101000000000n + BigInt(i)}.jpg`,
    );
    const folder = folderWith('many', ['text'], good); // `33_…` stands before `40_…`
    let decoded = 0;
    let tell!: () => void;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const decoder = async (bytes: Uint8Array) => {
      if (bytes[0] === '<'.charCodeAt(0)) {
        setImmediate(tell); // once the reading knows
        throw new Error('no image');
      }
      decoded++;
      await told; // however long the bad file takes: those begun until then are the first at a time
      return { data: new Uint8Array(16 * 16 * 3), height: 16, width: 16, channels: 3 };
    };
    await faultOf(() => imageFolder(folder, { ...OPTIONS, decoder }));
    const atError = decoded;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(decoded).toBe(atError);
    expect(decoded).toBeLessThan(good.length / 2);
  });

  test('says so when no file is left, and does not advise what was done already', async () => {
    const folder = folderWith('none-left', ['empty', 'text'], []);
    const error = await faultOf(() => imageFolder(folder, { ...OPTIONS, unusableFiles: 'skip' }));
    expect(error).toMatchObject({ kind: 'data', path: folder });
    expect(error.received).toContain('2 unusable files');
    expect(error.received).toContain(NAMES.empty);
    expect(error.advice).not.toContain('skip');
  });
});

describe('a folder', () => {
  test('without images is an error that lists what an image is', async () => {
    const folder = folderWith('empty-folder', [], []);
    writeFileSync(join(folder, 'notes.txt'), 'no image');
    const error = await faultOf(() => imageFolder(folder, OPTIONS));
    expect(error).toMatchObject({ kind: 'file', path: folder });
    expect(error.expected).toContain('jpg, png');
    expect(error.received).toBe('a folder without image files');
  });

  test('that is not there, or is a file, is an error with the code of the system', async () => {
    const missing = join(top, 'missing');
    const error = await faultOf(() => imageFolder(missing, OPTIONS));
    expect(error).toMatchObject({ kind: 'file', path: missing, received: 'no such file or folder (ENOENT)' });
    const file = join(folderWith('with-file', []), GOOD[0]!);
    expect(await faultOf(() => imageFolder(file, OPTIONS))).toMatchObject({
      kind: 'file',
      path: file,
      received: 'a file in place of a folder (ENOTDIR)',
    });
  });

  test('with a limit of no files is a wrong argument', async () => {
    const folder = folderWith('limited', []);
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      const error = await faultOf(() => imageFolder(folder, { ...OPTIONS, limit }));
      expect(error).toMatchObject({ kind: 'argument', path: 'imageFolder.limit', received: String(limit) });
    }
  });

  test('asked for images of no size is a wrong argument', async () => {
    const folder = folderWith('sized', []);
    for (const size of [[0, 16], [16], [16, 2.5], 16]) {
      const error = await faultOf(() => imageFolder(folder, { ...OPTIONS, size: size as [number, number] }));
      expect(error).toMatchObject({ kind: 'argument', path: 'imageFolder.size' });
      expect(error.received).toBe(JSON.stringify(size));
    }
  });
});

describe('a CSV file of labels', () => {
  const columns = { age: { min: 0, max: 120 }, gender: ['male', 'female'] } as const;
  const read = (text: string) => () => csvLabels(text, { columns });

  test('with a number that is none, or out of its range, names row, column and cell', async () => {
    for (const cell of ['NaN', 'old', '-1', '121', 'Infinity', ' ']) {
      const error = await faultOf(read(`file,age,gender\na.jpg,30,male\nb.jpg,${cell},male\n`));
      expect(error).toMatchObject({ kind: 'data', path: 'csv row 3, column age' });
      expect(error.expected).toBe('a number from 0 to 120');
      expect(error.received).toBe(JSON.stringify(cell));
    }
  });

  test('with a label outside the list names the list', async () => {
    const error = await faultOf(read('file,age,gender\na.jpg,30,femal\n'));
    expect(error).toMatchObject({ kind: 'data', path: 'csv row 2, column gender', received: '"femal"' });
    expect(error.expected).toBe('"male" or "female"');
  });

  test('without a column, with a cut row, and with a file named twice', async () => {
    const noColumn = await faultOf(read('file,aeg,gender\na.jpg,30,male\n'));
    expect(noColumn).toMatchObject({
      kind: 'data',
      path: 'csv header',
      received: 'the columns file, aeg, gender',
    });
    expect(noColumn.advice).toBe('Did you mean "aeg"?');
    const elsewhere = await faultOf(read('file,years,gender\na.jpg,30,male\n'));
    expect(elsewhere.advice).toContain('Add the column');
    const empty = await faultOf(read(''));
    expect(empty).toMatchObject({ path: 'csv header', received: 'an empty file' });
    const cut = await faultOf(read('file,age,gender\na.jpg,30\n'));
    expect(cut).toMatchObject({ kind: 'data', path: 'csv row 2', expected: '3 cells', received: '2 cells' });
    const twice = await faultOf(read('file,age,gender\na.jpg,30,male\n./a.jpg,31,male\n'));
    expect(twice).toMatchObject({ kind: 'data', path: 'csv row 3', received: 'a second row for a.jpg' });
  });

  test('csvLabels rejects a column that is no column type, and an option that it does not have', async () => {
    const type = await faultOf(() => csvLabels('file,age\n', { columns: { age: 'number' as never } }));
    expect(type).toMatchObject({ kind: 'argument', path: 'csvLabels.columns.age', received: '"number"' });
    const option = await faultOf(() => csvLabels('file,age\n', { columns: { age: { mini: 3 } as never } }));
    expect(option).toMatchObject({ path: 'csvLabels.columns.age', received: 'the option "mini"' });
  });

  test('csvLabels reads text, numbers, ranges, lists and functions, each with its own type', () => {
    const labels = csvLabels('file,name,age,size,gender,born\na.jpg, Ada ,36,2.5,female,1815\n', {
      columns: {
        name: String,
        age: Number,
        size: { min: 0, max: 9 },
        gender: ['male', 'female'],
        born: (cell) => new Date(`${cell}-01-01`).getUTCFullYear(),
      },
    });
    expect(labels('a.jpg')).toEqual({
      labels: { name: ' Ada ', age: 36, size: 2.5, gender: 'female', born: 1815 },
    });
  });

  test('that does not name an image of the folder leaves that image without labels', async () => {
    const folder = folderWith('csv', []);
    const labels = csvLabels(`file,age,gender\n${GOOD[0]},20,male\n`, { columns });
    const error = await faultOf(() => imageFolder(folder, { labels, size: [16, 16] }));
    expect(error).toMatchObject({ kind: 'data', path: join(folder, GOOD[1]!) });
    expect(error.received).toContain('it has no row in the CSV file');
  });
});

describe('a name of a stored file', () => {
  test('cannot leave its folder', async () => {
    const store = folderStore(join(top, 'inside'));
    for (const name of ['../outside', '/etc/passwd', '.', 'a/../../outside']) {
      for (const action of [
        () => store.read(name),
        () => store.write(name, new Uint8Array(1)),
        () => store.append(name, new Uint8Array(1)),
        () => store.remove(name),
      ]) {
        expect(await faultOf(action)).toMatchObject({ kind: 'argument', path: name });
      }
    }
  });
});
