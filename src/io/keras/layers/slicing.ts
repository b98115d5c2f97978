import { tf } from '../../../tensor/tf.js';
import type { JsonPart } from '../jsonPart.js';
import { type Apply, apply, type Made, refusal, type Translator } from '../making.js';

/** What one axis is cut to: places from `start` on, every `step`, as many as `count`; `drop` where the axis goes. */
interface Cut {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly drop: boolean;
}

const ADVICE = 'Use Cropping2D, or choose channels by a 1x1 convolution.';

/**
 * `x[:, 2:-2, :, ::-1]` and `x[..., 0]` of an image, as Keras's preprocessing has them: rows and columns are cropped, channels
 * chosen by a frozen 1x1 convolution. Keras 3 writes `GetItem`, Keras 2 `SlicingOpLambda`.
 */
export const getItem: Translator = (making) => {
  const [call, ...more] = making.layer.calls;
  const spec = call?.options.args1 ?? call?.options.slice_spec;
  const [, height, width, channels] = making.shapes[0]!;
  if (!spec || more.length > 0 || making.shapes[0]!.length !== 4 || !height || !width || !channels) {
    throw refusal(making, 'slices of an image of a known size', 'others', ADVICE);
  }
  const [all, rows, columns, chosen] = spread(spec).map((part, axis) =>
    cutOf(part, axis === 0 ? null : [height, width, channels][axis - 1]!),
  );
  const steps = [all, rows, columns].some((cut) => cut!.drop || cut!.step !== 1);
  if (steps) throw refusal(making, 'whole images, and rows and columns one after another', 'others', ADVICE);
  const edges = [rows!, columns!].map(({ start, count }, axis) => [
    start,
    [height, width][axis]! - start - count,
  ]);
  const parts: [className: string, args: object, part: string][] = [
    ['Cropping2D', { cropping: edges }, 'crop'],
    ['Conv2D', { filters: chosen!.count, kernelSize: [1, 1], useBias: false, trainable: false }, 'channels'],
    ['Reshape', { targetShape: [rows!.count, columns!.count] }, 'drop'],
  ];
  const needed = [
    edges.flat().some((edge) => edge > 0),
    chosen!.start !== 0 || chosen!.step !== 1 || chosen!.count !== channels,
    chosen!.drop,
  ];
  const used = parts.filter((_, i) => needed[i]);
  const layers = used.map(([className, args, part], i) =>
    making.make(className, args, i === used.length - 1 ? undefined : part),
  );
  const chain: Apply = ([x]) => layers.reduce((y, layer) => apply(layer, y), x!);
  const convolution = layers[used.findIndex(([className]) => className === 'Conv2D')];
  return convolution ? choosing(chain, convolution, channels, chosen!) : chain;
};

/** The chain, with a kernel whose only ones lead from each chosen channel to its place. */
function choosing(chain: Apply, layer: tf.layers.Layer, channels: number, { start, step, count }: Cut): Made {
  return {
    apply: chain,
    stored: [],
    write: () => {
      const kernel = new Float32Array(channels * count);
      for (let i = 0; i < count; i++) kernel[(start + i * step) * count + i] = 1;
      const values = tf.tensor(kernel, [1, 1, channels, count]);
      layer.setWeights([values]);
      values.dispose();
    },
  };
}

/** One part for each of the four axes: an ellipsis stands for as many whole ones as it takes, and so does the end. */
function spread(spec: JsonPart): (JsonPart | undefined)[] {
  const parts = spec.isList ? spec.items() : [spec];
  if (parts.length > 4) throw spec.wrong('slices of four axes');
  const at = parts.findIndex(isEllipsis);
  const whole = (count: number) => Array.from({ length: count }, () => undefined);
  return at < 0
    ? [...parts, ...whole(4 - parts.length)]
    : [...parts.slice(0, at), ...whole(5 - parts.length), ...parts.slice(at + 1)];
}

const isEllipsis = (part: JsonPart) => part.isRecord && part.at('class_name').value === '__ellipsis__';

/** Python's slice or place on an axis of `size`; null: the batch, which stays whole. */
function cutOf(part: JsonPart | undefined, size: number | null): Cut {
  if (part === undefined) return { start: 0, step: 1, count: size ?? 0, drop: false };
  if (typeof part.value === 'number') {
    const place = part.count(-(size ?? 0));
    const start = place < 0 ? place + (size ?? 0) : place;
    if (size === null || start >= size) throw part.wrong('a place on the axis');
    return { start, step: 1, count: 1, drop: true };
  }
  const config = part.at('class_name').value === '__slice__' ? part.at('config') : part;
  const [from, to, by] = ['start', 'stop', 'step'].map((name) => config.at(name));
  if (size === null) {
    if ([from!, to!].every((end) => end.missing) && by!.count(1, 1) === 1) return cutOf(undefined, size);
    throw part.wrong('all examples');
  }
  const step = by!.count(-size, 1);
  if (step === 0) throw by!.wrong('a step');
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const end = (given: JsonPart, otherwise: number) => {
    if (given.missing) return otherwise;
    const place = given.count(Number.MIN_SAFE_INTEGER);
    return Math.min(high, Math.max(low, place < 0 ? place + size : place));
  };
  const start = end(from!, step > 0 ? 0 : size - 1);
  const count = Math.max(0, Math.ceil((end(to!, step > 0 ? size : -1) - start) / step));
  if (count === 0) throw part.wrong('a slice that leaves something');
  return { start, step, count, drop: false };
}

/** `ops.stack(channels, axis=-1)` of images without channels. */
export const stack: Translator = (making) => {
  const [shape] = making.shapes;
  const axis = making.config.at('axis').count(-8, 0);
  if (axis !== -1 && axis !== shape!.length) {
    throw making.config.at('axis').wrong('the last axis', undefined, 'Use Concatenate.');
  }
  if (making.shapes.length < 2) throw refusal(making, 'several inputs', '1', 'Use Reshape.');
  const targetShape = [...shape!.slice(1), 1];
  const wider = making.make('Reshape', { targetShape }, 'channel');
  const whole = making.make('Concatenate', { axis: -1 });
  return (inputs) =>
    apply(
      whole,
      inputs.map((input) => apply(wider, input)),
    );
};
