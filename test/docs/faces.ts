import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** The folder of images that examples speak of: grey squares under UTKFace names, enough to split. */
export async function writeFaces(folder: string): Promise<void> {
  mkdirSync(folder);
  for (let i = 0; i < 10; i++) {
    const grey = 20 * (i + 1);
    const image = sharp({
      create: { width: 16, height: 16, channels: 3, background: { r: grey, g: grey, b: grey } },
    });
    await image.jpeg().toFile(join(folder, `${20 + i}_${i % 2}_0_2017011618402466${i}.jpg`));
  }
}
