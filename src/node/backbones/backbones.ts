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
 * Options for {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone} in Node.
 *
 * @typeParam Stage - Stages of the backbone, in order. Layer names start with the name of their stage.
 * @category Compose
 */
export type BackboneFileOptions<Stage extends string> = TrainableOption<Stage> & {
  /**
   * Weights of the backbone:
   *
   * - `imagenet` (default): the weights that Keras publishes, trained on the 1000 classes of ImageNet. They are downloaded
   *   once, with a progress line on the terminal.
   * - a path: a Keras weights file (`.h5`, `.weights.h5`), or a Keras model file that contains the layers of the backbone (`.h5`,
   *   `.keras`), for example a file that `exportKeras` created.
   * - bytes: the contents of such a file.
   * - null: random weights, initialized with the seed of the network.
   */
  readonly weights?: 'imagenet' | (string & {}) | Uint8Array | null;
  /** Folder for downloaded files. Default: the user's cache folder, for example `~/.cache/tfjs-multitask` on Linux. */
  readonly cache?: string;
  /** Whether to include global average pooling and the softmax layer for the 1000 ImageNet classes. Default: false. */
  readonly includeTop?: boolean;
  /** Function that sends HTTP requests. Default: the platform's `fetch`. */
  readonly fetch?: Fetcher;
  /** Callback that receives the progress of a download. Default: prints a progress line on the terminal. */
  readonly progress?: DownloadProgress;
  /** Signal that stops a download. The bytes received so far are kept, so that the download can be resumed. */
  readonly signal?: AbortSignal;
};

type BackboneFactory<Stage extends string> = (options: BackboneOptions<Stage>) => Promise<Backbone>;

const OPTION_NAMES: checks.OptionNames<BackboneFileOptions<string>> = {
  weights: true,
  cache: true,
  includeTop: true,
  trainable: true,
  trainableFrom: true,
  fetch: true,
  progress: true,
  signal: true,
};

async function createBackbone<Stage extends string>(
  path: string,
  factory: BackboneFactory<Stage>,
  files: OfficialWeightsFiles,
  options: BackboneFileOptions<Stage>,
  additionalNames: { readonly [name: string]: true } = {},
): Promise<Backbone> {
  checkBackboneOptions(path, options, { ...OPTION_NAMES, ...additionalNames });
  const {
    weights = 'imagenet',
    includeTop = false,
    cache = getCacheFolder(),
    trainable,
    trainableFrom,
  } = options;
  const create = (weights: Uint8Array | null, file?: string) =>
    factory({
      weights,
      includeTop,
      trainable,
      trainableFrom,
      ...(file && { file }),
    } as BackboneOptions<Stage>);
  if (weights === 'imagenet') {
    const official = includeTop ? files.top : files.withoutTop;
    const store = folderStore(cache);
    const name = basename(new URL(official.url).pathname);
    const bytes = await downloadWeights(
      { url: official.url, name, ...createFileCheck(official, factory, includeTop) },
      { ...options, store },
    );
    return create(bytes, `${store.label}/${name}`);
  }
  if (typeof weights !== 'string') return create(weights);
  if (/^https?:/i.test(weights)) {
    throw createArgumentError(
      `${path}.weights`,
      "'imagenet', a path, bytes or null",
      `the URL ${formatValue(weights)}`,
      'Download the file, and pass its path.',
    );
  }
  const advice =
    didYouMean(weights.toLowerCase(), ['imagenet']) ??
    "Check the path, or write 'imagenet' for the weights that Keras publishes.";
  return create(await readFileBytes(weights, 'a Keras weights file', advice), weights);
}

/**
 * Creates the check for a downloaded weights file. The check compares the MD5 hash if the hash is known, and otherwise tests whether the
 * backbone accepts the weights.
 */
function createFileCheck<Stage extends string>(
  { md5 }: OfficialWeightsFile,
  factory: BackboneFactory<Stage>,
  includeTop: boolean,
) {
  if (md5 !== undefined) return { md5 };
  const accepts = async (weights: Uint8Array) => {
    try {
      await factory({ weights, includeTop } as BackboneOptions<Stage>);
      return true;
    } catch (error) {
      if (isMultitaskError(error) && error.kind === 'file') return false;
      throw error;
    }
  };
  return { accepts };
}

/**
 * Creates the ResNet50 backbone with weights that are downloaded or read from a file. The function with the same name in `tfjs-multitask`
 * also runs on web pages and in other runtimes, so it takes the weights as bytes and accesses neither files nor the network. This function
 * obtains the bytes and passes them to that function. The MD5 hash of the downloaded file is checked before the file is saved, and each
 * time it is read.
 *
 * @throws A `download` error if the weights cannot be downloaded; the error contains the URL, and the path for a manual download. A `file`
 *   error if a file does not exist, is corrupted, or belongs to a different network. An `aborted` error if `signal` is aborted.
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
 * Creates the MobileNetV2 backbone with weights that are downloaded or read from a file. The function with the same name in
 * `tfjs-multitask` also runs on web pages and in other runtimes, so it takes the weights as bytes and accesses neither files nor the
 * network. This function obtains the bytes and passes them to that function. Keras publishes no hashes for these files, so a downloaded
 * file is saved only if it contains exactly the backbone's tensors.
 *
 * @param options - `side`: side length in pixels of the images that the published weights were trained with. Default: 224. Keras uses the
 *   side length of the input if weights for it exist.
 * @throws A `download` error if the weights cannot be downloaded; the error contains the URL, and the path for a manual download. A `file`
 *   error if a file does not exist, is corrupted, or belongs to a different network. An `aborted` error if `signal` is aborted.
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
    noun: 'an image side length with published weights',
    advice: 'Use the side length nearest to that of your images, which may have any size.',
  });
  return createBackbone(path, mobileNetV2, getMobileNetV2Files(side), options, { side: true });
}

/**
 * Creates the EfficientNetB0 backbone with weights that are downloaded or read from a file. The function with the same name in
 * `tfjs-multitask` also runs on web pages and in other runtimes, so it takes the weights as bytes and accesses neither files nor the
 * network. This function obtains the bytes and passes them to that function. The MD5 hash of the downloaded file is checked before the file
 * is saved, and each time it is read.
 *
 * @throws A `download` error if the weights cannot be downloaded; the error contains the URL, and the path for a manual download. A `file`
 *   error if a file does not exist, is corrupted, or belongs to a different network. An `aborted` error if `signal` is aborted.
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
