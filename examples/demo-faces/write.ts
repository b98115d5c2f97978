import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { createRng } from 'tfjs-multitask';
import { folderStore } from 'tfjs-multitask/node';
import { drawFace } from './draw.js';

/** Settings of the examples on drawn faces. A run takes a few minutes on two cores with the wasm engine. */
export const DEMO = {
  images: 700,
  size: 56,
  batchSize: 6,
  epochs: 11,
  /** Factor by which the learning rate is multiplied over each epoch. */
  decayRate: 0.75,
  seed: 7,
} as const;

/**
 * Draws faces and writes them to `folder` as JPEG files with UTKFace names. Does nothing if the folder already contains the same faces.
 * Results on these drawings say nothing about real faces.
 */
export async function writeDemoFaces(folder: string): Promise<void> {
  const store = folderStore(folder);
  const source = await readFile(new URL('./draw.ts', import.meta.url));
  const version = createHash('sha256').update(source).update(JSON.stringify(DEMO)).digest('hex');
  const written = await store.read('version.txt');
  if (written && new TextDecoder().decode(written) === version) return;
  for (const name of await store.list()) await store.remove(name);
  for (let i = 0; i < DEMO.images; i++) {
    const random = createRng(DEMO.seed, 'demo face', i);
    const age = 1 + random.nextInt(90);
    const female = random.next() < 0.5;
    const svg = drawFace(random, { age, gender: female ? 'female' : 'male' });
    const jpeg = await sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer();
    const number = String(i).padStart(17, '0');
    await store.write(`${age}_${female ? 1 : 0}_0_${number}.jpg`, new Uint8Array(jpeg));
  }
  await store.write('version.txt', new TextEncoder().encode(version));
}
