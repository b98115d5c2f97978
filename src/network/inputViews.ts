import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { LayerLike } from '../layers/block.js';
import type { Branch } from '../layers/trunkAndBranch.js';
import { applyLayers, type LayerConnection, type PartBuildContext } from './buildContext.js';

/**
 * Description of how an input view is computed from the image. Views with equal signatures have equal outputs, so that two tasks can share
 * one view.
 */
interface ViewSignature {
  readonly text: string;
  readonly weights: readonly (readonly Float32Array[])[];
}

/**
 * Builds the input view of each task: the converted image that the trunk or branch receives for this task. Returns the views in the order
 * of the tasks. A task without a view receives the image itself, and tasks with equal views share one view.
 *
 * @param context - Build context whose input is the image. It prefixes the names of layers with `image_`, for example `image_avgpool1`.
 * @throws `argument` error for a view whose output is not an image.
 */
export function buildInputViews(
  tasks: readonly { readonly name: string; readonly branch: Branch }[],
  context: PartBuildContext,
): SymbolicTensor[] {
  const builtViews: {
    inputView: readonly LayerLike[];
    signature: ViewSignature | undefined;
    view: SymbolicTensor;
  }[] = [];
  return tasks.map(({ name, branch: { inputView = [] } }) => {
    if (inputView.length === 0) return context.image;
    const same = builtViews.find(
      (other) =>
        inputView.length === other.inputView.length &&
        inputView.every((piece, i) => piece === other.inputView[i]),
    );
    if (same) return same.view;
    const [rollback, firstConnection] = [context.createRollback(), context.connections.length];
    const view = applyLayers(context.image, inputView, context);
    if (view.shape.length !== 4) {
      throw createError({
        kind: 'argument',
        path: `branch ${name}: inputView`,
        expected: 'an image of shape [height, width, channels]',
        received: `an output of shape ${formatItemShape(view.shape)}`,
        advice: 'Move flatten() and global pooling from inputView to the layers of the branch.',
      });
    }
    const signature = inputView.every((piece) => '~block' in piece)
      ? computeViewSignature(context.connections.slice(firstConnection), view, context)
      : undefined;
    const equal =
      signature &&
      builtViews.find((other) => other.signature && areSignaturesEqual(signature, other.signature));
    if (equal) {
      rollback();
      return equal.view;
    }
    builtViews.push({ inputView, signature, view });
    return view;
  });
}

/**
 * Computes the signature of an input view from the layers that its blocks connected. Returns undefined if a layer has trainable or randomly
 * initialized weights, because views with different weights have different outputs and cannot be shared.
 */
function computeViewSignature(
  connections: readonly LayerConnection[],
  view: SymbolicTensor,
  { image, getWeights }: PartBuildContext,
): ViewSignature | undefined {
  const hasUniqueWeights = ({ layer }: LayerConnection) =>
    layer.weights.length > 0 && (layer.trainable || !getWeights(layer));
  if (connections.some(hasUniqueWeights)) return undefined;
  const tensorNumbers = new Map([[image.id, 0]]);
  const getNumber = ({ id }: SymbolicTensor) =>
    tensorNumbers.get(id) ?? tensorNumbers.set(id, tensorNumbers.size).size - 1;
  const lines = connections.map(({ layer, inputs, output }) => [
    layer.getClassName(),
    { ...layer.getConfig(), name: '' },
    inputs.map(getNumber),
    getNumber(output),
  ]);
  return {
    text: JSON.stringify([lines, getNumber(view)]),
    weights: connections.map(({ layer }) => getWeights(layer) ?? []),
  };
}

const areSignaturesEqual = (one: ViewSignature, other: ViewSignature) =>
  one.text === other.text &&
  one.weights.every((arrays, layer) =>
    arrays.every((array, i) => array.every((value, at) => value === other.weights[layer]![i]![at])),
  );
