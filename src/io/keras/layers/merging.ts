import { apply, applying, type Making, refusal, type Translator } from '../making.js';

const merging =
  (className: string): Translator =>
  (making) => {
    checkSeveral(making);
    return applying(making.make(className, {}));
  };

function checkSeveral(making: Making): void {
  if (making.shapes.length > 1) return;
  throw refusal(making, 'at least two inputs', `${making.shapes.length}`, 'Save the model anew with Keras.');
}

/** `a - b` as `a + (-1) · b`: TensorFlow.js has no layer for it. */
export const subtracting: Translator = (making) => {
  checkSeveral(making);
  const negative = making.make('Rescaling', { scale: -1, offset: 0 }, 'negative');
  const sum = making.make('Add', {});
  return ([a, b]) => apply(sum, [a!, apply(negative, b!)]);
};

const concatenate: Translator = (making) => {
  checkSeveral(making);
  return applying(making.make('Concatenate', { axis: making.config.at('axis').count(-8, -1) }));
};

const dot: Translator = (making) => {
  checkSeveral(making);
  const axes = making.config.at('axes');
  return applying(
    making.make('Dot', {
      axes: axes.isList ? axes.items().map((axis) => axis.count(-8)) : axes.count(-8),
      normalize: making.config.at('normalize').flag(false),
    }),
  );
};

/** Layers that make one tensor of several. */
export const MERGING_LAYERS: { readonly [className: string]: Translator } = {
  Add: merging('Add'),
  Multiply: merging('Multiply'),
  Average: merging('Average'),
  Maximum: merging('Maximum'),
  Minimum: merging('Minimum'),
  Subtract: subtracting,
  Concatenate: concatenate,
  Dot: dot,
};
