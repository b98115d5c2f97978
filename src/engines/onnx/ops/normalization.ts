import { chooseImageLayout, createChannelOps } from './context/channelOps.js';
import type { LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import { lowerBatchNormGradient, lowerBatchNormTraining } from './gradients/batchNorm.js';

/**
 * Lowers batch normalization with precomputed statistics, as in inference. The normalization becomes one multiplication and one addition
 * per channel.
 */
const lowerBatchNorm: OpLowering = (context) => {
  const { call, addNode, getInput, getOptionalInput, addFloats, getAttribute } = context;
  const { getValues, addAffine, markResult } = createChannelOps(context, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  const epsilon = getAttribute<number>('varianceEpsilon') ?? 0.001;
  const addConstant = (value: number) => addFloats(Array<number>(channels).fill(value), [channels]);
  const scale = getOptionalInput('scale') ?? addConstant(1);
  const offset = getOptionalInput('offset') ?? addConstant(0);
  const isPerChannel = ['mean', 'variance', 'scale', 'offset'].every(
    (name) => (call.inputs[name]?.shape ?? [channels]).join() === `${channels}`,
  );
  if (!isPerChannel) return addBroadcastBatchNorm(context, epsilon);
  if (call.inputs.x!.shape.length === 4 && chooseImageLayout(context, channels) === 'channelsFirst') {
    // ONNX Runtime fuses this node into the preceding convolution.
    const statistics = [scale, offset, getInput('mean'), getInput('variance')];
    return markResult(
      addNode('BatchNormalization', [getValues('x'), ...statistics], { epsilon: { float: epsilon } }),
    );
  }
  const deviation = addNode('Sqrt', [addNode('Add', [getInput('variance'), addFloats([epsilon])])]);
  const factor = addNode('Div', [scale, deviation]);
  return markResult(
    addAffine(getValues('x'), factor, addNode('Sub', [offset, addNode('Mul', [getInput('mean'), factor])])),
  );
};

/** Adds a batch normalization whose statistics have any shape that can be broadcast to `x`, instead of one number per channel. */
function addBroadcastBatchNorm(
  { addNode, getInput, getOptionalInput, addFloats }: LoweringContext,
  epsilon: number,
): string {
  const deviation = addNode('Sqrt', [addNode('Add', [getInput('variance'), addFloats([epsilon])])]);
  const normalized = addNode('Div', [addNode('Sub', [getInput('x'), getInput('mean')]), deviation]);
  const scale = getOptionalInput('scale');
  const offset = getOptionalInput('offset');
  const scaled = scale === undefined ? normalized : addNode('Mul', [normalized, scale]);
  return offset === undefined ? scaled : addNode('Add', [scaled, offset]);
}

/** Adds nodes that sum, for each channel, `value` over the neighboring channels. The sum is a product with a band matrix of ones. */
function addNeighborSum({ addNode, addFloats, getAttribute, call }: LoweringContext, value: string): string {
  const channels = call.outputs[0]!.shape.at(-1)!;
  const radius = getAttribute<number>('depthRadius');
  const band = Array.from({ length: channels * channels }, (_, i) =>
    Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? 1 : 0,
  );
  return addNode('MatMul', [value, addFloats(band, [channels, channels])]);
}

/**
 * Adds nodes for the denominator of local response normalization before the exponent: `bias + alpha * (sum of the squares of x over
 * neighboring channels)` (A. Krizhevsky et al. 2012, section 3.3).
 */
function addLocalNorm(context: LoweringContext): string {
  const { addNode, getInput, addFloats, getAttribute } = context;
  const squares = addNeighborSum(context, addNode('Mul', [getInput('x'), getInput('x')]));
  const scaled = addNode('Mul', [squares, addFloats([getAttribute<number>('alpha')])]);
  return addNode('Add', [scaled, addFloats([getAttribute<number>('bias')])]);
}

const lowerLocalResponseNorm: OpLowering = (context) => {
  const { addNode, getInput, addFloats, getAttribute } = context;
  return addNode('Mul', [
    getInput('x'),
    addNode('Pow', [addLocalNorm(context), addFloats([-getAttribute<number>('beta')])]),
  ]);
};

const lowerLocalResponseNormGradient: OpLowering = (context) => {
  const { addNode, getInput, addFloats, getAttribute } = context;
  const [alpha, beta] = [getAttribute<number>('alpha'), getAttribute<number>('beta')];
  const norm = addLocalNorm(context);
  const direct = addNode('Mul', [getInput('dy'), addNode('Pow', [norm, addFloats([-beta])])]);
  const neighborSum = addNeighborSum(
    context,
    addNode('Div', [addNode('Mul', [getInput('dy'), getInput('y')]), norm]),
  );
  const throughNeighbors = addNode('Mul', [
    addNode('Mul', [getInput('x'), addFloats([2 * alpha * beta])]),
    neighborSum,
  ]);
  return addNode('Sub', [direct, throughNeighbors]);
};

/** Lowerings of the normalization kernels. */
export const normalizationOps: OpTable = {
  FusedBatchNorm: lowerBatchNorm,
  MultitaskBatchNorm: lowerBatchNormTraining,
  MultitaskBatchNormGradient: lowerBatchNormGradient,
  LRN: lowerLocalResponseNorm,
  LRNGrad: lowerLocalResponseNormGradient,
};
