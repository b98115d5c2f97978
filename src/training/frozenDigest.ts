import type { PixelRange } from '../core/images.js';
import { canonical, type Json, sha256 } from '../core/json.js';
import { layersOf, type Port } from '../models/graph.js';
import type { Halves } from '../models/halves.js';
import type { tf } from '../tensor/tf.js';

/** The part of a contract that {@link frozenDigest} is. */
export const FROZEN = 'frozen weights';

/** Names the layers of the frozen half, how they are connected and what they weigh; undefined where nothing is frozen. */
export async function frozenDigest(
  { frozen: graph }: Halves,
  range: PixelRange,
): Promise<string | undefined> {
  if (!graph) return undefined;
  const weights: string[] = [];
  for (const layer of layersOf(graph)) {
    for (const weight of layer.weights) {
      weights.push(await sha256(bytesOf((await weight.read().data()) as Float32Array)));
    }
  }
  const calls = graph.calls.map(({ layer, inputs, outputs }) => [
    layer.getClassName(),
    computed(layer),
    inputs,
    outputs,
  ]);
  const text = canonical([
    calls,
    weights,
    ports(graph.inputs),
    ports(graph.outputs),
    range,
  ] as unknown as Json);
  return (await sha256(new TextEncoder().encode(text))).slice(0, 32);
}

const ports = (list: readonly Port[]) => list.map(({ place, shape }) => [place, shape]);

/** What a layer's configuration says of its answers: how its weights began, or are held to something, is no part of them. */
function computed(layer: tf.layers.Layer): Json {
  const settings = Object.entries(layer.getConfig() as { readonly [key: string]: Json });
  return Object.fromEntries(settings.filter(([key]) => !/(Initializer|Regularizer|Constraint)$/.test(key)));
}

/** The bytes of some numbers, in place. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
