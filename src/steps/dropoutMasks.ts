import { countElements, type HostArray, type NamedArrays } from '../core/arrays.js';
import { createRng } from '../core/rng.js';
import { Dropout } from '../layers/patched/dropout.js';
import type { LayerGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';

/** Returns the key of a dropout mask among the input arrays of a step, for example `age_dropout1/mask`. */
export const toMaskName = (call: string) => `${call}/mask`;

/**
 * Finds all calls of dropout layers. Each call needs its own mask. The returned `name` is unique per call: the name of the layer, followed
 * by `/1`, `/2` and so on for repeated calls of a shared layer.
 */
export function findDropoutCalls({
  calls,
}: LayerGraph): { readonly name: string; readonly layer: Dropout; readonly node: number }[] {
  const counts = new Map<Dropout, number>();
  return calls.flatMap(({ layer, nodeIndex }) => {
    if (!(layer instanceof Dropout)) return [];
    const callIndex = counts.get(layer) ?? 0;
    counts.set(layer, callIndex + 1);
    return [{ name: toMaskKey(layer.name, callIndex), layer, node: nodeIndex }];
  });
}

/**
 * Returns the unique name of a dropout call: the name of the layer, followed by `/1`, `/2` and so on for repeated calls of a shared layer.
 */
export const toMaskKey = (layer: string, callIndex: number) =>
  callIndex > 0 ? `${layer}/${callIndex}` : layer;

/**
 * Draws a mask of zeros and ones for every dropout call of a network. Returns the masks with keys like `age_dropout1/mask`. Equal arguments
 * result in equal masks, so a resumed run draws the same masks as an uninterrupted run.
 */
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
