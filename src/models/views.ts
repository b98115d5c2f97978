import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Block, Piece } from '../layers/block.js';
import type { Branch } from '../layers/parts.js';
import { tf } from '../tensor/tf.js';
import { extend, type PartSite, show } from './site.js';

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
  const made: { sees: readonly Piece[]; recipe: string | undefined; view: SymbolicTensor }[] = [];
  return tasks.map(({ name, branch: { sees = [] } }) => {
    if (sees.length === 0) return site.image;
    const recipe = sees.every(isBlock) ? recipeOf(sees, site) : undefined;
    const same = made.find(
      (other) =>
        (recipe !== undefined && other.recipe === recipe) ||
        (sees.length === other.sees.length && sees.every((piece, i) => piece === other.sees[i])),
    );
    if (same) return same.view;
    const view = extend(site.image, sees, site);
    if (view.shape.length !== 4) throw notAnImage(name, view);
    made.push({ sees, recipe, view });
    return view;
  });
}

const isBlock = (piece: Piece): piece is Block => '~block' in piece;

const notAnImage = (task: string, view: SymbolicTensor) =>
  fault({
    kind: 'argument',
    path: `branch ${task}: sees`,
    expected: 'an image, [height, width, channels]',
    received: show(view.shape),
    advice: 'Layers that flatten stand in the branch, behind the trunk.',
  });

/**
 * What blocks compute, as text: equal texts are equal views. Undefined where weights are trained or drawn, since every list
 * then has its own; and where the blocks do not fit, of which the network itself will tell.
 */
function recipeOf(blocks: readonly Block[], { image, range }: PartSite): string | undefined {
  const layers: tf.layers.Layer[] = [];
  const given = new Map<tf.layers.Layer, readonly Float32Array[]>();
  const lines: unknown[] = [];
  const places = new Map<number, number>();
  const place = ({ id }: SymbolicTensor) => places.get(id) ?? places.set(id, places.size).size - 1;
  const scratch = tf.input({ shape: image.shape.slice(1) });
  place(scratch);
  try {
    extend(scratch, blocks, {
      image: scratch,
      range,
      name: (kind) => kind,
      weigh: (layer, arrays) => void given.set(layer, arrays),
      connect: (layer, input) => {
        layers.push(layer);
        const output = layer.apply(input) as SymbolicTensor;
        const reads = ([input].flat() as SymbolicTensor[]).map(place);
        lines.push([layer.getClassName(), { ...layer.getConfig(), name: '' }, reads, place(output)]);
        return output;
      },
    });
    if (layers.some((layer) => layer.weights.length > 0 && (layer.trainable || !given.has(layer))))
      return undefined;
    return JSON.stringify([lines, [...given.values()].map((arrays) => arrays.map((array) => [...array]))]);
  } catch {
    return undefined;
  } finally {
    for (const layer of layers) tf.dispose(layer.weights.map((weight) => weight.read()));
  }
}
