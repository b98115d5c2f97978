import { tf } from '../../../../tensor/tf.js';
import type { JsonNode } from '../../file/jsonNode.js';
import {
  type ApplyLayer,
  applyLayer,
  createLayerError,
  type LayerImporter,
  type LayerWithWeights,
} from '../structure/importContext.js';

/**
 * Slice along one axis: `count` positions that start at `start` and are `step` apart. `dropsAxis` is true for a single index, which
 * removes the axis.
 */
interface AxisSlice {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly dropsAxis: boolean;
}

const SLICE_ADVICE = 'Use Cropping2D, or select channels with a 1x1 convolution.';

/**
 * Imports slices of an image, such as `x[:, 2:-2, :, ::-1]` and `x[..., 0]` in Keras's preprocessing. Rows
 * and columns are cropped; channels are selected by a frozen 1x1 convolution. Keras 3 stores a slice as `GetItem`, and
 * Keras 2 as `SlicingOpLambda`.
 */
export const importGetItem: LayerImporter = (context) => {
  const [call, ...more] = context.layer.calls;
  const spec = call?.kwargs.args1 ?? call?.kwargs.slice_spec;
  const [, height, width, channels] = context.inputShapes[0]!;
  if (!spec || more.length > 0 || context.inputShapes[0]!.length !== 4 || !height || !width || !channels) {
    throw createLayerError(
      context,
      'a single slice of images with a fixed size',
      'an unsupported slice',
      SLICE_ADVICE,
    );
  }
  const [batch, rows, columns, channelSlice] = expandSliceSpec(spec).map((part, axis) =>
    readAxisSlice(part, axis === 0 ? null : [height, width, channels][axis - 1]!),
  );
  const isUnsupported = [batch, rows, columns].some((slice) => slice!.dropsAxis || slice!.step !== 1);
  if (isUnsupported)
    throw createLayerError(
      context,
      'a slice of the whole batch with contiguous rows and columns',
      'a single row or column, or a slice with a step',
      SLICE_ADVICE,
    );
  const edges = [rows!, columns!].map(({ start, count }, axis) => [
    start,
    [height, width][axis]! - start - count,
  ]);
  const parts: [className: string, args: object, part: string][] = [
    ['Cropping2D', { cropping: edges }, 'crop'],
    [
      'Conv2D',
      { filters: channelSlice!.count, kernelSize: [1, 1], useBias: false, trainable: false },
      'channels',
    ],
    ['Reshape', { targetShape: [rows!.count, columns!.count] }, 'drop'],
  ];
  const isNeeded = [
    edges.flat().some((edge) => edge > 0),
    channelSlice!.start !== 0 || channelSlice!.step !== 1 || channelSlice!.count !== channels,
    channelSlice!.dropsAxis,
  ];
  const neededParts = parts.filter((_, i) => isNeeded[i]);
  const layers = neededParts.map(([className, args, part], i) =>
    context.createLayer(className, args, i === neededParts.length - 1 ? undefined : part),
  );
  const chain: ApplyLayer = ([x]) => layers.reduce((y, layer) => applyLayer(layer, y), x!);
  const convolution = layers[neededParts.findIndex(([className]) => className === 'Conv2D')];
  return convolution ? createChannelSelection(chain, convolution, channels, channelSlice!) : chain;
};

/** Returns a 1x1 convolution that selects channels: its kernel is 1 from each selected channel to its output channel, and 0 elsewhere. */
function createChannelSelection(
  chain: ApplyLayer,
  layer: tf.layers.Layer,
  channels: number,
  { start, step, count }: AxisSlice,
): LayerWithWeights {
  return {
    apply: chain,
    weightSlots: [],
    setWeights: () => {
      const kernel = new Float32Array(channels * count);
      for (let i = 0; i < count; i++) kernel[(start + i * step) * count + i] = 1;
      const values = tf.tensor(kernel, [1, 1, channels, count]);
      layer.setWeights([values]);
      values.dispose();
    },
  };
}

/**
 * Expands a slice of a batch of images to four entries, one per axis. An entry is undefined if the slice contains the whole axis, for
 * example because an ellipsis includes the axis or the axis is omitted.
 */
function expandSliceSpec(spec: JsonNode): (JsonNode | undefined)[] {
  const parts = spec.isList ? spec.items() : [spec];
  if (parts.length > 4) throw spec.createError('a slice of at most four axes');
  const at = parts.findIndex(isEllipsis);
  const createWholeAxes = (count: number) => Array.from({ length: count }, () => undefined);
  return at < 0
    ? [...parts, ...createWholeAxes(4 - parts.length)]
    : [...parts.slice(0, at), ...createWholeAxes(5 - parts.length), ...parts.slice(at + 1)];
}

const isEllipsis = (part: JsonNode) => part.isRecord && part.at('class_name').value === '__ellipsis__';

/**
 * Reads a Python slice or index for an axis with `size` elements. `size` is null for the batch dimension, which cannot
 * be sliced.
 */
function readAxisSlice(part: JsonNode | undefined, size: number | null): AxisSlice {
  if (part === undefined) return { start: 0, step: 1, count: size ?? 0, dropsAxis: false };
  if (typeof part.value === 'number') {
    const index = part.asInteger(-(size ?? 0));
    const start = index < 0 ? index + (size ?? 0) : index;
    if (size === null || start >= size) throw part.createError('an index within the axis');
    return { start, step: 1, count: 1, dropsAxis: true };
  }
  const config = part.at('class_name').value === '__slice__' ? part.at('config') : part;
  const [from, to, by] = ['start', 'stop', 'step'].map((name) => config.at(name));
  if (size === null) {
    if ([from!, to!].every((toPosition) => toPosition.isMissing) && by!.asInteger(1, 1) === 1)
      return readAxisSlice(undefined, size);
    throw part.createError('a slice that contains the whole batch');
  }
  const step = by!.asInteger(-size, 1);
  if (step === 0) throw by!.createError('a step other than 0');
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const toPosition = (bound: JsonNode, fallback: number) => {
    if (bound.isMissing) return fallback;
    const index = bound.asInteger(Number.MIN_SAFE_INTEGER);
    return Math.min(high, Math.max(low, index < 0 ? index + size : index));
  };
  const start = toPosition(from!, step > 0 ? 0 : size - 1);
  const count = Math.max(0, Math.ceil((toPosition(to!, step > 0 ? size : -1) - start) / step));
  if (count === 0) throw part.createError('a slice that is not empty');
  return { start, step, count, dropsAxis: false };
}

/** Imports `ops.stack(channels, axis=-1)`, which creates an image from separate channels without a channel axis. */
export const importStack: LayerImporter = (context) => {
  const [shape] = context.inputShapes;
  const axis = context.config.at('axis').asInteger(-8, 0);
  if (axis !== -1 && axis !== shape!.length) {
    throw context.config.at('axis').createError('the last axis', undefined, 'Use Concatenate instead.');
  }
  if (context.inputShapes.length < 2)
    throw createLayerError(context, 'at least two inputs', '1 input', 'Use Reshape instead.');
  const targetShape = [...shape!.slice(1), 1];
  const addAxis = context.createLayer('Reshape', { targetShape }, 'channel');
  const concatenate = context.createLayer('Concatenate', { axis: -1 });
  return (inputs) =>
    applyLayer(
      concatenate,
      inputs.map((input) => applyLayer(addAxis, input)),
    );
};
