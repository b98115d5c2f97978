import { fault, kindOf } from '../core/errors.js';
import { readKerasWeights, type WeightsByLayer } from '../io/keras/storedWeights.js';
import type { NamedArray } from '../io/tensorFile.js';
import type { BackboneTable, WeightsFile } from './backbone.js';
import { matchWeights, type RowWeights, type WeightedLayer, weightedLayers } from './weights.js';

/** The weights of a backbone's rows, and those of the layer before them where Keras has one. */
export interface BackboneWeights {
  readonly rows: RowWeights;
  readonly before: readonly Float32Array[] | undefined;
}

/**
 * Reads and checks the weights of a backbone, or undefined for null.
 *
 * @param before - The layer with weights that Keras's model has in front of the table.
 * @throws `file` fault for a file that is damaged, or of something else; `argument` fault for no weights and no null.
 */
export async function readBackboneWeights(
  { path, rows, top }: BackboneTable,
  options: WeightsFile & { readonly top?: boolean },
  before?: WeightedLayer,
): Promise<BackboneWeights | undefined> {
  const { weights, file = 'weights' } = options;
  if (weights === null) return undefined;
  if (!(weights instanceof Uint8Array)) {
    throw fault({
      kind: 'argument',
      path: `${path}.weights`,
      expected: 'the bytes of a file of weights, or null',
      received: kindOf(weights),
      advice:
        "For a path or 'imagenet' import it from tfjs-multitask/node; null has the seed draw the weights.",
    });
  }
  const { layers, whole } = await readKerasWeights(weights, file);
  const stored = whole ? opened(layers) : layers;
  const body = weightedLayers(options.top ? [...rows, ...top] : rows);
  if (!before) return { rows: matchWeights(file, path, body, stored, whole), before: undefined };
  // Keras counts its layers without a name of their own: a second model of a process has `normalization_1`.
  const counted = new RegExp(`^${before.name}_\\d+$`);
  const renamed = Object.entries(stored).map(([name, arrays]) => [
    counted.test(name) ? before.name : name,
    arrays,
  ]);
  const found = matchWeights(file, path, [before, ...body], Object.fromEntries(renamed), whole);
  return { rows: found, before: found.get(before.name) };
}

/** Layers of models inside the model beside those of the model itself. */
function opened(layers: WeightsByLayer): WeightsByLayer {
  const found = new Map<string, Map<string, NamedArray>>();
  for (const [path, weights] of Object.entries(layers)) {
    for (const [name, array] of Object.entries(weights)) {
      const [weight, layer = path.split('/').at(-1)!] = name.split('/').reverse() as [string, string?];
      if (!found.has(layer)) found.set(layer, new Map());
      found.get(layer)!.set(weight, array);
    }
  }
  return Object.fromEntries([...found].map(([layer, weights]) => [layer, Object.fromEntries(weights)]));
}
