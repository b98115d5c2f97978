import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import type { PixelRange } from '../core/images.js';
import { isInheritedName } from '../core/lookup.js';
import type { BuildContext, LayerLike } from '../layers/block.js';
import { checkSupportedLayer, patchLayer } from '../layers/patched/patchLayer.js';
import { countUses } from '../tensor/stockLayers.js';
import { tf } from '../tensor/tf.js';

/** Layers of the network under construction, keyed by name. A null entry reserves a name for a layer that is created later. */
export type LayersByName = Map<string, tf.layers.Layer | null>;

/** State that all build contexts of one network share. Trunk, branches and input views have one build context each. */
export interface SharedBuildState {
  readonly layersByName: LayersByName;
  /** Weights that {@link BuildContext.setWeights} assigned to layers. */
  readonly weightsByLayer: Map<tf.layers.Layer, readonly Float32Array[]>;
  /**
   * Returns the smallest supported image size as text for an error, for example `: at least 56x56 pixels`, or an empty string if that size
   * is unknown.
   */
  readonly describeMinimumSize: () => string;
  readonly pixelRange: PixelRange;
  /** Number of models that use a layer, counted before the layer was connected. Other models can use a `tf.layers` layer, too. */
  readonly useCounts: Map<tf.layers.Layer, number>;
}

/** Recorded call of a layer. The calls of the trunk are repeated on every input view that differs from the first one. */
export interface LayerConnection {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly SymbolicTensor[];
  readonly output: SymbolicTensor;
}

/** Build context of the trunk, of one branch or of the input views. The context records every layer that it connects. */
export interface PartBuildContext extends BuildContext {
  /** Prefix of the layer names: `trunk`, `image` for input views, or the name of a task. */
  readonly part: string;
  readonly connections: readonly LayerConnection[];
  /** Returns the weights that {@link BuildContext.setWeights} assigned to a layer. */
  getWeights(layer: tf.layers.Layer): readonly Float32Array[] | undefined;
  /**
   * Records the current state and returns a function that restores it. The returned function removes the layers that were connected in the
   * meantime, frees their names and disposes of their weights.
   */
  createRollback(): () => void;
}

/**
 * Applies layers and blocks in sequence and returns the output of the last one.
 *
 * @throws `argument` error for a block whose `build` does not return the output of a connected layer.
 */
export function applyLayers(
  input: SymbolicTensor,
  pieces: readonly LayerLike[],
  context: BuildContext,
): SymbolicTensor {
  return pieces.reduce<SymbolicTensor>((x, piece) => {
    if (!('~block' in piece)) return context.connect(piece, x);
    const output = piece.build(x, context) as SymbolicTensor | undefined | null;
    if (output?.sourceLayer) return output;
    throw createError({
      kind: 'argument',
      path: `block ${piece['~block']}`,
      expected: 'the result of context.connect() as the return value of build()',
      received: describeType(output),
      advice: 'Write build: (input, context) => context.connect(layer, input).',
    });
  }, input);
}

/**
 * Creates the build context of the trunk, of one branch or of the input views. The context names the layers and connects them.
 *
 * @param part - Prefix of the layer names: `trunk`, `image` for input views, or the name of a task.
 * @param image - Image or input view that the first layer receives.
 */
