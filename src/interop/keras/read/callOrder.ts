import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../../../core/errors/errors.js';
import { isTensorReference, type LayerCall, type TensorReference } from './structure/inboundNodes.js';
import type { KerasLayer, KerasModel } from './structure/modelStructure.js';

/** Layer call that cannot be executed yet because some of its inputs have not been computed. */
interface PendingCall {
  readonly layer: KerasLayer;
  readonly call: LayerCall;
  readonly node: number;
}

type CallReference = Pick<TensorReference, 'layer' | 'node'>;

const toCallKey = ({ layer, node }: CallReference) => `${node} ${layer}`;

/**
 * Executes every layer call of a model once, as soon as its inputs have been computed. The order of the calls in the file does not matter.
 *
 * @param applyCall - Applies a layer and returns its outputs.
 * @returns The outputs of the model.
 * @throws A `file` error if a call depends on itself or on a layer that does not exist.
 */
export function applyCallsInOrder(
  model: KerasModel,
  modelInputs: readonly SymbolicTensor[],
  applyCall: (
    layer: KerasLayer,
    call: LayerCall,
    inputs: readonly SymbolicTensor[],
  ) => readonly SymbolicTensor[],
): SymbolicTensor[] {
  const values = new Map<string, readonly SymbolicTensor[]>();
  const waiting = new Map<string, PendingCall[]>();
  const ready: PendingCall[] = [];
  const tensorAt = (reference: TensorReference, path: string) => {
    const value = values.get(toCallKey(reference))?.[reference.tensor];
    if (value) return value;
    throw createError({
      kind: 'file',
      path,
      expected: 'a reference to the output of a layer in this model',
      received: `the reference ${JSON.stringify([reference.layer, reference.node, reference.tensor])}`,
      advice: 'Save the model again with Keras.',
    });
  };
  const findMissingOperand = ({ call }: PendingCall) =>
    call.operands.filter(isTensorReference).find((operand) => !values.has(toCallKey(operand)));
  const enqueue = (pending: PendingCall) => {
    const missing = findMissingOperand(pending);
    if (!missing) ready.push(pending);
    else if (waiting.has(toCallKey(missing))) waiting.get(toCallKey(missing))!.push(pending);
    else waiting.set(toCallKey(missing), [pending]);
  };
  const runReadyCalls = () => {
    for (let at = 0; at < ready.length; at++) {
      const { layer, call, node } = ready[at]!;
      const inputs = call.operands.filter(isTensorReference).map((operand) => tensorAt(operand, call.path));
      const key = toCallKey({ layer: layer.name, node });
      values.set(key, applyCall(layer, call, inputs));
      const woken = waiting.get(key) ?? [];
      waiting.delete(key);
      for (const pending of woken) enqueue(pending);
    }
    ready.length = 0;
  };
  model.inputs.forEach(({ layer }, i) => {
    values.set(toCallKey({ layer, node: 0 }), [modelInputs[i]!]);
  });
  for (const layer of model.layers) {
    layer.calls.forEach((call, node) => {
      enqueue({ layer, call, node });
      runReadyCalls();
    });
  }
  for (const [pending] of waiting.values()) {
    const operand = pending && findMissingOperand(pending);
    if (operand) tensorAt(operand, `${pending.call.path} (${pending.layer.name})`);
  }
  return model.outputs.map((reference) => tensorAt(reference, model.outputsPath));
}
