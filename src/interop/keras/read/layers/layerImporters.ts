import { createLayerError, type LayerImporter } from '../structure/importContext.js';
import { isTensorReference } from '../structure/inboundNodes.js';
import type { KerasLayer } from '../structure/modelStructure.js';
import { ACTIVATION_IMPORTERS } from './activationLayers.js';
import { CONV_AND_POOL_IMPORTERS } from './convAndPoolLayers.js';
import { DENSE_AND_RESHAPING_IMPORTERS } from './denseAndReshapingLayers.js';
import { MERGE_IMPORTERS } from './mergeLayers.js';
import { NORMALIZATION_IMPORTERS } from './normalizationLayers.js';
import { importTFOpLambda, OPERATION_IMPORTERS } from './operations.js';
import { RANDOM_IMPORTERS } from './randomLayers.js';
import { importGetItem } from './sliceOperations.js';

/** Importers of Keras layers, keyed by class name. */
export const LAYER_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  ...CONV_AND_POOL_IMPORTERS,
  ...DENSE_AND_RESHAPING_IMPORTERS,
  ...ACTIVATION_IMPORTERS,
  ...NORMALIZATION_IMPORTERS,
  ...MERGE_IMPORTERS,
  ...RANDOM_IMPORTERS,
  TFOpLambda: importTFOpLambda,
  SlicingOpLambda: importGetItem,
};

const getImporter = (table: { readonly [className: string]: LayerImporter }, className: string) =>
  Object.hasOwn(table, className) ? table[className] : undefined;

/**
 * Returns the importer for a Keras layer or operation. Because the operation `x * 2` has the same class name as the layer `Multiply`, an
 * operation is recognized by its Python module or by a constant operand.
 *
 * @throws A `file` error if TensorFlow.js layers cannot express the class.
 */
export function findLayerImporter(layer: KerasLayer): LayerImporter {
  const { className, module, calls } = layer;
  const hasConstant = calls.some(({ operands }) => !operands.every(isTensorReference));
  const operationImporter = getImporter(OPERATION_IMPORTERS, className);
  if (operationImporter && (hasConstant || /\bops\b/.test(module))) return operationImporter;
  const layerImporter = getImporter(LAYER_IMPORTERS, className) ?? operationImporter;
  if (layerImporter && (!hasConstant || className === 'TFOpLambda')) return layerImporter;
  throw createLayerError(
    { layer },
    'an image layer that TensorFlow.js supports',
    hasConstant && layerImporter ? `${className} with a constant operand` : className,
    `Register a function that creates the layer: layers: { ${/^\w+$/.test(className) ? className : `'${className}'`}: (config, name) => layer }.`,
  );
}
