import { randomFlip, randomRotation, randomZoom } from 'tfjs-multitask';
import { utkFace } from 'tfjs-multitask/datasets';
import { imageFolder } from 'tfjs-multitask/node';
import { writeDemoFaces } from '../demo-faces/write.js';
import type { StudyArguments } from './arguments.js';

/** The faces of a study: a fifth for validation, all of them turned, zoomed and mirrored as the report has it. */
export async function loadFaces({ data, demo, size, limit, seed, augment: how }: StudyArguments) {
  if (demo) {
    console.log('No --data: training on drawn faces. What comes out says nothing about people.');
    await writeDemoFaces(data);
  }
  const faces = await imageFolder(data, {
    labels: utkFace(),
    size: [size, size],
    unusableFiles: 'skip',
    ...(limit === undefined ? {} : { limit }),
  });
  for (const { path, reason } of faces.skipped) console.log(`skipped ${path}: ${reason}`);
  const { train, validation } = faces.split({ validation: 0.2, seed });
  console.log(`${train.size} images for training, ${validation.size} for validation`);
  if (how === 'none') return { train, validation };
  const transforms = [randomRotation({ degrees: 20 }), randomZoom({ range: 0.1 }), randomFlip('horizontal')];
  const fixed = how === 'fixed';
  return {
    train: train.augment(transforms, { fixed }),
    validation: validation.augment(transforms, { fixed }),
  };
}

export type Faces = Awaited<ReturnType<typeof loadFaces>>;
