/** Files of backbone weights for tests. */
import type { Hdf5Dataset } from '../../src/formats/hdf5/hdf5Group.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { backboneModel, bodyOf, makes } from '../parity/backbones.js';

/** Weights by layer and name, as in a file. */
export type Layers = Map<string, Map<string, Hdf5Dataset>>;

/** Writes a legacy weight file in the layout of Keras. */
export function kerasFile(layers: Layers, suffix = ''): Uint8Array {
  const groups = [...layers].map(([layer, weights]) => {
    const inner = {
      attributes: {},
      groups: {},
      arrays: Object.fromEntries([...weights].map(([name, array]) => [`${name}${suffix}`, array])),
    };
    const names = [...weights.keys()].map((name) => `${layer}/${name}${suffix}`);
    return [layer, { attributes: { weight_names: names }, groups: { [layer]: inner }, arrays: {} }] as const;
  });
  return writeHdf5({
    attributes: { layer_names: [...layers.keys()], backend: 'tensorflow', keras_version: '2.2.4' },
    groups: Object.fromEntries(groups),
    arrays: {},
  });
}

/** Writes a legacy model file with these layers, either in the model itself or in nested models named `bases`. The file has no configuration. */
export function wholeFile(layers: Layers, bases: readonly string[] = []): Uint8Array {
  const arraysOf = (weights: Layers extends Map<string, infer W> ? W : never) => Object.fromEntries(weights);
  const all = Object.fromEntries(
    [...layers].map(([layer, weights]) => [layer, { attributes: {}, groups: {}, arrays: arraysOf(weights) }]),
  );
  const names = [...layers].flatMap(([layer, weights]) =>
    [...weights.keys()].map((name) => `${layer}/${name}`),
  );
  const topLevel = Object.entries(all).map(([layer, group]) => {
    const weight_names = Object.keys(group.arrays).map((name) => `${layer}/${name}`);
    return [layer, { attributes: { weight_names }, groups: { [layer]: group }, arrays: {} }] as const;
  });
  const nested = bases.map(
    (base) => [base, { attributes: { weight_names: names }, groups: all, arrays: {} }] as const,
  );
  const groups = bases.length > 0 ? nested : topLevel;
  const weights = {
    attributes: { layer_names: groups.map(([name]) => name) },
    groups: Object.fromEntries(groups),
    arrays: {},
  };
  const attributes = {
    model_config: '{"class_name": "Functional", "config": {"layers": []}}',
    keras_version: '3.15.1',
  };
  return writeHdf5({ attributes, groups: { model_weights: weights }, arrays: {} });
}

/** Returns random initial weights of a backbone, keyed by their names in Keras. */
export async function drawnLayers(name: keyof typeof makes, top = false): Promise<Layers> {
  const model = await backboneModel(makes[name], [32, 32, 3], top);
  const layers: Layers = new Map(
    bodyOf(model)
      .filter(({ weights }) => weights.length > 0)
      .map((layer) => [
        layer.name,
        new Map(
          layer.weights.map((weight) => [
            weight.originalName.split('/')[1]!.replace('depthwise_kernel', 'kernel'),
            { shape: weight.shape as number[], data: (weight.read().dataSync() as Float32Array).slice() },
          ]),
        ),
      ]),
  );
  model.dispose();
  return layers;
}
