import type { LoweringContext } from './loweringContext.js';

/**
 * Adds the activation of a fused kernel, such as a convolution with ReLU, after `value`. Returns `value` unchanged if the kernel has no
 * activation.
 */
export function addActivation(
  { addNode, getAttribute, getOptionalInput, addFloats }: LoweringContext,
  value: string,
): string {
  const activation = getAttribute<string | undefined>('activation') ?? 'linear';
  switch (activation) {
    case 'linear':
      return value;
    case 'relu6':
      return addNode('Clip', [value, addFloats([0]), addFloats([6])]);
    case 'leakyrelu':
      return addNode('LeakyRelu', [value], {
        alpha: { float: getAttribute<number>('leakyreluAlpha') ?? 0.2 },
      });
    case 'prelu':
      return addNode('PRelu', [value, getOptionalInput('preluActivationWeights')!]);
    default:
      return addNode(activation[0]!.toUpperCase() + activation.slice(1), [value]); // relu, sigmoid, elu
  }
}
