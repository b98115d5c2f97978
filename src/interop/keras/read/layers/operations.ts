import {
  type ApplyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
  type LayerWithWeights,
  passThrough,
} from '../importContext.js';
import { isTensorReference } from '../inboundNodes.js';
import { ACTIVATION_IMPORTERS, importNamedActivation } from './activationLayers.js';
import { createAffineLayer } from './affineLayer.js';
import { CONV_AND_POOL_IMPORTERS } from './convAndPoolLayers.js';
import { DENSE_AND_RESHAPING_IMPORTERS } from './denseAndReshapingLayers.js';
import { importSubtract, MERGE_IMPORTERS } from './mergeLayers.js';
import { importGetItem, importStack } from './sliceOperations.js';

const OPERATION_ADVICE = 'Build the model from layers, or register the operation with `layers`.';

/**
 * Finds the constant of the first call, and whether it is the first operand. Returns undefined if all
 * operands are tensors.
 */
function findConstant(making: ImportContext): { numbers: readonly number[]; first: boolean } | undefined {
  const [call, ...more] = making.layer.calls;
  const operands = call?.operands ?? [];
  const at = operands.findIndex((operand) => !isTensorReference(operand));
  const constant = operands[at];
  if (!constant || isTensorReference(constant)) return undefined;
  if (operands.length !== 2 || more.length > 0) {
    throw createLayerError(
      making,
      'one tensor and one constant',
      `${operands.length} operands`,
      OPERATION_ADVICE,
    );
  }
  return { numbers: [constant.constant].flat(), first: at === 0 };
}

/** Creates `x · scale + offset`, with one number each, or one per channel. */
function createScaleLayer(
  making: ImportContext,
  scale: readonly number[],
  offset: readonly number[],
): ApplyLayer | LayerWithWeights {
  if (scale.length === 1 && offset.length === 1) {
    return createApply(making.createLayer('Rescaling', { scale: scale[0], offset: offset[0] }));
  }
  return createAffineLayer(making, [], () => [Float32Array.from(scale), Float32Array.from(offset)]);
}

const importAddOperation: LayerImporter = (making) => {
  const constant = findConstant(making);
  return constant
    ? createScaleLayer(making, [1], constant.numbers)
    : createApply(making.createLayer('Add', {}));
};

const importSubtractOperation: LayerImporter = (making) => {
  const constant = findConstant(making);
  if (!constant) return importSubtract(making);
  const { numbers, first } = constant;
  return first
    ? createScaleLayer(making, [-1], numbers)
    : createScaleLayer(
        making,
        [1],
        numbers.map((number) => -number),
      );
};

const importMultiplyOperation: LayerImporter = (making) => {
  const constant = findConstant(making);
  return constant
    ? createScaleLayer(making, constant.numbers, [0])
    : createApply(making.createLayer('Multiply', {}));
};

const importDivideOperation: LayerImporter = (making) => {
  const constant = findConstant(making);
  if (!constant || constant.first || constant.numbers.includes(0)) {
    throw createLayerError(making, 'a division by numbers', 'another', OPERATION_ADVICE);
  }
  return createScaleLayer(
    making,
    constant.numbers.map((number) => 1 / number),
    [0],
  );
};

const createMergeOperationImporter =
  (className: string): LayerImporter =>
  (making) => {
    if (findConstant(making))
      throw createLayerError(making, `${className} of two tensors`, 'a constant', OPERATION_ADVICE);
    return createApply(making.createLayer(className, {}));
  };

/** Imports a reduction over rows and columns of an image, which is a global pooling. */
const createReductionImporter =
  (className: string): LayerImporter =>
  (making) => {
    const axes = making.config.at('axis');
    const [rows, columns, ...more] = axes.isList ? axes.items().map((axis) => axis.asInteger(-8)) : [];
    const image = making.inputShapes[0]!.length === 4 && more.length === 0;
    if (!image || !['1 2', '-3 -2'].includes(`${rows} ${columns}`)) {
      throw axes.createError('rows and columns of an image: [1, 2]', undefined, OPERATION_ADVICE);
    }
    return CONV_AND_POOL_IMPORTERS[className]!(making);
  };

const createActivationImporter =
  (word: string): LayerImporter =>
  (making) =>
    importNamedActivation(making, word);

/** Importers of Keras 3 operations by class. `x * 2` and `ops.relu(x)` result in such operations. */
export const OPERATION_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Add: importAddOperation,
  Subtract: importSubtractOperation,
  Multiply: importMultiplyOperation,
  Divide: importDivideOperation,
  TrueDivide: importDivideOperation,
  Negative: (making) => createApply(making.createLayer('Rescaling', { scale: -1, offset: 0 })),
  Maximum: createMergeOperationImporter('Maximum'),
  Minimum: createMergeOperationImporter('Minimum'),
  Relu: createActivationImporter('relu'),
  Relu6: createActivationImporter('relu6'),
  Sigmoid: createActivationImporter('sigmoid'),
  Silu: createActivationImporter('silu'),
  Tanh: createActivationImporter('tanh'),
  Softplus: createActivationImporter('softplus'),
  Softsign: createActivationImporter('softsign'),
  Selu: createActivationImporter('selu'),
  HardSigmoid: createActivationImporter('hard_sigmoid'),
  HardSilu: createActivationImporter('hard_silu'),
  Softmax: ACTIVATION_IMPORTERS.Softmax!,
  Concatenate: MERGE_IMPORTERS.Concatenate!,
  Reshape: DENSE_AND_RESHAPING_IMPORTERS.Reshape!,
  Mean: createReductionImporter('GlobalAveragePooling2D'),
  Max: createReductionImporter('GlobalMaxPooling2D'),
  GetItem: importGetItem,
  Stack: importStack,
};

/** Importers of Keras 2 operations by function name: `TFOpLambda` with `math.multiply`. */
const KERAS2_OPERATION_IMPORTERS: { readonly [name: string]: LayerImporter } = {
  'math.add': importAddOperation,
  '__operators__.add': importAddOperation,
  'math.subtract': importSubtractOperation,
  'math.multiply': importMultiplyOperation,
  'math.truediv': importDivideOperation,
  'math.divide': importDivideOperation,
  'nn.bias_add': importAddOperation,
  'math.negative': (making) => createApply(making.createLayer('Rescaling', { scale: -1, offset: 0 })),
  'math.maximum': createMergeOperationImporter('Maximum'),
  'math.minimum': createMergeOperationImporter('Minimum'),
  'nn.relu': createActivationImporter('relu'),
  'nn.relu6': createActivationImporter('relu6'),
  'math.sigmoid': createActivationImporter('sigmoid'),
  'math.tanh': createActivationImporter('tanh'),
  'nn.silu': createActivationImporter('silu'),
  cast: () => passThrough,
  identity: () => passThrough,
};

/** Imports `TFOpLambda` of Keras 2. */
export const importTFOpLambda: LayerImporter = (making) => {
  const name = making.config.at('function').asText();
  const translator = Object.hasOwn(KERAS2_OPERATION_IMPORTERS, name)
    ? KERAS2_OPERATION_IMPORTERS[name]
    : undefined;
  if (!translator)
    throw createLayerError(making, 'an operation that a stock layer says', name, OPERATION_ADVICE);
  return translator(making);
};
