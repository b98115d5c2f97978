import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { createRng } from 'tfjs-multitask';
import { folderStore } from 'tfjs-multitask/node';
import { drawFace } from './draw.js';

/** What the demonstration trains with: sized to end within minutes on two cores with wasm. */
export const DEMO = {
  images: 700,
  size: 56,
  batchSize: 6,
  epochs: 11,
  learningRate: 1e-3,
  decay: 0.75,
  seed: 7,
} as const;

/**
 * Draws faces into `folder` as JPEG files under UTKFace names, unless this very set is there. Drawings, not people: what a
 * network learns from them says nothing about real faces.
 */
export async function writeDemoFaces(folder: string): Promise<void> {
  const store = folderStore(folder);
  const source = await readFile(new URL('./draw.ts', import.meta.url));
  const version = createHash('sha256').update(source).update(JSON.stringify(DEMO)).digest('hex');
  const written = await store.read('version.txt');
  if (written && new TextDecoder().decode(written) === version) return;
  for (const old of await store.list()) await store.remove(old);
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
