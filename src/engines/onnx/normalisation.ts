import { channelsOf, layoutOf } from './channels.js';
import { batchNormGradient, batchNormTraining } from './gradients.js';
import type { Mapping } from './graph.js';
import type { Operation, Operations } from './operations.js';

/** With statistics that are given: one factor and one number to add for each channel. */
const batchNorm: Operation = (mapping) => {
  const { call, node, input, optional, floats, attribute } = mapping;
  const { of, affine, done } = channelsOf(mapping, 'x');
  const channels = call.inputs.x!.shape.at(-1)!;
  const epsilon = attribute<number>('varianceEpsilon') ?? 0.001;
  const all = (value: number) => floats(Array<number>(channels).fill(value), [channels]);
  const scale = optional('scale') ?? all(1);
  const offset = optional('offset') ?? all(0);
  const perChannel = ['mean', 'variance', 'scale', 'offset'].every(
    (name) => (call.inputs[name]?.shape ?? [channels]).join() === `${channels}`,
  );
  if (!perChannel) return unlikeChannels(mapping, epsilon);
  if (call.inputs.x!.shape.length === 4 && layoutOf(mapping, channels) === 'first') {
    // By this name ONNX Runtime knows it, and makes it part of the convolutions around it.
    const statistics = [scale, offset, input('mean'), input('variance')];
    return done(node('BatchNormalization', [of('x'), ...statistics], { epsilon: { float: epsilon } }));
  }
  const deviation = node('Sqrt', [node('Add', [input('variance'), floats([epsilon])])]);
  const factor = node('Div', [scale, deviation]);
  return done(affine(of('x'), factor, node('Sub', [offset, node('Mul', [input('mean'), factor])])));
};

/** Statistics of another shape than one number a channel. */
function unlikeChannels({ node, input, optional, floats }: Mapping, epsilon: number): string {
  const deviation = node('Sqrt', [node('Add', [input('variance'), floats([epsilon])])]);
  const normalised = node('Div', [node('Sub', [input('x'), input('mean')]), deviation]);
  const scale = optional('scale');
  const offset = optional('offset');
  const scaled = scale === undefined ? normalised : node('Mul', [normalised, scale]);
  return offset === undefined ? scaled : node('Add', [scaled, offset]);
}

/** For every channel, the sum of `value` over its neighbours: a product with a band of ones. */
function neighbours({ node, floats, attribute, call }: Mapping, value: string): string {
  const channels = call.outputs[0]!.shape.at(-1)!;
  const radius = attribute<number>('depthRadius');
  const band = Array.from({ length: channels * channels }, (_, i) =>
    Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? 1 : 0,
  );
  return node('MatMul', [value, floats(band, [channels, channels])]);
}

/** `bias + alpha · the sum of squares of x around each channel` (A. Krizhevsky et al. 2012, section 3.3). */
function localNorm(mapping: Mapping): string {
  const { node, input, floats, attribute } = mapping;
  const squares = neighbours(mapping, node('Mul', [input('x'), input('x')]));
  const scaled = node('Mul', [squares, floats([attribute<number>('alpha')])]);
  return node('Add', [scaled, floats([attribute<number>('bias')])]);
}

const localResponse: Operation = (mapping) => {
  const { node, input, floats, attribute } = mapping;
  return node('Mul', [input('x'), node('Pow', [localNorm(mapping), floats([-attribute<number>('beta')])])]);
};

const localResponseGradient: Operation = (mapping) => {
  const { node, input, floats, attribute } = mapping;
  const [alpha, beta] = [attribute<number>('alpha'), attribute<number>('beta')];
  const norm = localNorm(mapping);
  const own = node('Mul', [input('dy'), node('Pow', [norm, floats([-beta])])]);
  const shares = neighbours(mapping, node('Div', [node('Mul', [input('dy'), input('y')]), norm]));
  const others = node('Mul', [node('Mul', [input('x'), floats([2 * alpha * beta])]), shares]);
  return node('Sub', [own, others]);
};

/** Kernels that bring numbers to a common scale. */
export const normalisation: Operations = {
  FusedBatchNorm: batchNorm,
  MultitaskBatchNorm: batchNormTraining,
  MultitaskBatchNormGradient: batchNormGradient,
  LRN: localResponse,
  LRNGrad: localResponseGradient,
};
