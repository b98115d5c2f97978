import { basename } from 'node:path';
import {
  type Backbone,
  type BackboneOptions,
  checkBackboneOptions,
  type TrainableOption,
} from '../../backbones/backbone.js';
import {
  type EfficientNetB0Stage,
  efficientNetB0Backbone as efficientNetB0,
} from '../../backbones/efficientNetB0.js';
import type { DownloadProgress } from '../../backbones/fetchFile.js';
import { type MobileNetV2Stage, mobileNetV2Backbone as mobileNetV2 } from '../../backbones/mobileNetV2.js';
import {
  EFFICIENTNETB0_FILES,
  getMobileNetV2Files,
  MOBILENETV2_SIDES,
  type MobileNetV2Side,
  type OfficialWeightsFile,
  type OfficialWeightsFiles,
  RESNET50_FILES,
} from '../../backbones/officialWeights.js';
import { type Resnet50Stage, resnet50Backbone as resnet50 } from '../../backbones/resnet50.js';
import * as checks from '../../core/errors/checks.js';
import { createArgumentError, isMultitaskError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import type { Fetcher } from '../../core/platform/platform.js';
import { folderStore } from '../platform/folderStore.js';
import { readFileBytes } from '../platform/readFileBytes.js';
import { getCacheFolder } from './cacheFolder.js';
import { downloadWeights } from './downloadWeights.js';

/**
 * Options of {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone} in Node.
 *
 * @typeParam Stage - First parts of the backbone's layer names, in order.
 * @category Compose
 */
export type BackboneFileOptions<Stage extends string> = TrainableOption<Stage> & {
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
  /** Whether to add Keras's top: global average pooling and a softmax of the 1000 ImageNet classes. Default false. */
  readonly includeTop?: boolean;
  /** Asks the server. Default the platform's own. */
  readonly fetch?: Fetcher;
  /** Hears how far a download is. Default a line on the terminal. */
  readonly progress?: DownloadProgress;
  /** Stops a download; what has come is kept. */
  readonly signal?: AbortSignal;
};

type BackboneFactory<Stage extends string> = (options: BackboneOptions<Stage>) => Promise<Backbone>;

const OPTION_NAMES = [
  'weights',
  'cache',
  'includeTop',
  'trainable',
  'trainableFrom',
  'fetch',
  'progress',
  'signal',
];

async function createBackbone<Stage extends string>(
  path: string,
  make: BackboneFactory<Stage>,
  files: OfficialWeightsFiles,
  options: BackboneFileOptions<Stage>,
  own: readonly string[] = [],
): Promise<Backbone> {
  checkBackboneOptions(path, options, [...OPTION_NAMES, ...own]);
  const {
    weights = 'imagenet',
    includeTop = false,
    cache = getCacheFolder(),
    trainable,
    trainableFrom,
  } = options;
  const from = (weights: Uint8Array | null, file?: string) =>
    make({ weights, includeTop, trainable, trainableFrom, ...(file && { file }) } as BackboneOptions<Stage>);
  if (weights === 'imagenet') {
    const official = includeTop ? files.top : files.withoutTop;
    const store = folderStore(cache);
    const name = basename(new URL(official.url).pathname);
    const bytes = await downloadWeights(
      { url: official.url, name, ...createFileCheck(official, make, includeTop) },
      { ...options, store },
    );
    return from(bytes, `${store.label}/${name}`);
  }
  if (typeof weights !== 'string') return from(weights);
  if (/^https?:/i.test(weights)) {
    throw createArgumentError(
      `${path}.weights`,
      "'imagenet', a path, bytes or null",
      `the URL ${formatValue(weights)}`,
      'Download the file, and give its path.',
    );
  }
  const advice =
    didYouMean(weights.toLowerCase(), ['imagenet']) ??
    "Check the path, or write 'imagenet' for the weights that Keras publishes.";
  return from(await readFileBytes(weights, 'a weights file of Keras', advice), weights);
}

/** What the file must be: of that hash, or where none is known, the weights of the backbone. */
function createFileCheck<Stage extends string>(
  { md5 }: OfficialWeightsFile,
  make: BackboneFactory<Stage>,
  includeTop: boolean,
) {
  if (md5 !== undefined) return { md5 };
  const accepts = async (weights: Uint8Array) => {
    try {
      await make({ weights, includeTop } as BackboneOptions<Stage>);
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
 * console.log(backbone.layerStack.length); // 1
 * ```
 * @category Compose
 */
export function resnet50Backbone(options: BackboneFileOptions<Resnet50Stage> = {}): Promise<Backbone> {
  return createBackbone('resnet50Backbone', resnet50, RESNET50_FILES, options);
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
 * console.log(backbone.layerStack.length); // 1
 * ```
 * @category Compose
 */
export async function mobileNetV2Backbone(
  options: BackboneFileOptions<MobileNetV2Stage> & { readonly side?: MobileNetV2Side } = {},
): Promise<Backbone> {
  const path = 'mobileNetV2Backbone';
  const { side = 224 } = options ?? {};
  checks.oneOf(`${path}.side`, side, MOBILENETV2_SIDES, {
    noun: 'an image side with published weights',
    advice: 'Use the side nearest to your images, which may have any size.',
  });
  return createBackbone(path, mobileNetV2, getMobileNetV2Files(side), options, ['side']);
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
 * console.log(backbone.layerStack.length); // 1
 * ```
 * @category Compose
 */
export function efficientNetB0Backbone(
  options: BackboneFileOptions<EfficientNetB0Stage> = {},
): Promise<Backbone> {
  return createBackbone('efficientNetB0Backbone', efficientNetB0, EFFICIENTNETB0_FILES, options);
}
