import { fault, kindOf } from '../core/errors.js';
import { readKerasWeights } from '../io/keras/storedWeights.js';
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
  const stored = await readKerasWeights(weights, file);
  const body = weightedLayers(options.top ? [...rows, ...top] : rows);
  if (!before) return { rows: matchWeights(file, path, body, stored), before: undefined };
  // Keras counts its layers without a name of their own: a second model of a process has `normalization_1`.
  const counted = new RegExp(`^${before.name}_\\d+$`);
  const renamed = Object.entries(stored).map(([name, arrays]) => [
    counted.test(name) ? before.name : name,
    arrays,
  ]);
  const found = matchWeights(file, path, [before, ...body], Object.fromEntries(renamed));
  return { rows: found, before: found.get(before.name) };
}