export function createBuildContext(
  part: string,
  image: SymbolicTensor,
  { layersByName, weightsByLayer, describeMinimumSize, pixelRange, useCounts }: SharedBuildState,
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
      const [countsBefore, length] = [new Map(counts), connections.length];
      return () => {
        counts.clear();
        for (const [kind, count] of countsBefore) counts.set(kind, count);
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
        const isTaskName = layersByName.get(layer.name) === null && layer.name !== 'image';
        throw createError({
          kind: 'argument',
          path: `${part}: ${layer.name}`,
          expected: 'a layer name that is not yet in use',
          received: isTaskName ? 'a layer with the name of a task' : 'a second layer with this name',
          advice: isTaskName
            ? 'Rename the tf.layers layer or the task: the last layer of a task is named after the task.'
            : 'Give the tf.layers layer a different name, and use each layer object only once.',
        });
      }
      if (isInheritedName(layer.name)) {
        throw createError({
          kind: 'argument',
          path: `${part}: ${layer.name}`,
          expected: 'a layer name that is not a property of every JavaScript object',
          received: formatValue(layer.name),
          advice:
            'Give the tf.layers layer another name. TensorFlow.js could not open a saved model with this layer.',
        });
      }
      layersByName.set(layer.name, layer);
      useCounts.set(layer, countUses(layer));
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

/** Throws an `argument` error unless there is one array per weight of the layer, with as many numbers as the weight has elements. */
function checkLayerWeights({ name, weights }: tf.layers.Layer, arrays: readonly Float32Array[]): void {
  const sizes = weights.map(({ shape }) => shape.reduce<number>((product, size) => product * size!, 1));
  if (arrays.length === sizes.length && arrays.every(({ length }, i) => length === sizes[i])) return;
  const describeLengths = (lengths: readonly number[]) =>
    lengths.length === 0 ? 'no arrays' : `arrays of ${lengths.join(' and ')} numbers`;
  throw createArgumentError(
    `weights of ${name}`,
    describeLengths(sizes),
    describeLengths(arrays.map(({ length }) => length)),
    'Connect the layer first. Then pass one row-major array for each weight in layer.weights, in the same order.',
  );
}

/**
 * Calls all layers of a trunk again on another input view. Both calls of a layer use the same weights.
 *
 * @param end - Output of the trunk on the view that it was built for.
 * @returns The output of the trunk on `view`.
 */
export function reapplyPart(
  { part, image, connections }: PartBuildContext,
  view: SymbolicTensor,
  end: SymbolicTensor,
  describeMinimumSize: () => string,
): SymbolicTensor {
  const tensorsById = new Map([[image.id, view]]);
  for (const { layer, inputs, output } of connections) {
    const newOutput = applyLayer(
      layer,
      inputs.map(({ id }) => tensorsById.get(id)!),
      {
        path: `${part}: ${layer.name}, called on ${view.sourceLayer.name}`,
        describeMinimumSize,
        advice:
          inputs[0]!.shape.length === 2
            ? `End the trunk with globalAveragePool(), or give all input views the same size: the layer was built for the size of ${image.sourceLayer.name}.`
            : `Give all input views the same number of channels: the layer was built for the channels of ${image.sourceLayer.name}.`,
      },
    );
    tensorsById.set(output.id, newOutput);
  }
  return tensorsById.get(end.id)!;
}

interface ApplyLayerOptions {
  readonly path: string;
  readonly describeMinimumSize: () => string;
  /** Advice for the error that is thrown if the layer rejects the shapes of its inputs. */
  readonly advice: string;
}

/**
 * Calls a layer and returns its output. Throws an `argument` error if the layer rejects the shapes of its inputs, or if the output would
 * have a height or width of 0.
 */
function applyLayer(
  layer: tf.layers.Layer,
  inputs: readonly SymbolicTensor[],
  options: ApplyLayerOptions,
): SymbolicTensor {
  const shapes = inputs.map(({ shape }) => shape);
  const runWithShapeError = <R>(action: () => R) => withShapeError(shapes, options, action);
  const shape = runWithShapeError(
    () => layer.computeOutputShape((shapes.length === 1 ? shapes[0] : shapes) as number[]) as BatchShape,
  );
  if (shapes[0]!.length === 4 && shape.slice(1).some((size) => size !== null && size <= 0)) {
    throw createError({
      kind: 'argument',
      path: layer.name,
      expected: `an image large enough to produce a non-empty output of this layer${options.describeMinimumSize()}`,
      received: `an input of shape ${formatItemShape(shapes[0]!)}, which results in an output of shape ${formatItemShape(shape)}`,
      advice: 'Use larger images, smaller strides or fewer pooling layers.',
    });
  }
  return runWithShapeError(
    () => layer.apply(inputs.length === 1 ? inputs[0]! : [...inputs]) as SymbolicTensor,
  );
}

/**
 * Renames a `tf.layers` layer that was created without a name. TensorFlow.js numbers default names per process (`conv2d_Conv2D7`), and
 * initial weights depend on the layer name. With separate numbers for each network, a program that builds the same network twice gets equal
 * names and equal weights.
 */
function renameDefaultLayer(layer: tf.layers.Layer, part: string, counts: Map<string, number>): void {
  if (layer.built || !new RegExp(`_${layer.getClassName()}\\d+$`).test(layer.name)) return;
  const kind = layer.getClassName().toLowerCase();
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  layer.name = `${part}_${kind}${count}`;
}

/** Shape of a batch. An axis of unknown size is null. */
export type BatchShape = readonly (number | null)[];

/** Runs `action` and converts any error that TensorFlow.js throws into an `argument` error that contains the input shape and advice. */
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
      received: `the error "${(cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '')}"`,
      advice,
      cause,
    });
  }
}
