import { batchNormGradient, batchNormTraining } from './gradients.js';
import type { Mapping } from './graph.js';
import type { Operation, Operations } from './operations.js';

const batchNorm: Operation = ({ node, input, optional, floats, attribute }) => {
  const deviation = node('Sqrt', [
    node('Add', [input('variance'), floats([attribute<number>('varianceEpsilon') ?? 0.001])]),
  ]);
  const normalised = node('Div', [node('Sub', [input('x'), input('mean')]), deviation]);
  const scale = optional('scale');
  const offset = optional('offset');
  const scaled = scale === undefined ? normalised : node('Mul', [normalised, scale]);
  return offset === undefined ? scaled : node('Add', [scaled, offset]);
};

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
