import {
  createAugmentationPipeline,
  randomHorizontalFlip,
  randomRotation,
  randomZoom,
  utkFace,
} from 'tfjs-multitask';
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
  const look = createAugmentationPipeline([
    randomRotation({ degrees: 20 }),
    randomZoom({ range: 0.1 }),
    randomHorizontalFlip(),
  ]);
  const fixed = how === 'fixed';
  return { train: train.augment(look, { fixed }), validation: validation.augment(look, { fixed }) };
}

export type Faces = Awaited<ReturnType<typeof loadFaces>>;
