import { createFileError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';

interface LayerJson {
  readonly class_name?: unknown;
  readonly name?: unknown;
  readonly config?: { readonly name?: unknown } | null;
  readonly inbound_nodes?: unknown;
}

/** Layer of a saved model and its calls. Each call lists its input tensors as `[layer, call, output]`. */
interface TopologyLayer {
  readonly name: string;
  readonly isInput: boolean;
  readonly calls: readonly (readonly InboundTensor[])[];
}

type InboundTensor = [layer: string, call: number, output: number, ...rest: unknown[]];

/** Maximum number of rounds for sorting the layer calls of a model. A model that needs more rounds is treated as malicious. */
const MAX_ROUNDS = 1000;

const COPY_ADVICE = 'Copy the whole folder again.';

/**
 * Checks the layers of a saved model: names must be unique, TensorFlow.js must be able to execute every call, and the calls of each layer
 * must be listed in the order in which TensorFlow.js executes them.
 *
 * TensorFlow.js connects the layers in rounds and does not validate the topology. If a layer is missing, TensorFlow.js waits forever; if
 * the calls of a layer are listed in a different order, TensorFlow.js connects the layers incorrectly.
 *
 * @throws A `file` error if the topology fails a check.
 */
export function checkTopology(topology: object, path: string): void {
  const { layers } = (topology as { config?: { layers?: unknown } | null }).config ?? {};
  const createTopologyError = (layerPath: string, expected: string, received: unknown) =>
    createFileError(`${path}: ${layerPath}`, expected, formatValue(received), COPY_ADVICE);
  if (!Array.isArray(layers)) throw createTopologyError('layers', 'an array of layers', layers);
  // TensorFlow.js would read this field instead of the checked layers.
  const { model_config: otherModel } = topology as { model_config?: unknown };
  if (otherModel !== undefined)
    throw createFileError(
      path,
      'a model topology without the field model_config',
      `a model topology in which this field is ${formatValue(otherModel)}`,
      COPY_ADVICE,
    );
  const layerNames = new Set<unknown>();
  const topologyLayers = layers.map((layer: LayerJson | null, i): TopologyLayer => {
    const layerPath = `layers[${i}]`;
    const { name, config, inbound_nodes: inboundNodes, class_name: className } = layer ?? {};
    if (typeof name !== 'string' || name !== config?.name || layerNames.has(name)) {
      throw createTopologyError(
        layerPath,
        'a unique layer name that matches the name in the config of the layer',
        name,
      );
    }
    layerNames.add(name);
    if (containsModel(config))
      throw createTopologyError(layerPath, 'a layer without nested layers', className);
    const calls: unknown[] = Array.isArray(inboundNodes) ? inboundNodes : [undefined];
    for (const call of calls) {
      const sources: unknown[] = Array.isArray(call) && call.length > 0 ? call : [undefined];
      for (const inbound of sources) {
        const [from, index, tensor] = Array.isArray(inbound) ? inbound : [];
        if (typeof from !== 'string' || !Number.isSafeInteger(index) || index < 0 || tensor !== 0) {
          throw createTopologyError(layerPath, 'an input that refers to another layer', inbound);
        }
      }
    }
    return { name, isInput: className === 'InputLayer', calls: calls as InboundTensor[][] };
  });
  const { order, waiting } = orderCalls(
    topologyLayers,
    (completedCalls, [from, call]) => (completedCalls.get(from)?.length ?? 0) > call,
  );
  if (waiting) {
    const layerPath = `layers[${topologyLayers.findIndex(({ name }) => name === waiting)}]`;
    throw createTopologyError(
      layerPath,
      'a layer whose inputs come from other layers of this model and do not form a cycle',
      waiting,
    );
  }
  topologyLayers.forEach(({ name }, i) => {
    if (order.get(name)!.some((call, turn) => call !== turn)) {
      throw createFileError(
        `${path}: layers[${i}]`,
        'layer calls in execution order',
        `calls of the layer ${formatValue(name)} in a different order`,
        COPY_ADVICE,
      );
    }
  });
}

/** Returns whether a layer's configuration contains a nested model. {@link checkTopology} rejects such a layer. */
function containsModel(config: unknown): boolean {
  const pending = [config];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray((value as { layers?: unknown }).layers)) return true;
    for (const item of Object.values(value)) pending.push(item);
  }
  return false;
}

/**
 * Renumbers the calls of a model's layers in the order in which TensorFlow.js executes them when it reads the model. TensorFlow.js saves
 * calls in the order in which they were made originally. If the two orders differ, TensorFlow.js connects the layers incorrectly when it
 * reads the model.
 */
export function renumberCalls(topology: object): void {
  const { layers, ...modelConfig } = (topology as { config: { layers: LayerJson[]; [key: string]: unknown } })
    .config;
  const topologyLayers = layers.map(
    ({ class_name: className, name, inbound_nodes: nodes }): TopologyLayer => ({
      name: name as string,
      isInput: className === 'InputLayer',
      calls: nodes as InboundTensor[][],
    }),
  );
  const { order } = orderCalls(
    topologyLayers,
    (completedCalls, [from, call]) => completedCalls.get(from)?.includes(call) ?? false,
  );
  const renumber = (source: InboundTensor) => {
    source[1] = order.get(source[0])?.indexOf(source[1]) ?? source[1];
  };
  for (const { calls } of topologyLayers) for (const call of calls) call.forEach(renumber);
  for (const key of ['input_layers', 'output_layers'])
    (modelConfig[key] as InboundTensor[] | undefined)?.forEach(renumber);
  layers.forEach((layer, i) => {
    const { name, calls } = topologyLayers[i]!;
    (layer as { inbound_nodes: unknown }).inbound_nodes = calls.map(
      (_, turn) => calls[order.get(name)![turn]!],
    );
  });
}

/**
 * Returns the calls of each layer in the order in which TensorFlow.js executes them on loading. TensorFlow.js goes through the layers in
 * rounds and executes each call whose inputs satisfy `isReady`. Also returns a layer whose calls can never be executed, if there is one.
 */
function orderCalls(
  layers: readonly TopologyLayer[],
  isReady: (made: ReadonlyMap<string, readonly number[]>, source: InboundTensor) => boolean,
): { order: Map<string, number[]>; waiting: string | undefined } {
  // An input layer has exactly one call, which the file does not list.
  const order = new Map(layers.map(({ name, isInput }) => [name, isInput ? [0] : []] as [string, number[]]));
  let pending = layers.map((layer) => ({ layer, calls: layer.calls.map((_, i) => i) }));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let madeProgress = false;
    for (const entry of pending) {
      const { layer } = entry;
      entry.calls = entry.calls.filter((call) => {
        if (!layer.calls[call]!.every((source) => isReady(order, source))) return true;
        order.get(layer.name)!.push(call);
        madeProgress = true;
        return false;
      });
    }
    pending = pending.filter(({ calls }) => calls.length > 0);
    if (pending.length === 0 || !madeProgress) break;
  }
  return { order, waiting: pending[0]?.layer.name };
}
