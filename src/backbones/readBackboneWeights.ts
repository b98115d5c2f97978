import type { HostArray } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { readKerasWeights, type WeightsByLayer } from '../interop/keras/file/weightFiles.js';
import type { BackboneTable, WeightsFile } from './backbone.js';
import { listWeightedLayers, matchWeights, type RowWeights, type WeightedLayer } from './matchWeights.js';
import { PREPROCESSING_LAYER_NAME, type Preprocessing, readPreprocessing } from './preprocessing.js';

/** Backbone weights that were read from a file. */
export interface BackboneWeights {
  readonly rows: RowWeights;
  readonly inputLayerWeights: readonly Float32Array[] | undefined;
  /**
   * Preprocessing that the `image_preprocess` layer of the file computes. Only files written by this library have this layer; their
   * `inputLayerWeights` are undefined.
   */
  readonly preprocessing?: Preprocessing;
}

/**
 * Reads the weights of a backbone from the bytes of a file, and checks that the weights fit the layers of the backbone. Returns undefined
 * for `weights: null`.
 *
 * @param inputLayer - Layer with weights that precedes the layers of the backbone table in the Keras model.
 * @throws `file` error for a damaged file and for a file of a different architecture; `argument` error for `weights` that are neither bytes
 *   nor null.
 */
export async function readBackboneWeights(
  { path, rows, top }: BackboneTable,
  options: WeightsFile & { readonly includeTop?: boolean },
  inputLayer?: WeightedLayer,
): Promise<BackboneWeights | undefined> {
  const { weights, file = 'weights' } = options;
  if (weights === null) return undefined;
  if (!(weights instanceof Uint8Array)) {
    throw createError({
      kind: 'argument',
      path: `${path}.weights`,
      expected: 'the bytes of a weights file, or null',
      received: describeType(weights),
      advice: `To pass a path or 'imagenet', import ${path} from tfjs-multitask/node. For random weights, pass null.`,
    });
  }
  const { layers, whole, range } = await readKerasWeights(weights, file);
  const stored = whole ? flattenNestedLayers(layers, file) : layers;
  const body = listWeightedLayers(options.includeTop ? [...rows, ...top] : rows);
  if (!inputLayer)
    return { rows: matchWeights(file, path, body, stored, whole), inputLayerWeights: undefined };
  const preprocessingLayer = stored[PREPROCESSING_LAYER_NAME];
  if (preprocessingLayer && range && !(inputLayer.name in stored)) {
    const [kernel, bias] = Object.values(preprocessingLayer);
    const preprocessing = readPreprocessing(kernel!, bias!, range);
    return {
      rows: matchWeights(file, path, body, stored, whole),
      inputLayerWeights: undefined,
      preprocessing,
    };
  }
  // Keras numbers layers without an explicit name. In the second model of a process, the layer is called `normalization_1`.
  const counted = new RegExp(`^${inputLayer.name}_\\d+$`);
  const renamed = Object.entries(stored).map(([name, arrays]) => [
    counted.test(name) ? inputLayer.name : name,
    arrays,
  ]);
  const found = matchWeights(file, path, [inputLayer, ...body], Object.fromEntries(renamed), whole);
  return { rows: found, inputLayerWeights: found.get(inputLayer.name) };
}

/**
 * Merges the layers of a model and of all models nested in it. Throws a `file` error if two layers have the same name, for example if the
 * file contains two backbones of the same architecture.
 */
function flattenNestedLayers(layers: WeightsByLayer, file: string): WeightsByLayer {
  const found = new Map<string, Map<string, HostArray>>();
  for (const [path, weights] of Object.entries(layers)) {
    for (const [name, array] of Object.entries(weights)) {
      const at = name.lastIndexOf('/');
      const weight = name.slice(at + 1);
      const layer = at < 0 ? path.split('/').at(-1)! : name.slice(0, at);
      if (!found.has(layer)) found.set(layer, new Map());
      if (found.get(layer)!.has(weight)) {
        throw createError({
          kind: 'file',
          path: `${file}: ${path}`,
          expected: `only one layer named ${layer} in the model and its nested models`,
          received: 'a second layer with that name in a different nested model',
          advice: 'Save the nested model that you want to load to its own file, and pass that file.',
        });
      }
      found.get(layer)!.set(weight, array);
    }
  }
  return Object.fromEntries([...found].map(([layer, weights]) => [layer, Object.fromEntries(weights)]));
}
