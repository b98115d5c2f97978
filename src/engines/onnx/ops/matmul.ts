import { addActivation } from './context/activation.js';
import type { OpLowering, OpTable } from './context/loweringContext.js';

const lowerMatMul: OpLowering = (context) => {
  const { addNode, getInput, getOptionalInput, getAttribute, call } = context;
  const getFactor = (name: 'a' | 'b', isTransposed: boolean) => {
    const rank = call.inputs[name]!.shape.length;
    const order = Array.from({ length: rank }, (_, i) => i);
    order.push(...order.splice(-2).reverse());
    return isTransposed ? context.transposeInput(name, order) : getInput(name);
  };
  const product = addNode('MatMul', [
    getFactor('a', getAttribute<boolean>('transposeA')),
    getFactor('b', getAttribute<boolean>('transposeB')),
  ]);
  const bias = getOptionalInput('bias');
  return addActivation(context, bias === undefined ? product : addNode('Add', [product, bias]));
};

/** Lowerings of matrix products. */
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
