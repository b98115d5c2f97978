import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { PixelRange } from '../core/images.js';
import type { BuildContext, LayerLike } from '../layers/block.js';
import { checkSupportedLayer, patchLayer } from '../layers/patched/patchLayer.js';
import { tf } from '../tensor/tf.js';

/** The layers so far by name, null where a name is kept free. Those that the network made go when it cannot be built. */
export type LayersByName = Map<string, tf.layers.Layer | null>;

/** What the sites of one network share. */
export interface SharedBuildState {
  readonly layersByName: LayersByName;
  /** The weights that were given to layers. */
  readonly weightsByLayer: Map<tf.layers.Layer, readonly Float32Array[]>;
  readonly describeMinimumSize: () => string;
  readonly pixelRange: PixelRange;
}

/** One connection that a part of a network made, to be made again elsewhere. */
export interface LayerConnection {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly SymbolicTensor[];
  readonly output: SymbolicTensor;
}

/** A site that remembers what was connected on it. */
export interface PartBuildContext extends BuildContext {
  readonly part: string;
  readonly connections: readonly LayerConnection[];
  /** The weights that {@link BuildContext.setWeights} gave to a layer. */
  getWeights(layer: tf.layers.Layer): readonly Float32Array[] | undefined;
  /** Call what it returns to take back all that was connected since: the names are free again, the weights gone. */
  createRollback(): () => void;
}

/**
 * `input` through `pieces`, one after the other.
 *
 * @throws `argument` fault for a block that returns something else than what it connected.
 */
export function applyLayers(
  input: SymbolicTensor,
  pieces: readonly LayerLike[],
  site: BuildContext,
): SymbolicTensor {
  return pieces.reduce<SymbolicTensor>((x, piece) => {
    if (!('~block' in piece)) return site.connect(piece, x);
    const output = piece.build(x, site) as SymbolicTensor | undefined | null;
    if (output?.sourceLayer) return output;
    throw createError({
      kind: 'argument',
      path: `block ${piece['~block']}`,
      expected: 'the tensor that context.connect() returned as the result of build()',
      received: describeType(output),
      advice: 'Write build: (input, context) => context.connect(layer, input).',
    });
  }, input);
}

/** Names and connects the layers of one part of a network, which sees `image`. */
export function createBuildContext(
  part: string,
  image: SymbolicTensor,
  { layersByName, weightsByLayer, describeMinimumSize, pixelRange }: SharedBuildState,
): PartBuildContext {
  const counts = new Map<string, number>();
  const connections: LayerConnection[] = [];
  return {
    part,
    image,
    pixelRange,
    connections,
    getWeights: (layer) => weightsByLayer.get(layer),
    createRollback: () => {
      const [before, length] = [new Map(counts), connections.length];
      return () => {
        counts.clear();
        for (const [kind, count] of before) counts.set(kind, count);
        for (const { layer } of connections.splice(length)) {
          layersByName.delete(layer.name);
          weightsByLayer.delete(layer);
          tf.dispose(layer.weights.map((weight) => weight.read()));
        }
      };
    },
    setWeights: (layer, arrays) => {
      checkLayerWeights(layer, arrays);
      weightsByLayer.set(layer, arrays);
      layer.weights.forEach((weight, i) => {
        const values = tf.tensor(arrays[i]!, weight.shape as number[]);
        weight.write(values);
        values.dispose();
      });
    },
    createName: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${part}_${kind}${count}`;
    },
    connect: (layer, input) => {
      renameDefaultLayer(layer, part, counts);
      if (layersByName.has(layer.name)) {
        const task = layersByName.get(layer.name) === null && layer.name !== 'image';
        throw createError({
          kind: 'argument',
          path: `${part}: ${layer.name}`,
          expected: 'a unique layer name',
          received: task ? 'the name of a task' : 'a second layer of that name',
          advice: task
            ? 'Rename the task, because its last layer has the name of the task, or rename the tf.layers layer.'
            : 'Give the tf.layers layer another name, and use each layer object only once.',
        });
      }
      layersByName.set(layer.name, layer);
      checkSupportedLayer(layer, part);
      const inputs = [input].flat() as SymbolicTensor[];
      const output = applyLayer(layer, inputs, {
        path: `${part}: ${layer.name}`,
        describeMinimumSize,
        advice:
          inputs[0]!.shape.length === 2
            ? 'Check the order of the blocks: the input of this layer is already flat. The output of a backbone with includeTop: true is flat, too.'
            : 'Check the order of the blocks: dense() needs flatten() or globalAveragePool() before it.',
      });
      patchLayer(layer, part);
      connections.push({ layer, inputs, output });
      return output;
    },
  };
}

/** Throws an `argument` fault unless there is a number for each of the layer's. */
function checkLayerWeights({ name, weights }: tf.layers.Layer, arrays: readonly Float32Array[]): void {
  const sizes = weights.map(({ shape }) => shape.reduce<number>((product, size) => product * size!, 1));
  if (arrays.length === sizes.length && arrays.every(({ length }, i) => length === sizes[i])) return;
  const describeLengths = (lengths: readonly number[]) =>
    lengths.length === 0 ? 'no arrays' : `arrays of ${lengths.join(' and ')} numbers`;
  throw createArgumentError(
    `weights of ${name}`,
    `the sizes of the layer's weights, ${describeLengths(sizes)}`,
    describeLengths(arrays.map(({ length }) => length)),
    'Connect the layer first, then pass its weights in the order of layer.weights, row-major.',
  );
}

