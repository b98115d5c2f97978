import {
  type ApplyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
  type LayerWithWeights,
  passThrough,
} from '../structure/importContext.js';
import { isTensorReference } from '../structure/inboundNodes.js';
import { ACTIVATION_IMPORTERS, importNamedActivation } from './activationLayers.js';
import { createAffineLayer } from './affineLayer.js';
import { CONV_AND_POOL_IMPORTERS } from './convAndPoolLayers.js';
import { DENSE_AND_RESHAPING_IMPORTERS } from './denseAndReshapingLayers.js';
import { importSubtract, MERGE_IMPORTERS } from './mergeLayers.js';
import { importGetItem, importStack } from './sliceOperations.js';

const OPERATION_ADVICE = 'Build the model from layers, or register the operation with the `layers` option.';

/** Returns the constant operand of an operation, and whether it is the first operand. Returns undefined if all operands are tensors. */
function findConstant(context: ImportContext): { numbers: readonly number[]; first: boolean } | undefined {
  const [call, ...more] = context.layer.calls;
  const operands = call?.operands ?? [];
  const at = operands.findIndex((operand) => !isTensorReference(operand));
  const constant = operands[at];
  if (!constant || isTensorReference(constant)) return undefined;
  if (operands.length !== 2 || more.length > 0) {
    throw createLayerError(
      context,
      'an operation that is called once, with one tensor and one constant',
      more.length > 0
        ? 'an operation that is called several times'
        : `an operation with ${operands.length} operands`,
      OPERATION_ADVICE,
    );
  }
  return { numbers: [constant.constant].flat(), first: at === 0 };
}

/** Creates a layer that computes `x · scale + offset`. `scale` and `offset` contain one number, or one number per channel. */
function createScaleLayer(
  context: ImportContext,
  scale: readonly number[],
  offset: readonly number[],
): ApplyLayer | LayerWithWeights {
  if (scale.length === 1 && offset.length === 1) {
    return createApply(context.createLayer('Rescaling', { scale: scale[0], offset: offset[0] }));
  }
  return createAffineLayer(context, [], () => [Float32Array.from(scale), Float32Array.from(offset)]);
}

const importAddOperation: LayerImporter = (context) => {
  const constant = findConstant(context);
  return constant
    ? createScaleLayer(context, [1], constant.numbers)
    : createApply(context.createLayer('Add', {}));
};

const importSubtractOperation: LayerImporter = (context) => {
  const constant = findConstant(context);
  if (!constant) return importSubtract(context);
  const { numbers, first } = constant;
  return first
    ? createScaleLayer(context, [-1], numbers)
    : createScaleLayer(
        context,
        [1],
        numbers.map((number) => -number),
      );
};

const importMultiplyOperation: LayerImporter = (context) => {
  const constant = findConstant(context);
  return constant
    ? createScaleLayer(context, constant.numbers, [0])
    : createApply(context.createLayer('Multiply', {}));
};

const importDivideOperation: LayerImporter = (context) => {
  const constant = findConstant(context);
  if (!constant || constant.first || constant.numbers.includes(0)) {
    throw createLayerError(
      context,
      'a division of a tensor by a constant',
      'a division by a tensor or by 0',
      OPERATION_ADVICE,
    );
  }
  return createScaleLayer(
    context,
    constant.numbers.map((number) => 1 / number),
    [0],
  );
};

const createMergeOperationImporter =
  (className: string): LayerImporter =>
  (context) => {
    if (findConstant(context))
      throw createLayerError(
        context,
        `${className} with two tensors as inputs`,
        `${className} with a tensor and a constant as inputs`,
        OPERATION_ADVICE,
      );
    return createApply(context.createLayer(className, {}));
  };

/** Creates an importer that replaces a mean or maximum over the rows and columns of an image with global pooling. */
const createReductionImporter =
  (className: string): LayerImporter =>
  (context) => {
    const axes = context.config.at('axis');
    const [rows, columns, ...more] = axes.isList ? axes.items().map((axis) => axis.asInteger(-8)) : [];
    const isImage = context.inputShapes[0]!.length === 4 && more.length === 0;
    if (!isImage || !['1 2', '-3 -2'].includes(`${rows} ${columns}`)) {
      throw axes.createError('the axes [1, 2] (rows and columns of an image)', undefined, OPERATION_ADVICE);
    }
    return CONV_AND_POOL_IMPORTERS[className]!(context);
  };

const createActivationImporter =
  (name: string): LayerImporter =>
  (context) =>
    importNamedActivation(context, name);

/** Importers of Keras 3 operations, such as `x * 2` and `ops.relu(x)`, keyed by class name. */
export const OPERATION_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Add: importAddOperation,
  Subtract: importSubtractOperation,
  Multiply: importMultiplyOperation,
  Divide: importDivideOperation,
  TrueDivide: importDivideOperation,
  Negative: (context) => createApply(context.createLayer('Rescaling', { scale: -1, offset: 0 })),
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

/** Importers of Keras 2 operations, which are stored as `TFOpLambda` layers, keyed by function name, for example `math.multiply`. */
const KERAS2_OPERATION_IMPORTERS: { readonly [name: string]: LayerImporter } = {
  'math.add': importAddOperation,
  '__operators__.add': importAddOperation,
  'math.subtract': importSubtractOperation,
  'math.multiply': importMultiplyOperation,
  'math.truediv': importDivideOperation,
  'math.divide': importDivideOperation,
  'nn.bias_add': importAddOperation,
  'math.negative': (context) => createApply(context.createLayer('Rescaling', { scale: -1, offset: 0 })),
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

/** Imports a `TFOpLambda` layer, which represents an operation in Keras 2. */
export const importTFOpLambda: LayerImporter = (context) => {
  const name = context.config.at('function').asText();
  const importer = Object.hasOwn(KERAS2_OPERATION_IMPORTERS, name)
    ? KERAS2_OPERATION_IMPORTERS[name]
    : undefined;
  if (!importer)
    throw createLayerError(
      context,
      'an operation that TensorFlow.js layers can compute',
      `the operation ${name}`,
      OPERATION_ADVICE,
    );
  return importer(context);
};
