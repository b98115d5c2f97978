import { countElements } from '../../../../core/arrays.js';
import {
  checkChannelsLast,
  createApply,
  type LayerImporter,
  passThrough,
} from '../structure/importContext.js';
import { readWeightConfig } from '../structure/weightConfig.js';
import { importWithActivation } from './activationLayers.js';

const importDense: LayerImporter = (context) => {
  const args = {
    units: context.config.at('units').asInteger(),
    useBias: context.config.at('use_bias').asBoolean(true),
    ...readWeightConfig(context, 'kernel', 'bias'),
  };
  return importWithActivation(context, (activation, part) =>
    context.createLayer('Dense', { ...args, activation }, part),
  );
};

const importFlatten: LayerImporter = (context) => {
  checkChannelsLast(context);
  return context.inputShapes[0]!.length < 3 ? passThrough : createApply(context.createLayer('Flatten', {}));
};

/**
 * Imports the Keras layer `Reshape` or the operation `ops.reshape`. TensorFlow.js replaces a size of -1 only when it runs the model, so the
 * importer computes this size from the input shape in advance. The target shape of `ops.reshape` includes the batch dimension, which must
 * be -1.
 */
const importReshape: LayerImporter = (context) => {
  const { config, createLayer, inputShapes } = context;
  const target = config.atAny('target_shape', 'newshape');
  const sizes = target.items().map((size) => size.asInteger(-1));
  const isOperation = config.at('target_shape').isMissing;
  if (isOperation && sizes[0] !== -1) throw target.createError('-1 as the first size, the batch size');
  const inputShape = inputShapes[0]!.slice(1);
  const targetShape = computeTargetShape(inputShape, isOperation ? sizes.slice(1) : sizes);
  if (targetShape) return createApply(createLayer('Reshape', { targetShape }));
  throw target.createError(
    `a shape for the ${inputShape.join('x')} numbers of each input`,
    undefined,
    'Save the model again with Keras.',
  );
};

/**
 * Returns the target shape, in which -1 is replaced with the computed size. If the input has a variable size, -1 remains. Returns undefined
 * if the input cannot be reshaped to the target shape.
 */
function computeTargetShape(
  inputShape: readonly (number | null)[],
  sizes: readonly number[],
): readonly number[] | undefined {
  const knownCount = countElements(sizes.filter((size) => size !== -1));
  const unknownSizes = sizes.filter((size) => size === -1).length;
  if (unknownSizes > 1 || knownCount === 0) return undefined;
  if (inputShape.includes(null)) return sizes;
  const missing = countElements(inputShape as readonly number[]) / knownCount;
  if (unknownSizes === 0) return missing === 1 ? sizes : undefined;
  return Number.isInteger(missing) ? sizes.map((size) => (size === -1 ? missing : size)) : undefined;
}

const importPermute: LayerImporter = ({ config, createLayer }) =>
  createApply(
    createLayer('Permute', {
      dims: config
        .at('dims')
        .items()
        .map((axis) => axis.asInteger()),
    }),
  );

/** Importers of dense and reshaping layers, keyed by Keras class name. */
export const DENSE_AND_RESHAPING_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Dense: importDense,
  Flatten: importFlatten,
  Reshape: importReshape,
  Permute: importPermute,
  RepeatVector: ({ config, createLayer }) =>
    createApply(createLayer('RepeatVector', { n: config.at('n').asInteger() })),
  Identity: () => passThrough,
};
