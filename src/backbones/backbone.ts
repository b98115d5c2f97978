import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Block } from '../layers/block.js';
import type { Trunk } from '../layers/trunkAndBranch.js';
import { applyRows, type BackboneRow } from './backboneRows.js';
import type { RowWeights } from './matchWeights.js';
import {
  computePreprocessingWeights,
  createPreprocessingLayer,
  type Preprocessing,
} from './preprocessing.js';

/**
 * A well-known architecture, usually with pretrained weights. Use it as the whole trunk, `.trunk(backbone)`, or as the first block of a
 * trunk, `.trunk(sharedTrunk([backbone, globalAveragePool()]))`. A backbone includes its preprocessing, so its input is always the image
 * itself. A backbone can be used in several networks, each of which creates new layers from it.
 *
 * @category Compose
 */
export interface Backbone extends Trunk, Block {}

/**
 * Option that selects which layers of a backbone are trained: all layers (the default, as in Keras), none, or only the last ones.
 *
 * Frozen layers run in inference mode, like a Keras base model that is called with `training=False`: batch normalization uses its moving
 * statistics and does not change them, and dropout is disabled. Their outputs therefore depend only on the image. Frozen layers have no
 * gradient, no regularization penalty and no optimizer state.
 *
 * @typeParam Stage - Names of the backbone's stages, which are prefixes of its layer names, in the order of the layers.
 * @category Compose
 */
export type TrainableOption<Stage extends string> =
  | {
      /** If true, all layers are trained; if false, all layers are frozen. Default: true. */
      readonly trainable?: boolean | undefined;
      /** Not allowed together with `trainable`. */
      readonly trainableFrom?: TypeErrorMessage<'trainable is already set: omit one of the two'> | undefined;
    }
  | {
      /** Not allowed together with `trainableFrom`. */
      readonly trainable?: TypeErrorMessage<'trainableFrom is already set: omit one of the two'> | undefined;
      /** Name of the first layer that is trained, or a prefix of its name, for example a stage. All layers before it are frozen. */
      readonly trainableFrom?: Stage | (string & {}) | undefined;
    };

/**
 * Options that determine the initial weights of a backbone.
 *
 * @category Compose
 */
export interface WeightsFile {
  /**
   * Initial weights of the backbone:
   *
   * - Bytes of a Keras file: weights (`.h5`, `.weights.h5`), or a model that contains the layers of the backbone (`.h5`, `.keras`), for
   *   example a model written by `exportKeras`.
   * - `null`: random initial weights, drawn from the seed of the network with the initializers of Keras.
   */
  readonly weights: Uint8Array | null;
  /** Name of the weights file in error messages. Default: `weights`. */
  readonly file?: string;
}

/**
 * Options for {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone}.
 *
 * @typeParam Stage - Names of the backbone's stages, which are prefixes of its layer names, in the order of the layers.
 * @category Compose
 */
export type BackboneOptions<Stage extends string> = WeightsFile &
  TrainableOption<Stage> & {
    /**
     * If true, the backbone ends with the classification layers of Keras: global average pooling, and softmax over the 1000 ImageNet
     * classes. Default: false.
     */
    readonly includeTop?: boolean;
  };

/** Architecture of a backbone as a table, with one row per layer. */
export interface BackboneTable<Stage extends string = string> {
  /** Name of the function that creates the backbone, for error messages. */
  readonly path: string;
  readonly rows: readonly BackboneRow[];
  readonly top: readonly BackboneRow[];
  readonly stages: readonly Stage[];
}

/** Names of all options in {@link BackboneOptions}. */
const OPTION_NAMES: checks.OptionNames<BackboneOptions<string>> = {
  weights: true,
  file: true,
  includeTop: true,
  trainable: true,
  trainableFrom: true,
};

/**
 * Throws an `argument` error for options that are not an object, for unknown option names, and for boolean options whose value is not a
 * boolean. Without this check, the string 'false' would count as true.
 */
