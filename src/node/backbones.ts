import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Backbone, BackboneOptions, Freezing } from '../backbones/backbone.js';
import {
  type EfficientNetB0Stage,
  efficientNetB0Backbone as efficientNetB0,
} from '../backbones/efficientNetB0.js';
import { type MobileNetV2Stage, mobileNetV2Backbone as mobileNetV2 } from '../backbones/mobileNetV2.js';
import {
  EFFICIENTNETB0,
  type MobileNetV2Side,
  mobileNetV2Files,
  type OfficialFile,
  type OfficialFiles,
  RESNET50,
} from '../backbones/official.js';
import { type Resnet50Stage, resnet50Backbone as resnet50 } from '../backbones/resnet50.js';
import { fault, isMultitaskError } from '../core/errors.js';
import type { Fetcher } from '../core/outside.js';
import type { DownloadProgress } from '../io/download.js';
import { cacheFolder } from './cacheFolder.js';
import { folderStore } from './folderStore.js';
import { pretrainedWeights } from './pretrainedWeights.js';

/**
 * Options of {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone} in Node.
 *
 * @typeParam Stage - First words of the backbone's layer names, in order.
 * @category Compose
 */
export type BackboneFileOptions<Stage extends string> = Freezing<Stage> & {
  /**
   * - `imagenet` (default): the weights that Keras publishes, trained on the 1000 classes of ImageNet. Downloaded once, with
   *   a progress line on the terminal.
   * - a path: a file that Keras wrote, of weights (`.h5`, `.weights.h5`) or of a model that has the backbone's layers among
   *   others (`.h5`, `.keras`); `saveKeras` writes such files too.
   * - null: the network's seed draws them.
   */
  readonly weights?: 'imagenet' | (string & {}) | null;
  /** The folder that keeps what is downloaded. Default `~/.cache/tfjs-multitask`, or what the platform has in its place. */
  readonly cache?: string;
  /** With global average pooling and the 1000 classes of ImageNet (softmax) at the end. Default false. */
  readonly top?: boolean;
  /** Asks the server. Default the platform's own. */
  readonly fetch?: Fetcher;
  /** Hears how far a download is. Default a line on the terminal. */
  readonly progress?: DownloadProgress;
  /** Stops a download; what has come is kept. */
  readonly signal?: AbortSignal;
};

type Made<Stage extends string> = (options: BackboneOptions<Stage>) => Promise<Backbone>;

async function withFile<Stage extends string>(
  make: Made<Stage>,
  files: OfficialFiles,
  options: BackboneFileOptions<Stage>,
): Promise<Backbone> {
  const { weights = 'imagenet', top = false, cache = cacheFolder() } = options;
  if (weights === 'imagenet') {
    const official = top ? files.top : files.withoutTop;
    const store = folderStore(cache);
    const name = basename(new URL(official.url).pathname);
    const bytes = await pretrainedWeights(
      { url: official.url, name, ...wanted(official, make, top) },
      { ...options, store },
    );
    return make({ ...options, weights: bytes, file: `${store.label}/${name}` });
  }
  if (typeof weights !== 'string') return make({ ...options, weights });
  return make({ ...options, weights: await bytesOf(weights), file: weights });
}

/** What the file must be: of that hash, or where none is known, the weights of the backbone. */
function wanted<Stage extends string>({ md5 }: OfficialFile, make: Made<Stage>, top: boolean) {
  if (md5 !== undefined) return { md5 };
  const accepts = async (weights: Uint8Array) => {
    try {
      await make({ weights, top } as BackboneOptions<Stage>);
      return true;
    } catch (error) {
      if (isMultitaskError(error) && error.kind === 'file') return false;
      throw error;
    }
  };
  return { accepts };
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
      advice: "Check the path, or write 'imagenet' for the weights that Keras publishes.",
      cause,
    });
  }
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights downloaded or from a file. The downloaded file's
 * md5 is checked before it is kept, and each time it is read.
 *
 * @throws `download` fault when the weights cannot be had, which says which file to put where by hand; `file` fault for a
 *   file that is not there, damaged, or of another network; `aborted` fault by `signal`.
 * @example
 * ```ts
 * import { resnet50Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await resnet50Backbone({ weights: null, trainableFrom: 'conv5' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function resnet50Backbone(options: BackboneFileOptions<Resnet50Stage> = {}): Promise<Backbone> {
  return withFile(resnet50, RESNET50, options);
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights downloaded or from a file. No hash of the published
 * files is known: that a file has all of the tensors and no other is what is checked before it is kept.
 *
 * @param options - `side`: that of the images which the published weights were trained on; default 224. Keras takes
 *   the one of the input's size where there is one.
 * @throws `download` fault when the weights cannot be had, which says which file to put where by hand; `file` fault for a
 *   file that is not there, damaged, or of another network; `aborted` fault by `signal`.
 * @example
 * ```ts
 * import { mobileNetV2Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await mobileNetV2Backbone({ weights: null, trainableFrom: 'block_13' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function mobileNetV2Backbone(
  options: BackboneFileOptions<MobileNetV2Stage> & { readonly side?: MobileNetV2Side } = {},
): Promise<Backbone> {
  return withFile(mobileNetV2, mobileNetV2Files(options.side ?? 224), options);
}

/**
 * The backbone of the same name in `tfjs-multitask`, with its weights downloaded or from a file. The downloaded file's
 * md5 is checked before it is kept, and each time it is read.
 *
 * @throws `download` fault when the weights cannot be had, which says which file to put where by hand; `file` fault for a
 *   file that is not there, damaged, or of another network; `aborted` fault by `signal`.
 * @example
 * ```ts
 * import { efficientNetB0Backbone } from 'tfjs-multitask/node';
 *
 * const backbone = await efficientNetB0Backbone({ weights: null, trainableFrom: 'block6' });
 * console.log(backbone.pieces.length); // 1
 * ```
 * @category Compose
 */
export function efficientNetB0Backbone(
  options: BackboneFileOptions<EfficientNetB0Stage> = {},
): Promise<Backbone> {
  return withFile(efficientNetB0, EFFICIENTNETB0, options);
}
