import {
  applyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
} from '../structure/importContext.js';

const createMergeImporter =
  (className: string): LayerImporter =>
  (context) => {
    checkSeveralInputs(context);
    return createApply(context.createLayer(className, {}));
  };

function checkSeveralInputs(context: ImportContext): void {
  if (context.inputShapes.length > 1) return;
  throw createLayerError(
    context,
    'at least two inputs',
    'only one input',
    'Save the model again with Keras.',
  );
}

/** Imports `a - b` as `a + (-1) · b`, because TensorFlow.js has no layer for subtraction. */
export const importSubtract: LayerImporter = (context) => {
  checkSeveralInputs(context);
  const negate = context.createLayer('Rescaling', { scale: -1, offset: 0 }, 'negative');
  const sum = context.createLayer('Add', {});
  return ([a, b]) => applyLayer(sum, [a!, applyLayer(negate, b!)]);
};

const importConcatenate: LayerImporter = (context) => {
  checkSeveralInputs(context);
  return createApply(
    context.createLayer('Concatenate', { axis: context.config.at('axis').asInteger(-8, -1) }),
  );
};

const importDot: LayerImporter = (context) => {
  checkSeveralInputs(context);
  const axes = context.config.at('axes');
  return createApply(
    context.createLayer('Dot', {
      axes: axes.isList ? axes.items().map((axis) => axis.asInteger(-8)) : axes.asInteger(-8),
      normalize: context.config.at('normalize').asBoolean(false),
    }),
  );
};

/** Importers of layers that merge several tensors into one, keyed by Keras class name. */
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
