import type { KerasLayer, KerasModel } from './structure/modelStructure.js';

/** Layer of the flat model, which contains the layers of all nested models directly. */
export interface FlatLayer {
  /** Name of the layer: unique in the flat model, and valid in TensorFlow.js. */
  readonly name: string;
  /** Whether the layer and all models that contain it are trainable. */
  readonly isTrainable: boolean;
  /** Names of the models that contain the layer, from the outermost to the innermost, followed by the name of the layer. */
  readonly path: readonly string[];
}

/** Allocator of unique layer names for a flat model. */
export interface NameAllocator {
  /**
   * Returns `name`, or the first unused name of `name_2`, `name_3`, … if `name` is already in use. The returned name cannot be allocated
   * again.
   */
  allocate(name: string): string;
}

export function createNameAllocator(reservedNames: readonly string[] = []): NameAllocator {
  const usedNames = new Set(reservedNames);
  const nextNumbers = new Map<string, number>();
  return {
    allocate: (requestedName) => {
      const name = requestedName.replaceAll(/[^-A-Za-z0-9._]/g, '_').replace(/^(?![A-Za-z0-9])/, 'layer');
      let uniqueName = name;
      let number = nextNumbers.get(name) ?? 2;
      while (usedNames.has(uniqueName)) uniqueName = `${name}_${number++}`;
      nextNumbers.set(name, number);
      usedNames.add(uniqueName);
      return uniqueName;
    },
  };
}

/**
 * Lists all layers of a model and of its nested models, with their names in the flat model. A layer of a nested model keeps its name if the
 * name is unique. Otherwise the name of the nested model is prepended, for example `base_conv1`.
 *
 * @param outputs - Required names of the layers that compute the outputs of tasks.
 */
export function flattenLayers(
  model: KerasModel,
  nameAllocator: NameAllocator,
  outputs: ReadonlyMap<KerasLayer, string> = new Map(),
): Map<KerasLayer, FlatLayer> {
  const innerLayers: { layer: KerasLayer; trainable: boolean; path: string[] }[] = [];
  const visit = (inner: KerasModel, trainable: boolean, path: readonly string[]) => {
    for (const layer of inner.layers) {
      const isTrainable = trainable && layer.trainable && (layer.model?.trainable ?? true);
      const layerPath = [...path, layer.name];
      if (layer.model) visit(layer.model, isTrainable, layerPath);
      else if (layer.className !== 'InputLayer' || path.length === 0) {
        innerLayers.push({ layer, trainable: isTrainable, path: layerPath });
      }
    }
  };
  visit(model, model.trainable, []);
  const counts = new Map<string, number>();
  for (const { layer } of innerLayers) counts.set(layer.name, (counts.get(layer.name) ?? 0) + 1);
  // The outermost model comes first, so that none of its layer names change because of a nested model.
  const order = [...innerLayers].sort((a, b) => Number(a.path.length > 1) - Number(b.path.length > 1));
  const flatLayers = new Map<KerasLayer, FlatLayer>();
  for (const { layer, trainable: isTrainable, path } of order) {
    const isUnambiguous = path.length === 1 || counts.get(layer.name) === 1;
    const name =
      outputs.get(layer) ?? nameAllocator.allocate(isUnambiguous ? layer.name : path.slice(-2).join('_'));
    flatLayers.set(layer, { name, isTrainable, path });
  }
  return flatLayers;
}
