import { countElements, type HostArray, type NamedArrays } from '../core/arrays.js';
import { createRng } from '../core/rng.js';
import { Dropout } from '../layers/own/dropout.js';
import type { LayerGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';

export const toMaskName = (call: string) => `${call}/mask`;

/** The calls of a graph that need a mask, named after their layer, and for a shared layer's later calls by a number too. */
export function findDropoutCalls({
  calls,
}: LayerGraph): { readonly name: string; readonly layer: Dropout; readonly node: number }[] {
  const counts = new Map<Dropout, number>();
  return calls.flatMap(({ layer, nodeIndex }) => {
    if (!(layer instanceof Dropout)) return [];
    const before = counts.get(layer) ?? 0;
    counts.set(layer, before + 1);
    return [{ name: toMaskKey(layer.name, before), layer, node: nodeIndex }];
  });
}

/** Name of a layer's call among the masks, by how many of its calls came before. */
export const toMaskKey = (layer: string, before: number) => (before > 0 ? `${layer}/${before}` : layer);

/** One 0/1 mask a call of a dropout layer, as `layer/mask`, drawn for this step alone: resuming draws the same. */
export function drawDropoutMasks(
  network: Network,
  batchSize: number,
  seed: number,
  epoch: number,
  step: number,
): NamedArrays {
  const masks: Record<string, HostArray> = {};
  for (const { name, layer, node } of findDropoutCalls(network.graph)) {
    const shape = layer.computeMaskShape(batchSize, node);
    if (!shape) continue;
    const random = createRng(seed, 'mask', epoch, step, name);
    const data = new Float32Array(countElements(shape));
    for (let i = 0; i < data.length; i++) data[i] = random.next() < layer.rate ? 0 : 1;
    masks[toMaskName(name)] = { shape, data };
  }
  return masks;
}
