import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../../../core/errors/errors.js';
import { isTensorReference, type LayerCall, type TensorReference } from './inboundNodes.js';
import type { KerasLayer, KerasModel } from './modelStructure.js';

/** One call that waits for what it takes. */
interface PendingCall {
  readonly layer: KerasLayer;
  readonly call: LayerCall;
  readonly node: number;
}

type CallReference = Pick<TensorReference, 'layer' | 'node'>;

const toCallKey = ({ layer, node }: CallReference) => `${node} ${layer}`;

/**
 * Makes every call of a model once, each when all it takes is there, whatever the order in the file, and gives the model's
 * outputs. A call that waits for itself, or for a layer that never comes, is an error.
 */
export function applyCallsInOrder(
  model: KerasModel,
  given: readonly SymbolicTensor[],
  make: (layer: KerasLayer, call: LayerCall, inputs: readonly SymbolicTensor[]) => readonly SymbolicTensor[],
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
      expected: 'tensors that layers of this model give',
      received: JSON.stringify([reference.layer, reference.node, reference.tensor]),
      advice: 'Save the model anew with Keras.',
    });
  };
  const missing = ({ call }: PendingCall) =>
    call.operands.filter(isTensorReference).find((operand) => !values.has(toCallKey(operand)));
  const settle = (pending: PendingCall) => {
    const lost = missing(pending);
    if (!lost) ready.push(pending);
    else if (waiting.has(toCallKey(lost))) waiting.get(toCallKey(lost))!.push(pending);
    else waiting.set(toCallKey(lost), [pending]);
  };
  const advance = () => {
    for (let at = 0; at < ready.length; at++) {
      const { layer, call, node } = ready[at]!;
      const inputs = call.operands.filter(isTensorReference).map((operand) => tensorAt(operand, call.path));
      const key = toCallKey({ layer: layer.name, node });
      values.set(key, make(layer, call, inputs));
      const woken = waiting.get(key) ?? [];
      waiting.delete(key);
      for (const pending of woken) settle(pending);
    }
    ready.length = 0;
  };
  model.inputs.forEach(({ layer }, i) => {
    values.set(toCallKey({ layer, node: 0 }), [given[i]!]);
  });
  for (const layer of model.layers) {
    layer.calls.forEach((call, node) => {
      settle({ layer, call, node });
      advance();
    });
  }
  for (const [pending] of waiting.values()) {
    const lost = pending && missing(pending);
    if (lost) tensorAt(lost, `${pending.call.path} (${pending.layer.name})`);
  }
  return model.outputs.map((reference) => tensorAt(reference, model.outputsPath));
}
