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
 * A standard architecture that can have pretrained weights. Use it as the whole trunk, `.trunk(backbone)`, or as the first block of a
 * trunk, `.trunk(sharedTrunk([backbone, globalAveragePool()]))`. The input is always the unprocessed image because the backbone includes
 * its preprocessing. The same backbone can be used in several networks. Each network creates separate layers.
 *
 * @category Compose
 */
export interface Backbone extends Trunk, Block {}

/**
 * Selection of the layers of a backbone that are trained: all layers (default, as in Keras), none, or the last ones.
 *
 * A frozen layer has no gradient, no penalty and no optimizer state. Frozen batch normalization also uses its moving statistics in
 * training, and does not change them. Frozen dropout drops nothing, as in a Keras base model that is called with `training=False`, so the
 * outputs of frozen layers depend only on the image.
 *
 * @typeParam Stage - Prefixes of the backbone's layer names, in layer order.
 * @category Compose
 */
export type TrainableOption<Stage extends string> =
  | {
      /** Whether all layers are trained. Default: true. */
      readonly trainable?: boolean | undefined;
      /** Not allowed together with `trainable`. */
      readonly trainableFrom?: TypeErrorMessage<'trainable is already set: omit one of the two'> | undefined;
    }
  | {
      /** Not allowed together with `trainableFrom`. */
      readonly trainable?: TypeErrorMessage<'trainableFrom is already set: omit one of the two'> | undefined;
      /**
       * Name of the first trained layer, or a prefix of its name, such as a stage. All layers before it are frozen.
       */
      readonly trainableFrom?: Stage | (string & {}) | undefined;
    };

/**
 * Options that specify a backbone's weights.
 *
 * @category Compose
 */
export interface WeightsFile {
  /**
   * - Bytes of a Keras file: weights (`.h5`, `.weights.h5`), or a model that contains the backbone's layers (`.h5`, `.keras`).
   *   `exportKeras` also writes such files.
   * - `null`: random initial weights from the network's seed, with Keras's initializers.
   */
  readonly weights: Uint8Array | null;
  /** Name of the file in error messages. Default: `weights`. */
  readonly file?: string;
}

/**
 * Options of {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone}.
 *
 * @typeParam Stage - Prefixes of the backbone's layer names, in layer order.
 * @category Compose
 */
export type BackboneOptions<Stage extends string> = WeightsFile &
  TrainableOption<Stage> & {
    /** Whether to add Keras's top: global average pooling and a softmax over the 1000 ImageNet classes. Default: false. */
    readonly includeTop?: boolean;
  };

/** Definition of one backbone. */
export interface BackboneTable<Stage extends string = string> {
  /** Name of the public function, for error messages. */
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
 * Throws an `argument` error for options that are not an object, for unknown option names, and for boolean options with any other type,
 * because the string 'false' would count as true.
 */
export function checkBackboneOptions(
  path: string,
  options: { readonly trainable?: unknown; readonly includeTop?: unknown },
  names: { readonly [name: string]: true } = OPTION_NAMES,
): void {
  const advice = `Write ${path}({ weights: null }) for random weights, or import ${path} from tfjs-multitask/node to download ImageNet weights.`;
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

/** Smallest side of an image, as in Keras. The output has one pixel for every 32 pixels along a side. */
const MIN_SIDE = 32;

/** Creates the block of a backbone. `weights` contains the arrays of each row that has weights. Undefined means random initial weights. */
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
  // A TypeErrorMessage exists only in types. No value has this type.
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
      expected: 'either trainable or trainableFrom',
      received: 'both options',
      advice: 'Use trainable for the whole backbone, or trainableFrom for its last layers.',
    });
  }
  const named = rows.findIndex(({ name }) => name === from);
  const first =
    named >= 0 ? named : rows.findIndex(({ name }) => from !== '' && name.startsWith(String(from)));
  if (first >= 0) return first;
  throw createError({
    kind: 'argument',
    path: `${path}.trainableFrom`,
    expected: `a stage (${stages.join(', ')}), or the name or name prefix of a layer`,
    received: formatValue(from),
    advice:
      (typeof from === 'string' && didYouMean(from, [...stages, ...rows.map(({ name }) => name)])) ||
      'Pass the name of the first layer to train, or write trainable: false to freeze the whole backbone.',
  });
}

function checkBackboneInput(path: string, input: SymbolicTensor, image: SymbolicTensor): void {
  if (input !== image) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'the image as its input, because the backbone has its own preprocessing',
      received: `the output of ${input.sourceLayer.name}`,
      advice:
        'Make the backbone the first element of the trunk. To change the image before it, use branch([...], { inputView: grayscaleImage() }).',
    });
  }
  const [, height, width] = input.shape as number[];
  if (height! >= MIN_SIDE && width! >= MIN_SIDE) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `images of at least ${MIN_SIDE}x${MIN_SIDE} pixels`,
    received: `images of ${height}x${width} pixels`,
    advice: 'Use a larger image size: multiTask({ input: [128, 128, 3] }).',
  });
}
