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
 * Imports the Keras `Reshape` layer or the `ops.reshape` operation. The shape argument of the operation includes the batch dimension,
 * which must be -1.
 */
const importReshape: LayerImporter = ({ config, createLayer }) => {
  const target = config.atAny('target_shape', 'newshape');
  const sizes = target.items().map((size) => size.asInteger(-1));
  const isOperation = config.at('target_shape').isMissing;
  if (isOperation && sizes[0] !== -1) throw target.createError('-1 as the first size, the batch size');
  return createApply(createLayer('Reshape', { targetShape: isOperation ? sizes.slice(1) : sizes }));
};

const importPermute: LayerImporter = ({ config, createLayer }) =>
  createApply(
    createLayer('Permute', {
      dims: config
        .at('dims')
        .items()
        .map((axis) => axis.asInteger()),
    }),
  );

/** Importers of dense and reshaping layers. */
export const DENSE_AND_RESHAPING_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Dense: importDense,
  Flatten: importFlatten,
  Reshape: importReshape,
  Permute: importPermute,
  RepeatVector: ({ config, createLayer }) =>
    createApply(createLayer('RepeatVector', { n: config.at('n').asInteger() })),
  Identity: () => passThrough,
};
