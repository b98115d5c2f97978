import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Writes the folder of images that the examples read: gray squares with UTKFace file names, enough for a split. */
export async function writeFaces(folder: string): Promise<void> {
  mkdirSync(folder);
  for (let i = 0; i < 10; i++) {
    const level = 20 * (i + 1);
    const image = sharp({
      create: { width: 16, height: 16, channels: 3, background: { r: level, g: level, b: level } },
    });
    await image.jpeg().toFile(join(folder, `${20 + i}_${i % 2}_0_2017011618402466${i}.jpg`));
  }
}
