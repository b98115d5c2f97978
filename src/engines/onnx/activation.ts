import type { Mapping } from './graph.js';

/** What follows a fused kernel: `value` through the activation that its attributes name. */
export function activated({ node, attribute, optional, floats }: Mapping, value: string): string {
  const activation = attribute<string | undefined>('activation') ?? 'linear';
  switch (activation) {
    case 'linear':
      return value;
    case 'relu6':
      return node('Clip', [value, floats([0]), floats([6])]);
    case 'leakyrelu':
      return node('LeakyRelu', [value], { alpha: { float: attribute<number>('leakyreluAlpha') ?? 0.2 } });
    case 'prelu':
      return node('PRelu', [value, optional('preluActivationWeights')!]);
    default:
      return node(activation[0]!.toUpperCase() + activation.slice(1), [value]); // relu, sigmoid, elu
  }
}
