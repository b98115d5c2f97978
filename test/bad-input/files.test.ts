import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utkFace } from '../../src/datasets/index.js';
import { createRng, csvLabels } from '../../src/entries/node.js';
import { folderStore, imageFolder } from '../../src/node/index.js';
import { catchError } from './catchError.js';

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
  const random = createRng(1, 'noise'); // The images are noise, so that half of a file contains about half of the rows.
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, () => random.nextInt(256));
  const image = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
  jpeg = await image.clone().jpeg().toBuffer();
  png = await image.clone().png().toBuffer();
});

/** A folder with the valid files and the unusable files of `kinds`. */
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

describe('imageFolder with unusable files', () => {
  test.each(KINDS)(
    'rejects an unusable file, and the error reports the path of the file and the reason: %s',
    async (kind) => {
      const folder = folderWith(`one-${kind}`, [kind]);
      const error = await catchError(() => imageFolder(folder, OPTIONS));
      expect(error.kind).toBe('data');
      expect(error.path).toBe(join(folder, NAMES[kind]));
      expect(error.expected).toBe('an image with labels');
      expect(error.received).toMatch(REASONS[kind]);
      expect(error.advice).toContain("unusableFiles: 'skip'");
    },
  );

  test("lists every skipped file with the reason if unusableFiles is 'skip'", async () => {
    const folder = folderWith('all', KINDS);
    const faces = await imageFolder(folder, { ...OPTIONS, unusableFiles: 'skip' });
    expect(faces.ids).toEqual(GOOD);
    expect(faces.skipped.map(({ path }) => path)).toEqual(KINDS.map((kind) => NAMES[kind]).sort());
    for (const kind of KINDS) {
      const reason = faces.skipped.find(({ path }) => path === NAMES[kind])!.reason;
      expect(reason).toMatch(REASONS[kind]);
    }
    // Both datasets of a split keep the list, so each can report the skipped files.
    expect(faces.split({ validation: 0.5 }).validation.skipped).toEqual(faces.skipped);
  });

  test('reports the first unusable file in path order, regardless of the decoding order', async () => {
    const folder = folderWith('several', ['truncatedJpeg', 'empty', 'noGender']);
    const paths = new Set<string>();
    for (let round = 0; round < 5; round++) {
      paths.add((await catchError(() => imageFolder(folder, OPTIONS))).path);
    }
    expect([...paths]).toEqual([join(folder, NAMES.truncatedJpeg)]);
  });

  test('stops decoding after it finds an unusable file', async () => {
    // There are many more files than are decoded concurrently, which depends on the number of cores.
    const good = Array.from(
      { length: 20 * (availableParallelism() + 2) },
      (_, i) => `40_0_0_${20170101000000000n + BigInt(i)}.jpg`,
    );
    const folder = folderWith('many', ['text'], good); // The name `33_…` is sorted before `40_…`.
    let decoded = 0;
    let reportFailure!: () => void;
    const failure = new Promise<void>((resolve) => {
      reportFailure = resolve;
    });
    const decoder = async (bytes: Uint8Array) => {
      if (bytes[0] === '<'.charCodeAt(0)) {
        setImmediate(reportFailure); // This runs after imageFolder has received the error.
        throw new Error('no image');
      }
      decoded++;
      await failure; // Only the files that are decoded concurrently with the unusable file wait here.
      return { data: new Uint8Array(16 * 16 * 3), height: 16, width: 16, channels: 3 };
    };
    await catchError(() => imageFolder(folder, { ...OPTIONS, decoder }));
    const atError = decoded;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(decoded).toBe(atError);
    expect(decoded).toBeLessThan(good.length / 2);
  });

  test('rejects a folder without any usable files, and the error does not suggest skipping files', async () => {
    const folder = folderWith('none-left', ['empty', 'text'], []);
    const error = await catchError(() => imageFolder(folder, { ...OPTIONS, unusableFiles: 'skip' }));
    expect(error).toMatchObject({ kind: 'data', path: folder });
    expect(error.received).toContain('2 unusable files');
    expect(error.received).toContain(NAMES.empty);
    expect(error.advice).not.toContain('skip');
  });
});

