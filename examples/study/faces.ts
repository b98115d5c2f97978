import { randomFlip, randomRotation, randomZoom } from 'tfjs-multitask';
import { utkFace } from 'tfjs-multitask/datasets';
import { imageFolder } from 'tfjs-multitask/node';
import { writeDemoFaces } from '../demo-faces/write.js';
import type { StudyArguments } from './arguments.js';

/** Draws the demo faces in `folder` if they do not exist yet, and prints a note that they are drawings. */
export async function drawDemoFaces(folder: string): Promise<void> {
  console.log('No --data: training on drawn faces. The results say nothing about real people.');
  await writeDemoFaces(folder);
}

/** Loads the images of a study with the split and the augmentation of `examples/model-a.ts`. */
export async function loadFaces({ data, demo, subset, size, augment, seed }: StudyArguments) {
  if (demo) await drawDemoFaces(data);
  const faces = await imageFolder(data, {
    labels: utkFace(),
    size: [size, size],
    unusableFiles: 'skip',
    ...subset,
  });
  for (const { path, reason } of faces.skipped) console.log(`skipped ${path}: ${reason}`);
  const { train, validation } = faces.split({ validation: 0.2, seed });
  console.log(`${train.size} training images, ${validation.size} validation images`);
  if (augment === 'none') return { train, validation };
  const transforms = [randomRotation({ degrees: 20 }), randomZoom({ range: 0.1 }), randomFlip('horizontal')];
  const fixed = augment === 'fixed';
  return {
    train: train.augment(transforms, { fixed }),
    validation: validation.augment(transforms, { fixed }),
  };
}

/** Face images with ages and genders. */
export type FaceDataset = Awaited<ReturnType<typeof loadFaces>>['train'];
