import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Memory in bytes that decoding a folder may take in addition to the bytes of its files. */
export const MAX_MEMORY = 500 * 2 ** 20;

/** Result of {@link measureHostileImages}. */
export interface ImageMeasurement {
  /** Peak of the resident memory, without the memory before and the bytes of the files. */
  readonly bytes: number;
  readonly ids: readonly string[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** Writes the images to a new folder in `scratch`, and measures the memory of a process that reads the folder twice at the same time. */
export async function measureHostileImages(
  scratch: string,
  images: { readonly [name: string]: Uint8Array },
): Promise<ImageMeasurement> {
  const [harmless, hostile] = [join(scratch, 'harmless'), join(scratch, 'hostile')];
  for (const folder of [harmless, hostile]) mkdirSync(folder, { recursive: true });
  const image = sharp({ create: { width: 64, height: 64, channels: 3, background: 'gray' } });
  writeFileSync(join(harmless, 'a.png'), await image.png().toBuffer());
  for (const [name, bytes] of Object.entries(images)) writeFileSync(join(hostile, name), bytes);
  const fileBytes = Object.values(images).reduce((sum, { length }) => sum + length, 0);
  const program = new URL('./measureImageFolder.mts', import.meta.url).pathname;
  const output = execFileSync(process.execPath, ['--import', 'tsx', program, harmless, hostile], {
    cwd: new URL('../..', import.meta.url).pathname,
    encoding: 'utf8',
  });
  const { bytes, ...others } = JSON.parse(output.split('result ')[1]!) as ImageMeasurement;
  return { bytes: bytes - fileBytes, ...others };
}
