import { type AugmentationPlan, applyPlan } from '../augment/applyPlan.js';
import { type AugmentationSpec, resolveAugmentationSpec } from '../augment/augmentationSpec.js';
import type { ImageShape } from '../core/images.js';

/** The images of one batch, to be changed in a worker. Both buffers come back with the answer. */
export interface AugmentationJob {
  readonly shape: ImageShape;
  readonly recipe: AugmentationSpec;
  /** One an image. */
  readonly plans: readonly AugmentationPlan[];
  /** The images one after another, bytes. */
  readonly bytes: ArrayBuffer;
  /** Where they go, float32. */
  readonly pixels: ArrayBuffer;
}

/** What a worker gives back: the buffers of its job, `pixels` filled. */
export type AugmentationResult = Pick<AugmentationJob, 'bytes' | 'pixels'>;

/**
 * What runs in a worker: `npm run worker` bundles this file, with all it needs, into the text of `workerScript.ts`. No
 * tensors, no clock, no random numbers: the plans are drawn where the order of the images is known.
 */
export function answer({
  shape,
  recipe,
  plans,
  bytes,
  pixels,
}: AugmentationJob): [answer: AugmentationResult, transfer: ArrayBuffer[]] {
  const [height, width, channels] = shape;
  const length = height * width * channels;
  const changes = resolveAugmentationSpec(recipe);
  plans.forEach((plan, row) => {
    const image = { data: new Uint8Array(bytes, row * length, length), height, width, channels };
    applyPlan(image, plan, changes, new Float32Array(pixels, row * length * 4, length));
  });
  return [{ bytes, pixels }, [bytes, pixels]];
}
