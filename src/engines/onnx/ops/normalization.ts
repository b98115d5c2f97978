import type { LoweringContext } from '../lower/traceLowering.js';
import { chooseImageLayout, createChannelOps } from './context/channelOps.js';
import { lowerBatchNormGradient, lowerBatchNormTraining } from './gradients/batchNorm.js';
import type { OpLowering, OpTable } from './opRegistry.js';

/** With statistics that are given: one factor and one number to add for each channel. */
const lowerBatchNorm: OpLowering = (mapping) => {
  const { call, addNode, getInput, getOptionalInput, addFloats, getAttribute } = mapping;
  const { getValues, addAffine, markResult } = createChannelOps(mapping, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  const epsilon = getAttribute<number>('varianceEpsilon') ?? 0.001;
  const all = (value: number) => addFloats(Array<number>(channels).fill(value), [channels]);
  const scale = getOptionalInput('scale') ?? all(1);
  const offset = getOptionalInput('offset') ?? all(0);
  const perChannel = ['mean', 'variance', 'scale', 'offset'].every(
    (name) => (call.inputs[name]?.shape ?? [channels]).join() === `${channels}`,
  );
  if (!perChannel) return addBroadcastBatchNorm(mapping, epsilon);
  if (call.inputs.x!.shape.length === 4 && chooseImageLayout(mapping, channels) === 'first') {
    // By this name ONNX Runtime knows it, and makes it part of the convolutions around it.
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

/** Statistics of another shape than one number a channel. */
function addBroadcastBatchNorm(
  { addNode, getInput, getOptionalInput, addFloats }: LoweringContext,
  epsilon: number,
): string {
  const deviation = addNode('Sqrt', [addNode('Add', [getInput('variance'), addFloats([epsilon])])]);
  const normalised = addNode('Div', [addNode('Sub', [getInput('x'), getInput('mean')]), deviation]);
  const scale = getOptionalInput('scale');
  const offset = getOptionalInput('offset');
  const scaled = scale === undefined ? normalised : addNode('Mul', [normalised, scale]);
  return offset === undefined ? scaled : addNode('Add', [scaled, offset]);
}

/** For every channel, the sum of `value` over its neighbours: a product with a band of ones. */
function addNeighborSum({ addNode, addFloats, getAttribute, call }: LoweringContext, value: string): string {
  const channels = call.outputs[0]!.shape.at(-1)!;
  const radius = getAttribute<number>('depthRadius');
  const band = Array.from({ length: channels * channels }, (_, i) =>
    Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? 1 : 0,
  );
  return addNode('MatMul', [value, addFloats(band, [channels, channels])]);
}

/** `bias + alpha · the sum of squares of x around each channel` (A. Krizhevsky et al. 2012, section 3.3). */
function addLocalNorm(mapping: LoweringContext): string {
  const { addNode, getInput, addFloats, getAttribute } = mapping;
  const squares = addNeighborSum(mapping, addNode('Mul', [getInput('x'), getInput('x')]));
  const scaled = addNode('Mul', [squares, addFloats([getAttribute<number>('alpha')])]);
  return addNode('Add', [scaled, addFloats([getAttribute<number>('bias')])]);
}

const lowerLocalResponseNorm: OpLowering = (mapping) => {
  const { addNode, getInput, addFloats, getAttribute } = mapping;
  return addNode('Mul', [
    getInput('x'),
    addNode('Pow', [addLocalNorm(mapping), addFloats([-getAttribute<number>('beta')])]),
  ]);
};

const lowerLocalResponseNormGradient: OpLowering = (mapping) => {
  const { addNode, getInput, addFloats, getAttribute } = mapping;
  const [alpha, beta] = [getAttribute<number>('alpha'), getAttribute<number>('beta')];
  const norm = addLocalNorm(mapping);
  const own = addNode('Mul', [getInput('dy'), addNode('Pow', [norm, addFloats([-beta])])]);
  const shares = addNeighborSum(
    mapping,
    addNode('Div', [addNode('Mul', [getInput('dy'), getInput('y')]), norm]),
  );
  const others = addNode('Mul', [addNode('Mul', [getInput('x'), addFloats([2 * alpha * beta])]), shares]);
  return addNode('Sub', [own, others]);
};

/** Kernels that bring numbers to a common scale. */
export const normalizationOps: OpTable = {
  FusedBatchNorm: lowerBatchNorm,
  MultitaskBatchNorm: lowerBatchNormTraining,
  MultitaskBatchNormGradient: lowerBatchNormGradient,
  LRN: lowerLocalResponseNorm,
  LRNGrad: lowerLocalResponseNormGradient,
};