export function checkBackboneOptions(
  path: string,
  options: { readonly trainable?: unknown; readonly includeTop?: unknown },
  names: { readonly [name: string]: true } = OPTION_NAMES,
): void {
  const advice = `For random weights, write ${path}({ weights: null }). For ImageNet weights, import ${path} from tfjs-multitask/node.`;
  checks.optionNames(path, options, Object.keys(names), {
    advice,
    replacements: {
      inputShape: 'Pass the size of the images to multiTask({ input: [128, 128, 3] }).',
      pooling: 'Write sharedTrunk([backbone, globalAveragePool()]).',
    },
  });
  for (const name of ['trainable', 'includeTop'] as const) {
    if (options[name] === undefined) continue;
    checks.boolean(`${path}.${name}`, options[name], {
      advice: 'Write true or false without quotation marks, or omit the option.',
    });
  }
}

/** Minimum width and height of an image in pixels, as in Keras. All backbones reduce the image size by this factor. */
const MIN_SIDE = 32;

/**
 * Creates a backbone from its table.
 *
 * @param weights - Initial weights of each layer. If undefined, the initial weights are random.
 */
export function createBackbone<Stage extends string>(
  { path, rows, stages, ...table }: BackboneTable<Stage>,
  preprocessing: Preprocessing,
  weights: RowWeights | undefined,
  {
    trainable,
    trainableFrom,
    includeTop = false,
  }: TrainableOption<Stage> & { readonly includeTop?: boolean },
): Backbone {
  const all = includeTop ? [...rows, ...table.top] : rows;
  // The casts are safe, because no value has the type TypeErrorMessage.
  const first = findFirstTrainableRow(path, all, stages, trainable as boolean, trainableFrom as string);
  const trainableRows = new Set(all.slice(first));
  const block: Block = {
    '~block': path,
    computeOutputSize: (input) => (input < MIN_SIDE ? 0 : Math.ceil(input / MIN_SIDE)),
    build: (image, context) => {
      checkBackboneInput(path, image, context.image);
      const preprocessingLayer = createPreprocessingLayer();
      const input = context.connect(preprocessingLayer, image);
      context.setWeights(
        preprocessingLayer,
        computePreprocessingWeights(preprocessing, context.pixelRange, image.shape[3]!),
      );
      return applyRows(all, input, {
        isTrainable: (row) => trainableRows.has(row),
        connect: (layer, from) => {
          const output = context.connect(layer, from);
          const arrays = weights?.get(layer.name);
          if (arrays) context.setWeights(layer, arrays);
          return output;
        },
      });
    },
  };
  return { ...block, '~part': 'trunk', layerStack: [block] };
}

function findFirstTrainableRow(
  path: string,
  rows: readonly BackboneRow[],
  stages: readonly string[],
  trainable: boolean | undefined,
  from: string | undefined,
): number {
  if (from === undefined) return (trainable ?? true) ? 0 : rows.length;
  if (trainable !== undefined) {
    throw createError({
      kind: 'argument',
      path: `${path}.trainableFrom`,
      expected: 'either trainable or trainableFrom, but not both',
      received: 'both trainable and trainableFrom',
      advice: 'Set trainable for the whole backbone, or set trainableFrom to train only the last layers.',
    });
  }
  const named = rows.findIndex(({ name }) => name === from);
  const first =
    named >= 0 ? named : rows.findIndex(({ name }) => from !== '' && name.startsWith(String(from)));
  if (first >= 0) return first;
  throw createError({
    kind: 'argument',
    path: `${path}.trainableFrom`,
    expected: `a stage (${stages.join(', ')}), a layer name or a prefix of a layer name`,
    received: formatValue(from),
    advice:
      (typeof from === 'string' && didYouMean(from, [...stages, ...rows.map(({ name }) => name)])) ||
      'Set trainableFrom to the name of the first layer that you want to train, or set trainable to false to freeze the whole backbone.',
  });
}

function checkBackboneInput(path: string, input: SymbolicTensor, image: SymbolicTensor): void {
  if (input !== image) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'the image as the input of the backbone, because the backbone preprocesses the image',
      received: `the output of ${input.sourceLayer.name}`,
      advice:
        'Make the backbone the first element of the trunk. To transform the image before the backbone, use an input view: branch([...], { inputView: grayscaleImage() }).',
    });
  }
  const [, height, width] = input.shape as number[];
  if (height! >= MIN_SIDE && width! >= MIN_SIDE) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `images of at least ${MIN_SIDE}x${MIN_SIDE} pixels`,
    received: `images of ${height}x${width} pixels`,
    advice: 'Use larger images, for example multiTask({ input: [128, 128, 3] }).',
  });
}
