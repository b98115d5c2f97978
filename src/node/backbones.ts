import { basename } from 'node:path';
import {
  type Backbone,
  type BackboneOptions,
  checkBackboneOptions,
  type Freezing,
} from '../backbones/backbone.js';
import {
  type EfficientNetB0Stage,
  efficientNetB0Backbone as efficientNetB0,
} from '../backbones/efficientNetB0.js';
import { type MobileNetV2Stage, mobileNetV2Backbone as mobileNetV2 } from '../backbones/mobileNetV2.js';
import {
  EFFICIENTNETB0,
  MOBILENETV2_SIDES,
  type MobileNetV2Side,
  mobileNetV2Files,
  type OfficialFile,
  type OfficialFiles,
  RESNET50,
} from '../backbones/official.js';
import { type Resnet50Stage, resnet50Backbone as resnet50 } from '../backbones/resnet50.js';
import { didYouMean, fault, isMultitaskError, show } from '../core/errors.js';
import type { Fetcher } from '../core/outside.js';
import type { DownloadProgress } from '../io/download.js';
import { cacheFolder } from './cacheFolder.js';
import { folderStore } from './folderStore.js';
import { pretrainedWeights } from './pretrainedWeights.js';
import { readPath } from './readPath.js';

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
   * - bytes: of such a file.
   * - null: the network's seed draws them.
   */
  readonly weights?: 'imagenet' | (string & {}) | Uint8Array | null;
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

const OPTIONS = ['weights', 'cache', 'top', 'trainable', 'trainableFrom', 'fetch', 'progress', 'signal'];

async function withFile<Stage extends string>(
  path: string,
  make: Made<Stage>,
  files: OfficialFiles,
  options: BackboneFileOptions<Stage>,
  own: readonly string[] = [],
): Promise<Backbone> {
  checkBackboneOptions(path, options, [...OPTIONS, ...own]);
  const { weights = 'imagenet', top = false, cache = cacheFolder(), trainable, trainableFrom } = options;
  const from = (weights: Uint8Array | null, file?: string) =>
    make({ weights, top, trainable, trainableFrom, ...(file && { file }) } as BackboneOptions<Stage>);
  if (weights === 'imagenet') {
    const official = top ? files.top : files.withoutTop;
    const store = folderStore(cache);
    const name = basename(new URL(official.url).pathname);
    const bytes = await pretrainedWeights(
      { url: official.url, name, ...wanted(official, make, top) },
      { ...options, store },
    );
    return from(bytes, `${store.label}/${name}`);
  }
  if (typeof weights !== 'string') return from(weights);
  if (/^https?:/i.test(weights)) {
    throw fault({
      kind: 'argument',
      path: `${path}.weights`,
      expected: "'imagenet', a path, bytes or null",
      received: `a URL, ${show(weights)}`,
      advice: 'Download it, and give the path of the file.',
    });
  }
  const advice =
    didYouMean(weights.toLowerCase(), ['imagenet']) ??
    "Check the path, or write 'imagenet' for the weights that Keras publishes.";
  return from(await readPath(weights, 'a file of weights that Keras wrote', advice), weights);
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
  return withFile('resnet50Backbone', resnet50, RESNET50, options);
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
export async function mobileNetV2Backbone(
  options: BackboneFileOptions<MobileNetV2Stage> & { readonly side?: MobileNetV2Side } = {},
): Promise<Backbone> {
  const path = 'mobileNetV2Backbone';
  const { side = 224 } = options ?? {};
  if (!MOBILENETV2_SIDES.includes(side)) {
    throw fault({
      kind: 'argument',
      path: `${path}.side`,
      expected: `one of ${MOBILENETV2_SIDES.join(', ')}, for which there are weights`,
      received: show(side),
      advice: 'Take the one nearest to your images; they may be of any size all the same.',
    });
  }
  return withFile(path, mobileNetV2, mobileNetV2Files(side), options, ['side']);
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
  return withFile('efficientNetB0Backbone', efficientNetB0, EFFICIENTNETB0, options);
}
