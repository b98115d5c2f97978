import { viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import type { PixelRange } from '../core/images.js';
import { type Json, toCanonicalJson } from '../core/json.js';
import type { tf } from '../tensor/tf.js';
import type { FrozenSplit } from './frozenSplit.js';
import { type GraphTensor, getLayers } from './layerGraph.js';

/** The part of a contract that {@link computeFrozenDigest} is. */
export const FROZEN_WEIGHTS_PART = 'frozen weights';

/** Names the layers of the frozen half, how they are connected and what they weigh; undefined where nothing is frozen. */
export async function computeFrozenDigest(
  { frozenGraph: graph }: FrozenSplit,
  range: PixelRange,
): Promise<string | undefined> {
  if (!graph) return undefined;
  const weights: string[] = [];
  for (const layer of getLayers(graph)) {
    for (const weight of layer.weights) {
      weights.push(await sha256(viewBytes((await weight.read().data()) as Float32Array)));
    }
  }
  const calls = graph.calls.map(({ layer, inputs, outputs }) => [
    layer.getClassName(),
    getInferenceConfig(layer),
    inputs,
    outputs,
  ]);
  const text = toCanonicalJson([
    calls,
    weights,
    describePorts(graph.inputs),
    describePorts(graph.outputs),
    range,
  ] as unknown as Json);
  return (await sha256(new TextEncoder().encode(text))).slice(0, 32);
}

const describePorts = (list: readonly GraphTensor[]) => list.map(({ tensorId, shape }) => [tensorId, shape]);

/** What a layer's configuration says of its answers: how its weights began, or are held to something, is no part of them. */
function getInferenceConfig(layer: tf.layers.Layer): Json {
  const settings = Object.entries(layer.getConfig() as { readonly [key: string]: Json });
  return Object.fromEntries(settings.filter(([key]) => !/(Initializer|Regularizer|Constraint)$/.test(key)));
}
