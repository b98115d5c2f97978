import { viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import type { PixelRange } from '../core/images.js';
import { type Json, toCanonicalJson } from '../core/json.js';
import type { tf } from '../tensor/tf.js';
import type { FrozenSplit } from './frozenSplit.js';
import { type GraphTensor, getLayers } from './layerGraph.js';

/** Key of the digest from {@link computeFrozenDigest} in the fingerprint of a run. */
export const FROZEN_WEIGHTS_PART = 'frozen weights';

/**
 * Computes a digest of the layers, connections and weights of the frozen graph. The digest identifies the features that the frozen graph
 * computes. Returns undefined if no layer is frozen.
 */
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

/**
 * Returns the configuration of a layer without initializers, regularizers and constraints, because these do not affect the outputs of a
 * frozen layer.
 */
function getInferenceConfig(layer: tf.layers.Layer): Json {
  const settings = Object.entries(layer.getConfig() as { readonly [key: string]: Json });
  return Object.fromEntries(settings.filter(([key]) => !/(Initializer|Regularizer|Constraint)$/.test(key)));
}
