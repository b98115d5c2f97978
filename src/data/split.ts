import { addToGroup } from '../core/arrays.js';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import { createRng } from '../core/rng.js';

/**
 * Options for {@link Dataset.split}.
 *
 * @category Data
 */
export interface SplitOptions<L> {
  /** Fraction of the images for validation, above 0 and below 1. */
  readonly validation: number;
  /**
   * Selection of the validation images:
   *
   * - `shuffled` (default): a random selection that depends on `seed`.
   * - `first`: the first `trunc(n * validation)` images, as in Keras's generators.
   * - `last`: all but the first `floor(n * (1 - validation))` images, as in Keras's `fit`.
   * - `{ stratify }`: a random selection that depends on `seed`. Images for which `stratify` returns the same value form a group, and every
   *   group is split with the same fraction.
   */
  readonly by?:
    | 'shuffled'
    | 'first'
    | 'last'
    | {
        /** Returns the group of an image from its labels. */
        readonly stratify: (labels: L) => string | number;
      };
  /** Seed for the random selection of `shuffled` and `stratify`. Default 0. */
  readonly seed?: number;
}

/** Types of the groups that `stratify` can return. Undefined is the group of the images without a label. */
const GROUP_TYPES: readonly string[] = ['string', 'number', 'boolean', 'undefined'];

const SPLIT_ORDERS: readonly string[] = ['shuffled', 'first', 'last'];

/**
 * Returns the indices of the training images and of the validation images. Throws a `data` error if one of the two lists would be empty.
 */
export function splitIndices<L>(
  labels: readonly L[],
  options: SplitOptions<L>,
): { readonly train: readonly number[]; readonly validation: readonly number[] } {
  checks.options(
    'split',
    options,
    { validation: true, by: true, seed: true },
    {
      advice: 'Write dataset.split({ validation: 0.2 }).',
      replacements: {
        test: 'Split twice: dataset.split({ validation: 0.2 }), then split the train part again.',
        train:
          'Pass the proportion of validation images: split({ validation: 0.2 }). The remaining images are the train part.',
        stratify: 'Write split({ validation: 0.2, by: { stratify: ({ gender }) => gender } }).',
        shuffle: "Write by: 'shuffled', which is the default, or by: 'first' or by: 'last'.",
      },
    },
  );
  const { validation: share, by = 'shuffled', seed = 0 } = options;
  checks.integer('split.seed', seed, { defaultValue: 0 });
  checks.number('split.validation', share, {
    above: 0,
    below: 1,
    advice: 'Pass the fraction of validation images, for example 0.2.',
  });
  if (
    !SPLIT_ORDERS.includes(by as string) &&
    typeof (by as { stratify?: unknown } | null)?.stratify !== 'function'
  ) {
    throw createError({
      kind: 'argument',
      path: 'split.by',
      expected: `${SPLIT_ORDERS.map((order) => `"${order}"`).join(', ')} or { stratify: (labels) => ... }`,
      received: formatValue(by),
      advice: didYouMean(String(by), SPLIT_ORDERS) ?? 'Omit by for a random split.',
    });
  }
  if (typeof by === 'object') checks.options('split.by', by, { stratify: true });
  const n = labels.length;
  const order = Array.from({ length: n }, (_, i) => i);
  const parts =
    by === 'first'
      ? splitFirst(order, Math.trunc(share * n))
      : by === 'last'
        ? splitLast(order, Math.floor(n * (1 - share)))
        : by === 'shuffled'
          ? splitShuffled(order, share, seed)
          : splitStratified(labels, share, seed, by.stratify);
  if (parts.train.length > 0 && parts.validation.length > 0) return parts;
  throw createError({
    kind: 'data',
    path: 'split.validation',
    expected: 'at least one training image and one validation image',
    received: `${countImages(parts.train.length, 'training')} and ${countImages(parts.validation.length, 'validation')}`,
    advice: `Change the fraction or add images. The dataset has ${n} ${n === 1 ? 'image' : 'images'}.`,
  });
}

const countImages = (count: number, kind: string) => `${count} ${kind} ${count === 1 ? 'image' : 'images'}`;

function splitFirst(order: readonly number[], count: number) {
  return { validation: order.slice(0, count), train: order.slice(count) };
}

function splitLast(order: readonly number[], from: number) {
  return { train: order.slice(0, from), validation: order.slice(from) };
}

/**
 * Draws the validation images. Both resulting lists keep the order of the dataset. They need not be shuffled, because each epoch shuffles
 * the training images.
 */
function splitShuffled(order: readonly number[], share: number, seed: number) {
  const drawn = createRng(seed, 'split').permutation(order.length);
  const chosen = new Set(drawn.slice(0, Math.round(share * order.length)));
  return {
    train: order.filter((index) => !chosen.has(index)),
    validation: order.filter((index) => chosen.has(index)),
  };
}

function splitStratified<L>(
  labels: readonly L[],
  share: number,
  seed: number,
  stratify: (labels: L) => string | number,
) {
  const groups = new Map<string, number[]>();
  labels.forEach((label, index) => {
    const group = stratify(label);
    checks.valid('split.by.stratify', group, GROUP_TYPES.includes(typeof group), {
      kind: 'data',
      noun: 'a string, a number or a boolean as the group of an image',
      advice: 'Write by: { stratify: ({ gender }) => gender }.',
    });
    const key = String(group);
    addToGroup(groups, key, index);
  });
  const chosen = new Set<number>();
  for (const [key, members] of groups) {
    const drawn = createRng(seed, 'split', key).permutation(members.length);
    for (const i of drawn.slice(0, Math.round(share * members.length))) chosen.add(members[i]!);
  }
  const order = labels.map((_, index) => index);
  return {
    train: order.filter((index) => !chosen.has(index)),
    validation: order.filter((index) => chosen.has(index)),
  };
}
