import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { LayerLike } from '../layers/block.js';
import type { Branch } from '../layers/trunkAndBranch.js';
import { applyLayers, type LayerConnection, type PartBuildContext } from './buildContext.js';

/** What a view computes: equal recipes are equal views. */
interface ViewSignature {
  readonly text: string;
  readonly weights: readonly (readonly Float32Array[])[];
}

/**
 * What each task sees of the image: the image itself, or a view that is made from it once for all that see the same.
 *
 * @param site - Stands at the image: its layers are named `image_grey1`.
 * @throws `argument` fault for a view that is not an image.
 */
export function buildInputViews(
  tasks: readonly { readonly name: string; readonly branch: Branch }[],
  site: PartBuildContext,
): SymbolicTensor[] {
  const made: { sees: readonly LayerLike[]; recipe: ViewSignature | undefined; view: SymbolicTensor }[] = [];
  return tasks.map(({ name, branch: { inputView = [] } }) => {
    if (inputView.length === 0) return site.image;
    const same = made.find(
      (other) =>
        inputView.length === other.sees.length && inputView.every((piece, i) => piece === other.sees[i]),
    );
    if (same) return same.view;
    const [withdraw, from] = [site.createRollback(), site.connections.length];
    const view = applyLayers(site.image, inputView, site);
    if (view.shape.length !== 4) throw createViewShapeError(name, view);
    const recipe = inputView.every((piece) => '~block' in piece)
      ? computeViewSignature(site.connections.slice(from), view, site)
      : undefined;
    const equal = recipe && made.find((other) => other.recipe && areSignaturesEqual(recipe, other.recipe));
    if (equal) {
      withdraw();
      return equal.view;
    }
    made.push({ sees: inputView, recipe, view });
    return view;
  });
}

const createViewShapeError = (task: string, view: SymbolicTensor) =>
  createError({
    kind: 'argument',
    path: `branch ${task}: inputView`,
    expected: 'an image of shape [height, width, channels]',
    received: `an output of shape ${formatItemShape(view.shape)}`,
    advice: 'Move layers that flatten into the branch, after the trunk.',
  });

/** Of what blocks connected. Undefined where weights are trained or drawn, since every list then has its own. */
function computeViewSignature(
  connections: readonly LayerConnection[],
  view: SymbolicTensor,
  { image, getWeights }: PartBuildContext,
): ViewSignature | undefined {
  const own = ({ layer }: LayerConnection) =>
    layer.weights.length > 0 && (layer.trainable || !getWeights(layer));
  if (connections.some(own)) return undefined;
  const places = new Map([[image.id, 0]]);
  const place = ({ id }: SymbolicTensor) => places.get(id) ?? places.set(id, places.size).size - 1;
  const lines = connections.map(({ layer, inputs, output }) => [
    layer.getClassName(),
    { ...layer.getConfig(), name: '' },
    inputs.map(place),
    place(output),
  ]);
  return {
    text: JSON.stringify([lines, place(view)]),
    weights: connections.map(({ layer }) => getWeights(layer) ?? []),
  };
}

const areSignaturesEqual = (one: ViewSignature, other: ViewSignature) =>
  one.text === other.text &&
  one.weights.every((arrays, layer) =>
    arrays.every((array, i) => array.every((value, at) => value === other.weights[layer]![i]![at])),
  );
