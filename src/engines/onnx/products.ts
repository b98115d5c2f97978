import { activated } from './activation.js';
import type { Operation, Operations } from './operations.js';

const matMul: Operation = (mapping) => {
  const { node, input, optional, attribute, call } = mapping;
  const side = (name: 'a' | 'b', turned: boolean) => {
    const rank = call.inputs[name]!.shape.length;
    const order = Array.from({ length: rank }, (_, i) => i);
    order.push(...order.splice(-2).reverse());
    return turned ? mapping.transposed(name, order) : input(name);
  };
  const product = node('MatMul', [
    side('a', attribute<boolean>('transposeA')),
    side('b', attribute<boolean>('transposeB')),
  ]);
  const bias = optional('bias');
  return activated(mapping, bias === undefined ? product : node('Add', [product, bias]));
};

/** Kernels that multiply matrices. */
export const products: Operations = {
  BatchMatMul: matMul,
  _FusedMatMul: matMul,
  Einsum: ({ node, input, attribute, call }) =>
    node(
      'Einsum',
      Object.keys(call.inputs).map((name) => input(name)),
      { equation: attribute<string>('equation') },
    ),
};
