import { addActivation } from './context/activation.js';
import type { OpLowering, OpTable } from './opRegistry.js';

const lowerMatMul: OpLowering = (mapping) => {
  const { addNode, getInput, getOptionalInput, getAttribute, call } = mapping;
  const side = (name: 'a' | 'b', turned: boolean) => {
    const rank = call.inputs[name]!.shape.length;
    const order = Array.from({ length: rank }, (_, i) => i);
    order.push(...order.splice(-2).reverse());
    return turned ? mapping.transposeInput(name, order) : getInput(name);
  };
  const product = addNode('MatMul', [
    side('a', getAttribute<boolean>('transposeA')),
    side('b', getAttribute<boolean>('transposeB')),
  ]);
  const bias = getOptionalInput('bias');
  return addActivation(mapping, bias === undefined ? product : addNode('Add', [product, bias]));
};

/** Kernels that multiply matrices. */
export const matmulOps: OpTable = {
  BatchMatMul: lowerMatMul,
  _FusedMatMul: lowerMatMul,
  Einsum: ({ addNode, getInput, getAttribute, call }) =>
    addNode(
      'Einsum',
      Object.keys(call.inputs).map((name) => getInput(name)),
      { equation: getAttribute<string>('equation') },
    ),
};
