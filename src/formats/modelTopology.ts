import { createError } from '../core/errors/errors.js';

interface LayerJson {
  readonly class_name?: unknown;
  readonly name?: unknown;
  readonly config?: { readonly name?: unknown } | null;
  readonly inbound_nodes?: unknown;
}

/** Layer and its calls. Each call lists its input tensors as `[layer, call, output]`. */
interface TopologyLayer {
  readonly name: string;
  readonly isInput: boolean;
  readonly calls: readonly (readonly InboundTensor[])[];
}

type InboundTensor = [layer: string, call: number, output: number, ...rest: unknown[]];

/**
 * Most rounds in which a model's calls are ordered. A model that needs more is an attempt to keep the reader
 * busy.
 */
const MAX_ROUNDS = 1000;

/**
 * Checks the layers of a saved model: names must be unique, TensorFlow.js must be able to make every call,
 * and the calls of each layer must be listed in the order in which TensorFlow.js makes them.
 *
 * TensorFlow.js connects the layers in rounds. It accepts other topologies too, but it waits forever for a
 * layer that is missing, and if the calls of a layer are listed in another order, it confuses them.
 *
 * @throws A `file` error if the topology fails a check.
 */
export function checkTopology(topology: object, path: string): void {
  const { layers } = (topology as { config?: { layers?: unknown } | null }).config ?? {};
  const wrong = (place: string, expected: string, received: unknown) =>
    createError({
      kind: 'file',
      path: `${path}: ${place}`,
      expected,
      received: JSON.stringify(received) ?? 'nothing',
      advice: 'Copy the whole folder again.',
    });
  if (!Array.isArray(layers)) throw wrong('layers', 'a list of layers', layers);
  const known = new Set<unknown>();
  const wired = layers.map((layer: LayerJson | null, i): TopologyLayer => {
    const place = `layers[${i}]`;
    const { name, config, inbound_nodes: nodes, class_name: className } = layer ?? {};
    if (typeof name !== 'string' || name !== config?.name || known.has(name)) {
      throw wrong(place, 'a layer with a name of its own, given twice', name);
    }
    known.add(name);
    const calls: unknown[] = Array.isArray(nodes) ? nodes : [undefined];
    for (const call of calls) {
      const sources: unknown[] = Array.isArray(call) && call.length > 0 ? call : [undefined];
      for (const source of sources) {
        const [from, index, tensor] = Array.isArray(source) ? source : [];
        if (typeof from !== 'string' || !Number.isSafeInteger(index) || index < 0 || tensor !== 0) {
          throw wrong(place, 'inputs from other layers', source);
        }
      }
    }
    return { name, isInput: className === 'InputLayer', calls: calls as InboundTensor[][] };
  });
  const { order, waiting } = orderCalls(wired, (made, [from, call]) => (made.get(from)?.length ?? 0) > call);
  if (waiting) {
    const place = `layers[${wired.findIndex(({ name }) => name === waiting)}]`;
    throw wrong(place, 'inputs from layers that come', waiting);
  }
  wired.forEach(({ name }, i) => {
    if (order.get(name)!.some((call, turn) => call !== turn)) {
      throw wrong(`layers[${i}]`, 'calls in the order in which they are made', name);
    }
  });
}

/**
 * Renumbers the calls of a model's layers in the order in which TensorFlow.js makes them when it reads the
 * model. TensorFlow.js writes them in the order in which they were made originally, and confuses calls where
 * the two differ.
 */
export function renumberCalls(topology: object): void {
  const { layers, ...ends } = (topology as { config: { layers: LayerJson[]; [key: string]: unknown } })
    .config;
  const wired = layers.map(
    ({ class_name: className, name, inbound_nodes: nodes }): TopologyLayer => ({
      name: name as string,
      isInput: className === 'InputLayer',
      calls: nodes as InboundTensor[][],
    }),
  );
  const { order } = orderCalls(wired, (made, [from, call]) => made.get(from)?.includes(call) ?? false);
  const renumbered = (source: InboundTensor) => {
    source[1] = order.get(source[0])?.indexOf(source[1]) ?? source[1];
  };
  for (const { calls } of wired) for (const call of calls) call.forEach(renumbered);
  for (const key of ['input_layers', 'output_layers'])
    (ends[key] as InboundTensor[] | undefined)?.forEach(renumbered);
  layers.forEach((layer, i) => {
    const { name, calls } = wired[i]!;
    (layer as { inbound_nodes: unknown }).inbound_nodes = calls.map(
      (_, turn) => calls[order.get(name)![turn]!],
    );
  });
}

/**
 * Orders the calls of each layer as TensorFlow.js makes them: it goes through the layers in rounds and makes
 * each call whose sources are `ready`. Also returns a layer whose calls can never be made, if there is one.
 */
function orderCalls(
  layers: readonly TopologyLayer[],
  ready: (made: ReadonlyMap<string, readonly number[]>, source: InboundTensor) => boolean,
): { order: Map<string, number[]>; waiting: string | undefined } {
  // An input layer has one call, which is not in any list.
  const order = new Map(layers.map(({ name, isInput }) => [name, isInput ? [0] : []] as [string, number[]]));
  let left = layers.map((layer) => ({ layer, calls: layer.calls.map((_, i) => i) }));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let progress = false;
    for (const entry of left) {
      const { layer } = entry;
      entry.calls = entry.calls.filter((call) => {
        if (!layer.calls[call]!.every((source) => ready(order, source))) return true;
        order.get(layer.name)!.push(call);
        progress = true;
        return false;
      });
    }
    left = left.filter(({ calls }) => calls.length > 0);
    if (left.length === 0 || !progress) break;
  }
  return { order, waiting: left[0]?.layer.name };
}
