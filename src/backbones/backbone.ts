import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
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
 * A known trunk. It stands as a whole, `.trunk(backbone)`, or as the first piece of one,
 * `.trunk(sharedTrunk([backbone, globalAveragePool()]))`; always directly at the image, whose range it knows. A recipe
 * like every block: it may stand in many networks, and each has its own layers and weights.
 *
 * @category Compose
 */
export interface Backbone extends Trunk, Block {}

/**
 * What is trained: all of it (default, as in Keras), nothing, or the end.
 *
 * A frozen layer gets no gradient, no penalty and no place in the optimiser; frozen batch normalisation uses its moving
 * statistics in training too, and keeps them; frozen dropout drops nothing, as in a base that Keras calls with
 * `training=False`: it draws nothing, and its outputs depend on the image alone.
 *
 * @typeParam Stage - First words of the backbone's layer names, in order.
 * @category Compose
 */
export type TrainableOption<Stage extends string> =
  | {
      /** Default true. */
      readonly trainable?: boolean | undefined;
      /** Not beside `trainable`. */
      readonly trainableFrom?:
        | TypeErrorMessage<'trainable is given already: leave one of the two out'>
        | undefined;
    }
  | {
      /** Not beside `trainableFrom`. */
      readonly trainable?:
        | TypeErrorMessage<'trainableFrom is given already: leave one of the two out'>
        | undefined;
      /**
       * A stage, or the name of a layer or its beginning: every layer before the first so called is frozen, the rest is
       * trained.
       */
      readonly trainableFrom?: Stage | (string & {}) | undefined;
    };

/**
 * Where a backbone's weights come from.
 *
 * @category Compose
 */
export interface WeightsFile {
  /**
   * The bytes of a file that Keras wrote, of weights (`.h5`, `.weights.h5`) or of a model that has the backbone's layers among
   * others (`.h5`, `.keras`; `exportKeras` writes such files too); or null: then the network's seed draws them, by Keras's own
   * initialisers.
   */
  readonly weights: Uint8Array | null;
  /** The file's name, for errors. Default `weights`. */
  readonly file?: string;
}

/**
 * Options of {@link resnet50Backbone}, {@link mobileNetV2Backbone} and {@link efficientNetB0Backbone}.
 *
 * @typeParam Stage - First words of the backbone's layer names, in order.
 * @category Compose
 */
export type BackboneOptions<Stage extends string> = WeightsFile &
  TrainableOption<Stage> & {
    /** With global average pooling and the 1000 classes of ImageNet (softmax) at the end. Default false. */
    readonly top?: boolean;
  };

/** Everything that is true of one backbone. */
export interface BackboneTable<Stage extends string = string> {
  /** The public function, for errors. */
  readonly path: string;
  readonly rows: readonly BackboneRow[];
  readonly top: readonly BackboneRow[];
  readonly stages: readonly Stage[];
}

/** Names of {@link BackboneOptions}. */
const OPTION_NAMES = ['weights', 'file', 'top', 'trainable', 'trainableFrom'];

/**
 * Throws an `argument` fault for options that are none, misspelt ones, and switches that are no booleans: the word 'false'
 * would train.
 */
export function checkBackboneOptions(
  path: string,
  options: { readonly trainable?: unknown; readonly top?: unknown },
  known: readonly string[] = OPTION_NAMES,
): void {
  if (typeof options !== 'object' || options === null) {
    throw createArgumentError(
      path,
      'options with the weights, { weights: ... }',
      describeType(options),
      `Write ${path}({ weights: null }) for random weights, or import ${path} from tfjs-multitask/node to download ImageNet weights.`,
    );
  }
  checks.optionNames(path, options, known);
  for (const name of ['trainable', 'top'] as const) {
    if (options[name] === undefined) continue;
    checks.boolean(`${path}.${name}`, options[name], {
      advice: 'Write true or false without quotation marks, or omit the option.',
    });
  }
}

/** The smallest side that Keras allows: of every 32 pixels one is left. */
const MIN_SIDE = 32;

/** The block of a table. `weights` are those of every row that has any, or undefined for drawn ones. */
export function createBackbone<Stage extends string>(
  { path, rows, stages, ...table }: BackboneTable<Stage>,
  preprocessing: Preprocessing,
  weights: RowWeights | undefined,
  { trainable, trainableFrom, top = false }: TrainableOption<Stage> & { readonly top?: boolean },
): Backbone {
  const all = top ? [...rows, ...table.top] : rows;
  // A Mistake is a sentence of the types; no value is one.
  const first = findFirstTrainableRow(path, all, stages, trainable as boolean, trainableFrom as string);
  const trained = new Set(all.slice(first));
  const block: Block = {
    '~block': path,
    computeOutputSize: (input) => (input < MIN_SIDE ? 0 : Math.ceil(input / MIN_SIDE)),
    build: (image, site) => {
      checkBackboneInput(path, image, site.image);
      const door = createPreprocessingLayer();
      const input = site.connect(door, image);
      site.setWeights(door, computePreprocessingWeights(preprocessing, site.pixelRange, image.shape[3]!));
      return applyRows(all, input, {
        isTrainable: (row) => trained.has(row),
        connect: (layer, from) => {
          const output = site.connect(layer, from);
          const arrays = weights?.get(layer.name);
          if (arrays) site.setWeights(layer, arrays);
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
      'Give the first layer to train, or write trainable: false to freeze the whole backbone.',
  });
}

function checkBackboneInput(path: string, image: SymbolicTensor, seen: SymbolicTensor): void {
  if (image !== seen) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'the image as its input, because the backbone has its own preprocessing',
      received: `the output of ${image.sourceLayer.name}`,
      advice:
        'Make the backbone the first element of the trunk. To change the image before it, use branch([...], { inputView: grayscaleImage() }).',
    });
  }
  const [, height, width] = image.shape as number[];
  if (height! >= MIN_SIDE && width! >= MIN_SIDE) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `images of at least ${MIN_SIDE}x${MIN_SIDE} pixels`,
    received: `images of ${height}x${width} pixels`,
    advice: 'Use a larger image size: multiTask({ input: [128, 128, 3] }).',
  });
}
