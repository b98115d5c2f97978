import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createImageBombs } from '../bad-input/imageBombs.js';
import { MAX_MEMORY, measureHostileImages } from '../bad-input/measureHostileImages.js';
import { readTestSize } from './testSize.js';

const { allFaults } = readTestSize();
const scratch = mkdtempSync(join(tmpdir(), 'hostile-images-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Images below the limit of pixels that take as much memory as possible, one or two of each format. */
const NAMES = ['deep.png', 'text.png', 'progressive.jpg', 'webp.webp', 'avif.avif', 'gif.gif', 'strip.tif'];

test('imageFolder takes less than 500 MB above the bytes of the images if a folder contains only copies of the largest image of a format', {
  timeout: 3_600_000,
}, async () => {
  const bombs = await createImageBombs();
  const peaks: { [name: string]: number } = {};
  // In CI, only the format whose decoder takes the most memory: another test decodes all formats.
  for (const name of allFaults ? NAMES : ['avif.avif']) {
    const [, base, extension] = name.match(/^(.*)(\..*)$/)!;
    const copies = Array.from({ length: allFaults ? 8 : 4 }, (_, i) => [
      `${base}-${i}${extension}`,
      bombs[name]!,
    ]);
    const { bytes } = await measureHostileImages(join(scratch, name), Object.fromEntries(copies));
    peaks[name] = Math.round(bytes / 2 ** 20);
    expect(bytes, name).toBeLessThan(MAX_MEMORY);
  }
  console.log('peak memory in MB', peaks);
});
