import { fault } from '../core/errors.js';

interface LayerJson {
  readonly name?: unknown;
  readonly config?: { readonly name?: unknown } | null;
  readonly inbound_nodes?: unknown;
}

/**
 * Throws a `file` fault unless the layers of a saved model are named once and each is fed by earlier ones, as TensorFlow.js
 * writes them. It reads other lists too, but waits for ever for a layer that never comes.
 */
export function checkTopology(topology: object, path: string): void {
  const { layers } = (topology as { config?: { layers?: unknown } | null }).config ?? {};
  const wrong = (place: string, expected: string, received: unknown) =>
    fault({
      kind: 'file',
      path: `${path}: ${place}`,
      expected,
      received: JSON.stringify(received) ?? 'nothing',
      advice: 'Copy the whole folder again.',
    });
  if (!Array.isArray(layers)) throw wrong('layers', 'a list of layers', layers);
  const known = new Set<unknown>();
  layers.forEach((layer: LayerJson | null, i) => {
    const place = `layers[${i}]`;
    const { name, config, inbound_nodes: nodes } = layer ?? {};
    if (typeof name !== 'string' || name !== config?.name || known.has(name)) {
      throw wrong(place, 'a layer with a name of its own, given twice', name);
    }
    const feeds: unknown[] = Array.isArray(nodes) ? nodes : [undefined];
    for (const feed of feeds) {
      const sources: unknown[] = Array.isArray(feed) ? feed : [undefined];
      for (const source of sources) {
        const [from, node, tensor] = Array.isArray(source) ? source : [];
        if (!known.has(from) || node !== 0 || tensor !== 0) {
          throw wrong(place, 'inputs from the layers before it', source);
        }
      }
    }
    known.add(name);
  });
}
