import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { HostArray } from '../core/arrays.js';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { ImageBytes } from '../core/images.js';
import type { Decoder } from '../core/platform/platform.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { type EngineName, type EngineOptions, getCurrentEngine, useEngine } from '../engines/select.js';
import type { Network } from '../network/network.js';
import { syncWeights } from '../network/weightSync.js';
import type { PredictionsOf, Tasks } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';
import { forward } from './forward.js';
import { rescalePixelsInto } from './rescaleImages.js';

/**
 * An image to predict from: pixels as bytes, of the network's size; an encoded file's bytes (with a decoder); or a
 * tensor `[height, width, channels]`, float32, already in the network's range.
 *
 * @category Train
 */
export type PredictInput = ImageBytes | Uint8Array | Tensor3D;

/**
 * Options of `model.predict`.
 *
 * @category Train
 */
export interface PredictOptions extends EngineOptions {
  /** What executes it. Default: the engine in use, or `auto` when there is none yet. */
  readonly engine?: EngineName | 'auto';
  /** Images in a pass; default 32. */
  readonly batchSize?: number;
  /** Decodes and resizes encoded files; `tfjs-multitask/node` has `sharpDecoder`. */
  readonly decoder?: Decoder;
}

/** Answers for each image, in order. Never augments. */
export async function predictImages<T extends Tasks>(
  network: Network<T>,
  inputs: readonly PredictInput[] | Tensor4D,
  options: PredictOptions,
): Promise<PredictionsOf<T>[]> {
  const { batchSize = 32, decoder, engine } = options;
  checks.integer('predict.batchSize', batchSize, { min: 1, defaultValue: 32 });
  if (engine !== undefined || !getCurrentEngine()) await useEngine(engine, options);
  const size = Array.isArray(inputs) ? inputs.length : (inputs as Tensor4D).shape[0];
  const answers: PredictionsOf<T>[] = [];
  for (let start = 0; start < size; start += batchSize) {
    const count = Math.min(batchSize, size - start);
    const images = await createImageBatch(network, inputs, { start, count, path: 'predict', decoder });
    syncWeights(network.layersModel);
    const outputs = await forward(network.graph, [images]).finally(
      () => 'dtype' in images && images.dispose(),
    );
    const values = await Promise.all(outputs.map((output) => output.data()));
    tf.dispose(outputs);
    for (let row = 0; row < count; row++)
      answers.push(decodePredictions(network, values as Float32Array[], row));
    await yieldToEventLoop();
  }
  return answers;
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

/** A batch of what was given. */
export interface ImageBatchOptions {
  readonly start: number;
  readonly count: number;
  /** For errors: `predict`. */
  readonly path: string;
  readonly decoder: Decoder | undefined;
}

/** Some of the given images as one batch, in the network's range; a tensor is the caller's to dispose of. */
export async function createImageBatch(
  network: Network,
  inputs: readonly PredictInput[] | Tensor4D,
  { start, count, path, decoder }: ImageBatchOptions,
): Promise<HostArray | Tensor4D> {
  const { shape } = network.input;
  if (!Array.isArray(inputs)) {
    const images = inputs as Tensor4D;
    checkImageShape(network, images.shape.slice(1), path);
    return tf.slice(images, [start, 0, 0, 0], [count, -1, -1, -1]);
  }
  const size = shape.reduce((product, side) => product * side, 1);
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const numbers = data.subarray(i * size, (i + 1) * size);
    await writeImage(network, inputs[start + i], `${path}[${start + i}]`, decoder, numbers);
  }
  return { shape: [count, ...shape], data };
}

/** The numbers of one image into `numbers`. */
async function writeImage(
  network: Network,
  input: PredictInput,
  path: string,
  decoder: Decoder | undefined,
  numbers: Float32Array,
): Promise<void> {
  const { shape, range } = network.input;
  if (typeof input !== 'object' || input === null) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'an image: its pixels, the bytes of its file, or a tensor',
      received: describeType(input),
      advice: 'Read the file first: await readFile(path), with a decoder in the options.',
    });
  }
  if (input instanceof Uint8Array) {
    if (!decoder) {
      throw createError({
        kind: 'argument',
        path,
        expected: 'decoded pixels, or a decoder in the options',
        received: 'the bytes of a file',
        advice: "Give decoder: await sharpDecoder() from 'tfjs-multitask/node', or one of your own.",
      });
    }
    return writeImage(network, await decoder(input, shape), path, undefined, numbers);
  }
  if ('dtype' in input) {
    checkImageShape(network, input.shape, path);
    numbers.set(await input.data());
    return;
  }
  checkImageShape(network, [input.height, input.width, input.channels], path);
  const size = shape.reduce((product, side) => product * side, 1);
  if (input.data?.length !== size) {
    throw createError({
      kind: 'argument',
      path,
      expected: `${size} bytes for ${shape.join('x')} (height, width, channels)`,
      received: input.data ? `${input.data.length} bytes` : 'nothing',
      advice: 'Give rows from the top, channels interleaved, without an alpha channel.',
    });
  }
  rescalePixelsInto(input.data, range, numbers);
}

function checkImageShape(network: Network, received: readonly number[], path: string): void {
  const { shape } = network.input;
  if (received.join() === shape.join()) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `an image of ${shape.join('x')} (height, width, channels)`,
    received: received.join('x'),
    advice: 'Resize it first, or give the bytes of its file and a decoder, which resizes.',
  });
}
