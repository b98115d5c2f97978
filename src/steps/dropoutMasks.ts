import { countElements, type HostArray, type NamedArrays } from '../core/arrays.js';
import { createRng } from '../core/rng.js';
import { Dropout } from '../layers/patched/dropout.js';
import type { LayerGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';

/** Returns the name of a mask in the arrays of a step: `age_dropout1/mask`. */
export const toMaskName = (call: string) => `${call}/mask`;

/**
 * Finds the calls of dropout layers and their names. A call is named after its layer. For later calls of a shared layer, the name also
 * contains the index of the call.
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
 * Returns the name of a call of a dropout layer: the name of the layer, followed by the index of the call for later calls of a shared
 * layer.
 */
export const toMaskKey = (layer: string, callIndex: number) =>
  callIndex > 0 ? `${layer}/${callIndex}` : layer;

/**
 * Draws a 0/1 mask for every call of a dropout layer and returns the masks by name, for example `age_dropout1/mask`. A mask depends only on
 * the arguments and its name, so a resumed run draws the same masks.
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
