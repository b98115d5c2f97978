import type { KerasLayer, KerasModel } from './modelStructure.js';

/** A layer's place once nested models are opened. */
export interface FlatLayer {
  /** Unique in the flat model, and a name that TensorFlow.js takes. */
  readonly name: string;
  /** Whether it and all models around it are. */
  readonly isTrainable: boolean;
  /** Names from the outermost model's layer down to its own. */
  readonly path: readonly string[];
}

/** Names of a flat model, each given once. */
export interface NameAllocator {
  /** `name`, or the first of `name_2`, `name_3`, … that is free; it is taken from then on. */
  allocate(name: string): string;
}

export function createNameAllocator(taken: readonly string[] = []): NameAllocator {
  const used = new Set(taken);
  const next = new Map<string, number>();
  return {
    allocate: (wanted) => {
      const name = wanted.replaceAll(/[^-A-Za-z0-9._]/g, '_').replace(/^(?![A-Za-z0-9])/, 'layer');
      let free = name;
      let number = next.get(name) ?? 2;
      while (used.has(free)) free = `${name}_${number++}`;
      next.set(name, number);
      used.add(free);
      return free;
    },
  };
}

/**
 * Every layer of a model and of the models inside it, with its place in the flat model. A layer of an inner model keeps its
 * name where no other has it, else it is called after its model too: `base_conv1`. `outputs` are names for layers that end
 * tasks.
 */
export function flattenLayers(
  model: KerasModel,
  names: NameAllocator,
  outputs: ReadonlyMap<KerasLayer, string> = new Map(),
): Map<KerasLayer, FlatLayer> {
  const found: { layer: KerasLayer; trainable: boolean; path: string[] }[] = [];
  const visit = (inner: KerasModel, trainable: boolean, path: readonly string[]) => {
    for (const layer of inner.layers) {
      const here = trainable && layer.trainable && (layer.model?.trainable ?? true);
      const below = [...path, layer.name];
      if (layer.model) visit(layer.model, here, below);
      else if (layer.className !== 'InputLayer' || path.length === 0) {
        found.push({ layer, trainable: here, path: below });
      }
    }
  };
  visit(model, model.trainable, []);
  const counts = new Map<string, number>();
  for (const { layer } of found) counts.set(layer.name, (counts.get(layer.name) ?? 0) + 1);
  // The outermost model's names go first, and none of them changes for an inner one's sake.
  const order = [...found].sort((a, b) => Number(a.path.length > 1) - Number(b.path.length > 1));
  const placed = new Map<KerasLayer, FlatLayer>();
  for (const { layer, trainable: isTrainable, path } of order) {
    const short = path.length === 1 || counts.get(layer.name) === 1;
    const name = outputs.get(layer) ?? names.allocate(short ? layer.name : path.slice(-2).join('_'));
    placed.set(layer, { name, isTrainable, path });
  }
  return placed;
}
