import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { HostArray } from '../core/arrays.js';
import * as checks from '../core/errors/checks.js';
import { createError, isMultitaskError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { checkImageBytes, type ImageBytes, type ImageShape, MAX_IMAGE_FILE_BYTES } from '../core/images.js';
import type { Decoder, Platform } from '../core/platform/platform.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import type { EngineName } from '../engines/engineChoice.js';
import { ENGINE_OPTION_NAMES, type EngineOptions, startEngine } from '../engines/select.js';
import type { Network } from '../network/network.js';
import type { PredictionsOf, Tasks } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';
import { rescalePixelsInto } from './rescaleImages.js';

/**
 * An image for `model.predict`, in one of these forms:
 *
 * - decoded pixels ({@link ImageBytes}), in the input size of the model
 * - the bytes of a JPEG, PNG or WebP file, which is decoded and resized to the input size of the model
 * - a string or `URL`: the URL of such a file, or in Node also its path. The file can have up to 256 MiB. A download ends with an error if
 *   the server sends no byte for 60 seconds.
 * - a float32 tensor `[height, width, channels]` in the input size of the model, with values in its input range
 *
 * @category Train
 */
export type PredictInput = ImageBytes | Uint8Array | string | URL | Tensor3D;

/**
 * Options for `model.predict`.
 *
 * @category Train
 */
export interface PredictOptions extends EngineOptions {
  /** Engine that computes the predictions. Default: the engine of the run in progress, otherwise the active engine, otherwise `auto`. */
  readonly engine?: EngineName | 'auto';
  /** Number of images that are predicted at once. Default 32. */
  readonly batchSize?: number;
  /** Function that decodes image files and resizes the images. Default: `sharp` in Node, the decoder of the browser in a page. */
  readonly decoder?: Decoder;
  /** Signal that stops the predictions and downloads. The returned promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Names of the options in {@link PredictOptions}, used to reject unknown options. */
export const PREDICT_OPTION_NAMES: checks.OptionNames<PredictOptions> = {
  ...ENGINE_OPTION_NAMES,
  engine: true,
  batchSize: true,
  decoder: true,
  signal: true,
};

/** Throws an `argument` error for an invalid batch size, signal or decoder. */
export function checkPredictOptions(
  caller: string,
  { batchSize = 32, decoder, signal }: PredictOptions,
): void {
  checks.integer(`${caller}.batchSize`, batchSize, { min: 1, defaultValue: 32 });
  if (signal !== undefined) checks.signal(`${caller}.signal`, signal);
  if (decoder === undefined) return;
  checks.callable(`${caller}.decoder`, decoder, {
    noun: 'a function that decodes the bytes of a file',
    advice: 'Pass await sharpDecoder(), or canvasDecoder() in a page.',
  });
}

/** Predicts all tasks for each image. Returns the predictions in the order of the images. */
export async function predictImages<T extends Tasks>(
  platform: Platform,
  network: Network<T>,
  inputs: readonly PredictInput[] | Tensor4D,
  options: PredictOptions,
): Promise<PredictionsOf<T>[]> {
  checks.options('predict', options, PREDICT_OPTION_NAMES, { advice: 'Pass several images as one array.' });
  checkPredictOptions('predict', options);
  const { batchSize = 32, decoder, signal } = options;
  const engine = await startEngine(platform, options.engine, options);
  const size = Array.isArray(inputs) ? inputs.length : (inputs as Tensor4D).shape[0];
  const readImages = createImageReader(platform, network, inputs, { path: 'predict', decoder, signal });
  const predictions: PredictionsOf<T>[] = [];
  for (let start = 0; start < size; start += batchSize) {
    signal?.throwIfAborted();
    const count = Math.min(batchSize, size - start);
    const images = await readImages(start, count);
    const outputs = await engine
      .forward(network.graph, [images])
      .finally(() => 'dtype' in images && images.dispose());
    const values = await Promise.all(outputs.map((output) => output.data()));
    tf.dispose(outputs);
    for (let row = 0; row < count; row++)
      predictions.push(decodePredictions(network, values as Float32Array[], row));
    await yieldToEventLoop();
  }
  return predictions;
}

function decodePredictions<T extends Tasks>(
  network: Network<T>,
  values: readonly Float32Array[],
  row: number,
) {
  const entries = Object.entries(network.tasks).map(([name, task], i) => [
    name,
    task.decode(values[i]!.subarray(row * task.units, (row + 1) * task.units)),
  ]);
  return Object.fromEntries(entries) as PredictionsOf<T>;
}

/** Options for {@link createImageReader}. */
export interface ImageReaderOptions {
  /** First part of the path in error messages, for example `predict` in `predict[3]: expected ...`. */
  readonly path: string;
  /** Function that decodes image files and resizes the images. If undefined, the decoder of the platform is used. */
  readonly decoder: Decoder | undefined;
  /** Signal that stops reading files. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Function that returns a batch of `count` images, starting at the image with index `start`, scaled to the input range of the model. The
 * caller must dispose of the result if it is a tensor.
 */
export type ImageReader = (start: number, count: number) => Promise<HostArray | Tensor4D>;

/** Creates a function that returns images in batches. The images can be any mix of the forms of {@link PredictInput}. */
export function createImageReader(
  platform: Platform,
  network: Network,
  inputs: readonly PredictInput[] | Tensor4D,
  { path, decoder, signal }: ImageReaderOptions,
): ImageReader {
  const { shape } = network.input;
  if (!Array.isArray(inputs)) {
    const images = inputs as Tensor4D;
    checkImageShape(network, images.shape.slice(1), path);
    return async (start, count) => tf.slice(images, [start, 0, 0, 0], [count, -1, -1, -1]);
  }
  const size = shape.reduce((product, side) => product * side, 1);
  const openFile = createFileOpener(platform, shape, decoder, signal);
  return async (start, count) => {
    const data = new Float32Array(count * size);
    for (let i = 0; i < count; i++) {
      const values = data.subarray(i * size, (i + 1) * size);
      const inputPath = `${path}[${start + i}]`;
      await writeImage(network, await openFile(inputs[start + i], inputPath), inputPath, values);
    }
    return { shape: [count, ...shape], data };
  };
}

/**
 * Creates a function that loads and decodes inputs that are image files. The function returns all other inputs (decoded pixels and tensors)
 * unchanged.
 */
function createFileOpener(
  platform: Platform,
  shape: ImageShape,
  decoder: Decoder | undefined,
  signal: AbortSignal | undefined,
) {
  let loadedDecoder = decoder;
  return async (input: PredictInput, path: string): Promise<ImageBytes | Tensor3D> => {
    const isLocation = typeof input === 'string' || input instanceof URL;
    if (!isLocation && !(input instanceof Uint8Array)) return input;
    if (isLocation && !platform.readFile) {
      throw createError({
        kind: 'argument',
        path,
        expected: 'the bytes of an image file, decoded pixels or a tensor',
        received: 'a path or URL, which this runtime cannot read',
        advice: 'Read the file first, then pass its bytes and set the decoder option.',
      });
    }
    loadedDecoder ??= await platform.loadDecoder?.();
    if (!loadedDecoder) {
      throw createError({
        kind: 'argument',
        path,
        expected: 'decoded pixels or a tensor, because the decoder option is not set',
        received: 'an image file',
        advice:
          'Decode the image first, or set the decoder option to a function that decodes the bytes of a file and resizes the image.',
      });
    }
    const bytes = isLocation
      ? await platform.readFile!(input, { maxBytes: MAX_IMAGE_FILE_BYTES, signal })
      : input;
    try {
      return await loadedDecoder(bytes, shape);
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      throw createError({
        kind: 'data',
        path: isLocation ? String(input) : path,
        expected: 'an image file that can be decoded',
        received: `a file that the decoder rejects (${String((cause as Error)?.message ?? cause).split('\n')[0]})`,
        advice: 'Pass a complete JPEG, PNG or WebP file.',
        cause,
      });
    }
  };
}

/**
 * Scales the pixels of one image to the input range of the model and writes them into `values`. Throws an `argument` error for an image of
 * a different size.
 */
async function writeImage(
  network: Network,
  image: ImageBytes | Tensor3D,
  path: string,
  values: Float32Array,
): Promise<void> {
  const { shape, range } = network.input;
  if (typeof image !== 'object' || image === null) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'an image: decoded pixels, a tensor, or the bytes, path or URL of a file',
      received: describeType(image),
      advice: "Pass an image, for example model.predict('portrait.jpg').",
    });
  }
  if ('dtype' in image) {
    checkImageShape(network, image.shape, path);
    values.set(await image.data());
    return;
  }
  checks.valid(path, image, image.height !== undefined && image.width !== undefined, {
    noun: 'an image: decoded pixels, a tensor, or the bytes, path or URL of a file',
    advice:
      'Pass the bytes of a file as a Uint8Array: new Uint8Array(await blob.arrayBuffer()). For all images of a dataset, use evaluate().',
  });
  checkImageShape(network, [image.height, image.width, image.channels], path);
  const size = shape.reduce((product, side) => product * side, 1);
  if (image.data?.length !== size) {
    throw createError({
      kind: 'argument',
      path,
      expected: `${size} bytes of pixels for an image of ${shape.join('x')} (height, width, channels)`,
      received: image.data ? `${image.data.length} bytes` : 'no pixels',
      advice: 'Set data to the pixels row by row, with interleaved channels and without an alpha channel.',
    });
  }
  checkImageBytes(path, image);
  rescalePixelsInto(image.data, range, values);
}

function checkImageShape(network: Network, imageShape: readonly number[], path: string): void {
  const { shape } = network.input;
  if (imageShape.join() === shape.join()) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `an image of ${shape.join('x')} (height, width, channels)`,
    received: `an image of ${imageShape.join('x')}`,
    advice: 'Resize the image first, or pass the bytes of the image file: the decoder resizes the image.',
  });
}
