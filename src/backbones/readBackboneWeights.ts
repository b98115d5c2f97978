import type { HostArray } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { readKerasWeights, type WeightsByLayer } from '../interop/keras/file/weightFiles.js';
import type { BackboneTable, WeightsFile } from './backbone.js';
import { listWeightedLayers, matchWeights, type RowWeights, type WeightedLayer } from './matchWeights.js';
import { PREPROCESSING_LAYER_NAME, type Preprocessing, readPreprocessing } from './preprocessing.js';

/** The weights of a backbone's rows, and those of the layer before them where Keras has one. */
export interface BackboneWeights {
  readonly rows: RowWeights;
  readonly inputLayerWeights: readonly Float32Array[] | undefined;
  /** What this library's own file has in place of that layer. */
  readonly preprocessing?: Preprocessing;
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
    throw createError({
      kind: 'argument',
      path: `${path}.weights`,
      expected: 'the bytes of a weights file, or null',
      received: describeType(weights),
      advice: `For a path or 'imagenet', import ${path} from tfjs-multitask/node. For random weights, pass null.`,
    });
  }
  const { layers, whole, range } = await readKerasWeights(weights, file);
  const stored = whole ? flattenNestedLayers(layers, file) : layers;
  const body = listWeightedLayers(options.top ? [...rows, ...top] : rows);
  if (!before) return { rows: matchWeights(file, path, body, stored, whole), inputLayerWeights: undefined };
  const own = stored[PREPROCESSING_LAYER_NAME];
  if (own && range && !(before.name in stored)) {
    const [kernel, bias] = Object.values(own);
    const preprocessing = readPreprocessing(kernel!, bias!, range);
    return {
      rows: matchWeights(file, path, body, stored, whole),
      inputLayerWeights: undefined,
      preprocessing,
    };
  }
  // Keras counts its layers without a name of their own: a second model of a process has `normalization_1`.
  const counted = new RegExp(`^${before.name}_\\d+$`);
  const renamed = Object.entries(stored).map(([name, arrays]) => [
    counted.test(name) ? before.name : name,
    arrays,
  ]);
  const found = matchWeights(file, path, [before, ...body], Object.fromEntries(renamed), whole);
  return { rows: found, inputLayerWeights: found.get(before.name) };
}

/**
 * Layers of models inside the model beside those of the model itself. Two of one name, such as those of two backbones of a
 * kind, would be one: an error.
 */
function flattenNestedLayers(layers: WeightsByLayer, file: string): WeightsByLayer {
  const found = new Map<string, Map<string, HostArray>>();
  for (const [path, weights] of Object.entries(layers)) {
    for (const [name, array] of Object.entries(weights)) {
      const [weight, layer = path.split('/').at(-1)!] = name.split('/').reverse() as [string, string?];
      if (!found.has(layer)) found.set(layer, new Map());
      if (found.get(layer)!.has(weight)) {
        throw createError({
          kind: 'file',
          path: `${file}: ${path}`,
          expected: `only one layer named ${layer} in the model and its nested models`,
          received: 'a second layer of that name, in another nested model',
          advice: 'Save the nested model on its own, and give that file.',
        });
      }
      found.get(layer)!.set(weight, array);
    }
  }
  return Object.fromEntries([...found].map(([layer, weights]) => [layer, Object.fromEntries(weights)]));
}