describe('imageFolder with invalid arguments', () => {
  test('rejects a folder without images, and the error lists the supported file extensions', async () => {
    const folder = folderWith('empty-folder', [], []);
    writeFileSync(join(folder, 'notes.txt'), 'no image');
    const error = await catchError(() => imageFolder(folder, OPTIONS));
    expect(error).toMatchObject({ kind: 'file', path: folder });
    expect(error.expected).toContain('jpg, png');
    expect(error.received).toBe('a folder without image files');
  });

  test('rejects a missing folder and the path of a file, and the error contains the system error code', async () => {
    const missing = join(top, 'missing');
    const error = await catchError(() => imageFolder(missing, OPTIONS));
    expect(error).toMatchObject({
      kind: 'file',
      path: missing,
      received: 'a file or folder that does not exist (ENOENT)',
    });
    const file = join(folderWith('with-file', []), GOOD[0]!);
    expect(await catchError(() => imageFolder(file, OPTIONS))).toMatchObject({
      kind: 'file',
      path: file,
      received: 'a file in place of a folder (ENOTDIR)',
    });
  });

  test('rejects a limit that is not a positive whole number', async () => {
    const folder = folderWith('limited', []);
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      const error = await catchError(() => imageFolder(folder, { ...OPTIONS, limit }));
      expect(error).toMatchObject({ kind: 'argument', path: 'imageFolder.limit', received: String(limit) });
    }
  });

  test('rejects a size that is not a pair of positive whole numbers', async () => {
    const folder = folderWith('sized', []);
    for (const size of [[0, 16], [16], [16, 2.5], 16]) {
      const error = await catchError(() =>
        imageFolder(folder, { ...OPTIONS, size: size as [number, number] }),
      );
      expect(error).toMatchObject({ kind: 'argument', path: 'imageFolder.size' });
      expect(error.received).toBe(JSON.stringify(size));
    }
  });
});

describe('csvLabels', () => {
  const columns = { age: { min: 0, max: 120 }, gender: ['male', 'female'] } as const;
  const read = (text: string) => () => csvLabels(text, { columns });

  test('rejects a cell that is not a number or is out of range, and the error reports the row and column', async () => {
    for (const cell of ['NaN', 'old', '-1', '121', 'Infinity', ' ']) {
      const error = await catchError(read(`file,age,gender\na.jpg,30,male\nb.jpg,${cell},male\n`));
      expect(error).toMatchObject({ kind: 'data', path: 'CSV row 3, column age' });
      expect(error.expected).toBe('a number from 0 to 120');
      expect(error.received).toBe(JSON.stringify(cell));
    }
  });

  test('rejects a label that is not in the label list of its column', async () => {
    const error = await catchError(read('file,age,gender\na.jpg,30,femal\n'));
    expect(error).toMatchObject({ kind: 'data', path: 'CSV row 2, column gender', received: '"femal"' });
    expect(error.expected).toBe('"male" or "female"');
  });

  test('rejects a CSV file without a required column, a row with too few cells, and a file name that occurs twice', async () => {
    const noColumn = await catchError(read('file,aeg,gender\na.jpg,30,male\n'));
    expect(noColumn).toMatchObject({
      kind: 'data',
      path: 'CSV header',
      received: 'the columns file, aeg, gender',
    });
    expect(noColumn.advice).toBe('Did you mean "aeg"?');
    const elsewhere = await catchError(read('file,years,gender\na.jpg,30,male\n'));
    expect(elsewhere.advice).toContain('Add the column');
    const empty = await catchError(read(''));
    expect(empty).toMatchObject({ path: 'CSV header', received: 'an empty file' });
    const cut = await catchError(read('file,age,gender\na.jpg,30\n'));
    expect(cut).toMatchObject({ kind: 'data', path: 'CSV row 2', expected: '3 cells', received: '2 cells' });
    const twice = await catchError(read('file,age,gender\na.jpg,30,male\n./a.jpg,31,male\n'));
    expect(twice).toMatchObject({ kind: 'data', path: 'CSV row 3', received: 'a second row for a.jpg' });
  });

  test('rejects an invalid column type and an unknown option', async () => {
    const type = await catchError(() => csvLabels('file,age\n', { columns: { age: 'number' as never } }));
    expect(type).toMatchObject({ kind: 'argument', path: 'csvLabels.columns.age', received: '"number"' });
    const option = await catchError(() =>
      csvLabels('file,age\n', { columns: { age: { mini: 3 } as never } }),
    );
    expect(option).toMatchObject({ path: 'csvLabels.columns.age', received: 'the option "mini"' });
  });

  test('reads a column as text, as a number, as a number in a range, as one of several labels, or with a function', () => {
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

  test('makes imageFolder reject an image that is missing from the CSV file, and the error names the image', async () => {
    const folder = folderWith('csv', []);
    const labels = csvLabels(`file,age,gender\n${GOOD[0]},20,male\n`, { columns });
    const error = await catchError(() => imageFolder(folder, { labels, size: [16, 16] }));
    expect(error).toMatchObject({ kind: 'data', path: join(folder, GOOD[1]!) });
    expect(error.received).toContain('it has no row in the CSV file');
  });
});

describe('folderStore', () => {
  test('rejects file names that point outside its folder', async () => {
    const store = folderStore(join(top, 'inside'));
    for (const name of ['../outside', '/etc/passwd', '.', 'a/../../outside']) {
      for (const action of [
        () => store.read(name),
        () => store.write(name, new Uint8Array(1)),
        () => store.append(name, new Uint8Array(1)),
        () => store.remove(name),
      ]) {
        expect(await catchError(action)).toMatchObject({ kind: 'argument', path: name });
      }
    }
  });
});
