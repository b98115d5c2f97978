import { type AugmentationPlan, applyPlan } from '../augment/applyPlan.js';
import { type AugmentationSpec, resolveAugmentationSpec } from '../augment/augmentationSpec.js';
import type { ImageShape } from '../core/images.js';

/** Message to a worker: the images of one batch and their augmentation plans. The worker sends both buffers back with the result. */
export interface AugmentationJob {
  readonly shape: ImageShape;
  readonly spec: AugmentationSpec;
  /** One plan for each image. */
  readonly plans: readonly AugmentationPlan[];
  /** Bytes of the images, concatenated. */
  readonly bytes: ArrayBuffer;
  /** Buffer for the augmented images, as float32. */
  readonly pixels: ArrayBuffer;
}

/** Result of an augmentation job: both buffers, with the augmented images in `pixels`. */
export type AugmentationResult = Pick<AugmentationJob, 'bytes' | 'pixels'>;

/**
 * Augments the images of one batch in a worker. `npm run worker` bundles this file and its imports into the string in `workerScript.ts`.
 * The worker uses no tensors, no clock and no random numbers: the main thread draws the plans.
 *
 * @returns The result, and the buffers that are transferred to the main thread without being copied.
 */
export function answer({
  shape,
  spec,
  plans,
  bytes,
  pixels,
}: AugmentationJob): [answer: AugmentationResult, transfer: ArrayBuffer[]] {
  const [height, width, channels] = shape;
  const length = height * width * channels;
  const augmentation = resolveAugmentationSpec(spec);
  plans.forEach((plan, row) => {
    const image = { data: new Uint8Array(bytes, row * length, length), height, width, channels };
    applyPlan(image, plan, augmentation, new Float32Array(pixels, row * length * 4, length));
  });
  return [{ bytes, pixels }, [bytes, pixels]];
}
