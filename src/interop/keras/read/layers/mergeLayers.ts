import {
  applyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
} from '../importContext.js';

const createMergeImporter =
  (className: string): LayerImporter =>
  (making) => {
    checkSeveralInputs(making);
    return createApply(making.createLayer(className, {}));
  };

function checkSeveralInputs(making: ImportContext): void {
  if (making.inputShapes.length > 1) return;
  throw createLayerError(
    making,
    'at least two inputs',
    `${making.inputShapes.length}`,
    'Save the model anew with Keras.',
  );
}

/** Imports `a - b` as `a + (-1) · b`, because TensorFlow.js has no layer for subtraction. */
export const importSubtract: LayerImporter = (making) => {
  checkSeveralInputs(making);
  const negative = making.createLayer('Rescaling', { scale: -1, offset: 0 }, 'negative');
  const sum = making.createLayer('Add', {});
  return ([a, b]) => applyLayer(sum, [a!, applyLayer(negative, b!)]);
};

const importConcatenate: LayerImporter = (making) => {
  checkSeveralInputs(making);
  return createApply(making.createLayer('Concatenate', { axis: making.config.at('axis').asInteger(-8, -1) }));
};

const importDot: LayerImporter = (making) => {
  checkSeveralInputs(making);
  const axes = making.config.at('axes');
  return createApply(
    making.createLayer('Dot', {
      axes: axes.isList ? axes.items().map((axis) => axis.asInteger(-8)) : axes.asInteger(-8),
      normalize: making.config.at('normalize').asBoolean(false),
    }),
  );
};

/** Importers of layers that merge several tensors into one. */
export const MERGE_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Add: createMergeImporter('Add'),
  Multiply: createMergeImporter('Multiply'),
  Average: createMergeImporter('Average'),
  Maximum: createMergeImporter('Maximum'),
  Minimum: createMergeImporter('Minimum'),
  Subtract: importSubtract,
  Concatenate: importConcatenate,
  Dot: importDot,
};
