import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../../core/errors.js';
import { type Call, isTensor } from './inbound.js';
import type { KerasLayer, KerasModel, Reference } from './structure.js';

/** One call that waits for what it takes. */
interface Pending {
  readonly layer: KerasLayer;
  readonly call: Call;
  readonly node: number;
}

type Place = Pick<Reference, 'layer' | 'node'>;

const keyOf = ({ layer, node }: Place) => `${node} ${layer}`;

/**
 * Makes every call of a model once, each when all it takes is there, whatever the order in the file, and gives the model's
 * outputs. A call that waits for itself, or for a layer that never comes, is an error.
 */
export function callAll(
  model: KerasModel,
  given: readonly SymbolicTensor[],
  make: (layer: KerasLayer, call: Call, inputs: readonly SymbolicTensor[]) => readonly SymbolicTensor[],
): SymbolicTensor[] {
  const values = new Map<string, readonly SymbolicTensor[]>();
  const waiting = new Map<string, Pending[]>();
  const ready: Pending[] = [];
  const tensorAt = (reference: Reference, path: string) => {
    const value = values.get(keyOf(reference))?.[reference.tensor];
    if (value) return value;
    throw fault({
      kind: 'file',
      path,
      expected: 'tensors that layers of this model give',
      received: JSON.stringify([reference.layer, reference.node, reference.tensor]),
      advice: 'Save the model anew with Keras.',
    });
  };
  const missing = ({ call }: Pending) =>
    call.operands.filter(isTensor).find((operand) => !values.has(keyOf(operand)));
  const settle = (pending: Pending) => {
    const lost = missing(pending);
    if (!lost) ready.push(pending);
    else waiting.set(keyOf(lost), [...(waiting.get(keyOf(lost)) ?? []), pending]);
  };
  const advance = () => {
    for (let next = ready.shift(); next; next = ready.shift()) {
      const { layer, call, node } = next;
      const inputs = call.operands.filter(isTensor).map((operand) => tensorAt(operand, call.path));
      const key = keyOf({ layer: layer.name, node });
      values.set(key, make(layer, call, inputs));
      const woken = waiting.get(key) ?? [];
      waiting.delete(key);
      for (const pending of woken) settle(pending);
    }
  };
  model.inputs.forEach(({ layer }, i) => {
    values.set(keyOf({ layer, node: 0 }), [given[i]!]);
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