/**
 * Calls the layers of a part that stands already once more, on another view of the image, and returns what `end` becomes:
 * the weights are shared.
 */
export function reapplyPart(
  { part, image, connections }: PartBuildContext,
  view: SymbolicTensor,
  end: SymbolicTensor,
  describeMinimumSize: () => string,
): SymbolicTensor {
  const made = new Map([[image.id, view]]);
  for (const { layer, inputs, output } of connections) {
    const twin = applyLayer(
      layer,
      inputs.map(({ id }) => made.get(id)!),
      {
        path: `${part}: ${layer.name}, called on ${view.sourceLayer.name}`,
        describeMinimumSize,
        advice:
          inputs[0]!.shape.length === 2
            ? `End the trunk with globalAveragePool(), or use input views of one size: the layer was built for the size of ${image.sourceLayer.name}.`
            : `Use input views with the same number of channels: the layer was built for the channels of ${image.sourceLayer.name}.`,
      },
    );
    made.set(output.id, twin);
  }
  return made.get(end.id)!;
}

interface ApplyLayerOptions {
  readonly path: string;
  readonly describeMinimumSize: () => string;
  /** For a layer that does not take these shapes. */
  readonly advice: string;
}

/** What `layer` makes of `inputs`, of which something must be left. */
function applyLayer(
  layer: tf.layers.Layer,
  inputs: readonly SymbolicTensor[],
  calling: ApplyLayerOptions,
): SymbolicTensor {
  const shapes = inputs.map(({ shape }) => shape);
  const accepted = <R>(action: () => R) => withShapeError(shapes, calling, action);
  const shape = accepted(
    () => layer.computeOutputShape((shapes.length === 1 ? shapes[0] : shapes) as number[]) as BatchShape,
  );
  if (shapes[0]!.length === 4 && shape.slice(1).some((size) => size !== null && size <= 0)) {
    throw createError({
      kind: 'argument',
      path: layer.name,
      expected: `an image large enough for a non-empty output of this layer${calling.describeMinimumSize()}`,
      received: `an input of shape ${formatItemShape(shapes[0]!)}, which gives an output of shape ${formatItemShape(shape)}`,
      advice: 'Use larger images, or fewer strides and pooling layers.',
    });
  }
  return accepted(() => layer.apply(inputs.length === 1 ? inputs[0]! : [...inputs]) as SymbolicTensor);
}

/**
 * A tf.layers layer without a name of its own carries a count of all layers that this process made (`conv2d_Conv2D7`):
 * it is named like a block instead, so that one program builds one network however often, and draws equal weights.
 */
function renameDefaultLayer(layer: tf.layers.Layer, part: string, counts: Map<string, number>): void {
  if (layer.built || !new RegExp(`_${layer.getClassName()}\\d+$`).test(layer.name)) return;
  const kind = layer.getClassName().toLowerCase();
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  layer.name = `${part}_${kind}${count}`;
}

/** Of a batch. */
export type BatchShape = readonly (number | null)[];

/** `action`, whose error is that of a layer which does not take these shapes. */
function withShapeError<R>(
  shapes: readonly BatchShape[],
  { path, advice }: ApplyLayerOptions,
  action: () => R,
): R {
  try {
    return action();
  } catch (cause) {
    throw createError({
      kind: 'argument',
      path,
      expected: `a layer that accepts inputs of shape ${formatItemShape(shapes[0]!)}`,
      received: cause instanceof Error ? cause.message : String(cause),
      advice,
      cause,
    });
  }
}

/** A shape for readers, without the batch. */
