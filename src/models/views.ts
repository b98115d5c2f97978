import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Piece } from '../layers/block.js';
import type { Branch } from '../layers/parts.js';
import { type Connection, extend, type PartSite, show } from './site.js';

/** What a view computes: equal recipes are equal views. */
interface Recipe {
  readonly text: string;
  readonly weights: readonly (readonly Float32Array[])[];
}

/**
 * What each task sees of the image: the image itself, or a view that is made from it once for all that see the same.
 *
 * @param site - Stands at the image: its layers are named `image_grey1`.
 * @throws `argument` fault for a view that is not an image.
 */
export function viewsOf(
  tasks: readonly { readonly name: string; readonly branch: Branch }[],
  site: PartSite,
): SymbolicTensor[] {
  const made: { sees: readonly Piece[]; recipe: Recipe | undefined; view: SymbolicTensor }[] = [];
  return tasks.map(({ name, branch: { sees = [] } }) => {
    if (sees.length === 0) return site.image;
    const same = made.find(
      (other) => sees.length === other.sees.length && sees.every((piece, i) => piece === other.sees[i]),
    );
    if (same) return same.view;
    const [withdraw, from] = [site.mark(), site.connections.length];
    const view = extend(site.image, sees, site);
    if (view.shape.length !== 4) throw notAnImage(name, view);
    const recipe = sees.every((piece) => '~block' in piece)
      ? recipeOf(site.connections.slice(from), view, site)
      : undefined;
    const equal = recipe && made.find((other) => other.recipe && alike(recipe, other.recipe));
    if (equal) {
      withdraw();
      return equal.view;
    }
    made.push({ sees, recipe, view });
    return view;
  });
}

const notAnImage = (task: string, view: SymbolicTensor) =>
  fault({
    kind: 'argument',
    path: `branch ${task}: sees`,
    expected: 'an image, [height, width, channels]',
    received: show(view.shape),
    advice: 'Layers that flatten stand in the branch, behind the trunk.',
  });

/** Of what blocks connected. Undefined where weights are trained or drawn, since every list then has its own. */
function recipeOf(
  connections: readonly Connection[],
  view: SymbolicTensor,
  { image, given }: PartSite,
): Recipe | undefined {
  const own = ({ layer }: Connection) => layer.weights.length > 0 && (layer.trainable || !given(layer));
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
    weights: connections.map(({ layer }) => given(layer) ?? []),
  };
}

const alike = (one: Recipe, other: Recipe) =>
  one.text === other.text &&
  one.weights.every((arrays, layer) =>
    arrays.every((array, i) => array.every((value, at) => value === other.weights[layer]![i]![at])),
  );
