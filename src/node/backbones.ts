import { readFile } from 'node:fs/promises';
import type { Backbone, BackboneOptions, Freezing } from '../backbones/backbone.js';
import {
  type EfficientNetB0Stage,
  efficientNetB0Backbone as efficientNetB0,
} from '../backbones/efficientNetB0.js';
import { type MobileNetV2Stage, mobileNetV2Backbone as mobileNetV2 } from '../backbones/mobileNetV2.js';
import { type Resnet50Stage, resnet50Backbone as resnet50 } from '../backbones/resnet50.js';
import { fault } from '../core/errors.js';

/**
 * Options of {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone} in Node.
 *
 * @typeParam Stage - First words of the backbone's layer names, in order.
 * @category Compose
 */
export type BackboneFileOptions<Stage extends string> = Freezing<Stage> & {
  /** The path of a file of weights that Keras wrote, `.h5` or `.weights.h5`; or null: then the network's seed draws them. */
  readonly weights: string | null;
  /** With global average pooling and the 1000 classes of ImageNet (softmax) at the end. Default false. */
  readonly top?: boolean;
};

type Made<Stage extends string> = (options: BackboneOptions<Stage>) => Promise<Backbone>;

async function withFile<Stage extends string>(make: Made<Stage>, options: BackboneFileOptions<Stage>) {
  const { weights } = options;
  if (typeof weights !== 'string') return make({ ...options, weights });
  return make({ ...options, weights: await bytesOf(weights), file: weights });
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw fault({
      kind: 'file',
      path,
      expected: 'a file of weights that Keras wrote',
      received: (cause as NodeJS.ErrnoException).code ?? String(cause),
      advice: 'Check the path.',
      cause,
    });
  }
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights from a file.
 *
 * @throws `file` fault for a file that is not there, damaged, or of another network.
 * @example
 * ```ts
 * import { resnet50Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await resnet50Backbone({ weights: null, trainableFrom: 'conv5' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function resnet50Backbone(options: BackboneFileOptions<Resnet50Stage>): Promise<Backbone> {
  return withFile(resnet50, options);
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights from a file.
 *
 * @throws `file` fault for a file that is not there, damaged, or of another network.
 * @example
 * ```ts
 * import { mobileNetV2Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await mobileNetV2Backbone({ weights: null, trainableFrom: 'block_13' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function mobileNetV2Backbone(options: BackboneFileOptions<MobileNetV2Stage>): Promise<Backbone> {
  return withFile(mobileNetV2, options);
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights from a file.
 *
 * @throws `file` fault for a file that is not there, damaged, or of another network.
 * @example
 * ```ts
 * import { efficientNetB0Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await efficientNetB0Backbone({ weights: null, trainableFrom: 'block6' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function efficientNetB0Backbone(options: BackboneFileOptions<EfficientNetB0Stage>): Promise<Backbone> {
  return withFile(efficientNetB0, options);
}
