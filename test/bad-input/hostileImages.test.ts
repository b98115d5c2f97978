import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { branch, flatten, multiTask, regression } from '../../src/entries/node.js';
import { imageFolder, sharpDecoder } from '../../src/node/index.js';
import { catchError } from './catchError.js';
import { createImageBombs } from './imageBombs.js';
import { MAX_MEMORY, measureHostileImages } from './measureHostileImages.js';

const top = mkdtempSync(join(tmpdir(), 'hostile-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let bombs: Awaited<ReturnType<typeof createImageBombs>>;
beforeAll(async () => {
  bombs = await createImageBombs();
});

const REFUSAL = /maxPixels|unsupported image format|more than \d+ (chunks|segments|boxes)|more data than/;

describe('imageFolder with hostile images', () => {
  test('takes less than 500 MB of memory, and reports every image above the limit', async () => {
    const { bytes, ids, skipped } = await measureHostileImages(top, bombs);
    expect(bytes).toBeLessThan(MAX_MEMORY);
    // The data of this file end after a few pixels, so it is decoded, and rejected afterwards.
    const gif = skipped.find(({ path }) => path === 'gif.gif');
    expect(gif?.reason).toContain('does not contain all pixels');
    const refused = Object.keys(bombs).filter((name) => name.startsWith('refused'));
    expect(ids.filter((id) => id.includes('refused'))).toEqual([]);
    for (const { path, reason } of skipped) {
      if (path.includes('refused')) expect(reason).toMatch(REFUSAL);
    }
    expect(skipped.filter(({ path }) => path.includes('refused'))).toHaveLength(refused.length);
    for (const name of [
      'deep.png',
      'strip.tif',
      'webp.webp',
      'avif.avif',
      'text.png',
      'progressive.jpg',
      'scans-0.jpg',
    ]) {
      expect(ids).toContain(name);
    }
  });

  test('decodes an image above the limit if maxPixels allows it, and names the option otherwise', async () => {
    const folder = join(top, 'limit');
    mkdirSync(folder);
    const image = sharp({ create: { width: 100, height: 100, channels: 3, background: 'gray' } });
    writeFileSync(join(folder, 'a.png'), await image.png().toBuffer());
    const options = { labels: () => ({ labels: {} }), size: [8, 8] } as const;
    expect((await imageFolder(folder, { ...options, maxPixels: 10_000 })).size).toBe(1);
    const error = await catchError(() => imageFolder(folder, { ...options, maxPixels: 9_999 }));
    expect(error).toMatchObject({ kind: 'data', path: join(folder, 'a.png') });
    expect(error.received).toContain('100x100 pixels, more than the 9999 that the option maxPixels allows');
    for (const maxPixels of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const invalid = await catchError(() => imageFolder(folder, { ...options, maxPixels }));
      expect(invalid).toMatchObject({ kind: 'argument', path: 'imageFolder.maxPixels' });
      expect(await catchError(() => sharpDecoder({ maxPixels }))).toMatchObject({ kind: 'argument' });
    }
    const decoder = await sharpDecoder({ maxPixels: 9_999 });
    const both = await catchError(() => imageFolder(folder, { ...options, decoder, maxPixels: 1 }));
    expect(both).toMatchObject({ kind: 'argument', path: 'imageFolder.maxPixels' });
  });
});

describe('model.predict', () => {
  test('rejects an image above the limit, and a file in another format by its content', async () => {
    const model = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build();
    for (const name of ['refused-claim.png', 'refused-frame.gif', 'refused-svg.png']) {
      const error = await catchError(() => model.predict(bombs[name]!, { engine: 'wasm' }));
      expect(error).toMatchObject({ kind: 'data', path: 'predict[0]' });
      expect(error.received).toMatch(/maxPixels|unsupported image format/);
    }
  });
});
