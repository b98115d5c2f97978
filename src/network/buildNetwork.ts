import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { LayerLike } from '../layers/block.js';
import type { Branch, Trunk } from '../layers/trunkAndBranch.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { ensureBackend } from '../tensor/hostBackend.js';
import { setUses } from '../tensor/stockLayers.js';
import { tf } from '../tensor/tf.js';
import {
  applyLayers,
  createBuildContext,
  type LayersByName,
  type PartBuildContext,
  reapplyPart,
  type SharedBuildState,
} from './buildContext.js';
import { initializeWeights } from './initializeWeights.js';
import { buildInputViews } from './inputViews.js';
import { Network, type NetworkInput } from './network.js';

/** A task together with its name and the branch that computes it. */
export interface TaskDefinition {
  readonly name: string;
  readonly task: AnyTask;
  readonly branch: Branch;
}

/** Everything that {@link buildNetwork} needs: input, trunk, tasks and seed. */
export interface NetworkDefinition {
  readonly input: NetworkInput;
  /** Layers that all tasks share. If undefined, the branches begin at the image. */
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly TaskDefinition[];
  /** Seed for weight initialization. */
  readonly seed: number;
}

/**
 * Builds one flat `tf.LayersModel` from the trunk, the branches and one head per task. Equal definitions result in equal layer names, and
 * equal seeds result in equal initial weights.
 *
 * @throws `argument` error for images that are too small, a branch whose output is not flat, two layers with the same name, and layers that
 *   the library cannot train.
 */
export function buildNetwork({ input, trunk, tasks, seed }: NetworkDefinition): Network {
  ensureBackend();
  const image = tf.input({ shape: [...input.shape], name: 'image' });
  const describeMinimumSize = () => describeMinimumImageSize(input.shape, trunk, tasks);
  const layersByName: LayersByName = new Map(
    ['image', ...tasks.map(({ name }) => name)].map((name) => [name, null]),
  );
  const weightsByLayer = new Map<tf.layers.Layer, readonly Float32Array[]>();
  const sharedState: SharedBuildState = {
    layersByName,
    weightsByLayer,
    describeMinimumSize,
    pixelRange: input.range,
    useCounts: new Map(),
  };
  // Layers that the caller created belong to the caller until the network is built.
  const callerLayers = new Set<unknown>(
    [trunk?.layerStack, ...tasks.flatMap(({ branch }) => [branch.layerStack, branch.inputView ?? []])].flat(),
  );
  /** Releases a layer that is not part of the finished network. */
  const releaseLayer = (layer: tf.layers.Layer) => {
    if (callerLayers.has(layer)) setUses(layer, sharedState.useCounts.get(layer) ?? 0);
    else tf.dispose(layer.weights.map((weight) => weight.read()));
  };
  const createContext = (part: string, view: SymbolicTensor) => createBuildContext(part, view, sharedState);
  try {
    const views = buildInputViews(tasks, createContext('image', image));
    const applyTrunk = trunk
      ? createTrunkApplier(trunk, (view) => createContext('trunk', view), describeMinimumSize)
      : (view: SymbolicTensor) => view;
    const outputs = tasks.map(({ name, task, branch }, i) => {
      const end = applyLayers(applyTrunk(views[i]!), branch.layerStack, createContext(name, views[i]!));
      return createHead(name, task, end, layersByName);
    });
    const layersModel = tf.model({ inputs: image, outputs, name: 'multitask' });
    initializeWeights(layersModel, seed, weightsByLayer);
    const usedLayers = new Set(layersModel.layers);
    for (const layer of layersByName.values()) {
      if (!layer) continue;
      // TensorFlow.js counts the calls of a layer, but a model disposes of each of its layers once.
      if (usedLayers.has(layer)) setUses(layer, (sharedState.useCounts.get(layer) ?? 0) + 1);
      else releaseLayer(layer);
    }
    return createNetwork(layersModel, Object.fromEntries(tasks.map(({ name, task }) => [name, task])), input);
  } catch (error) {
    for (const layer of layersByName.values()) if (layer) releaseLayer(layer);
    throw error;
  }
}

/**
 * Returns a function that applies the trunk to an input view. The first call builds the trunk, and calls for other views reuse its layers
 * and weights.
 */
function createTrunkApplier(
  trunk: Trunk,
  createContext: (view: SymbolicTensor) => PartBuildContext,
  describeMinimumSize: () => string,
): (view: SymbolicTensor) => SymbolicTensor {
  const ends = new Map<number, SymbolicTensor>();
  let built: { context: PartBuildContext; end: SymbolicTensor } | undefined;
  const build = (view: SymbolicTensor) => {
    const context = createContext(view);
    built = { context, end: applyLayers(view, trunk.layerStack, context) };
    return built.end;
  };
  return (view) => {
    const end =
      ends.get(view.id) ??
      (built ? reapplyPart(built.context, view, built.end, describeMinimumSize) : build(view));
    ends.set(view.id, end);
    return end;
  };
}

/** Creates a network from a flat model whose layers are patched for training. */
export function createNetwork<T extends Tasks>(
  layersModel: tf.LayersModel,
  tasks: T,
  input: NetworkInput,
): Network<T> {
  return new Network(layersModel, tasks, input);
}

/**
 * Creates the last layer of a task. The layer has the name of the task, because model files identify an output by the name of its layer.
 */
function createHead(
  name: string,
  task: AnyTask,
  end: SymbolicTensor,
  layersByName: LayersByName,
): SymbolicTensor {
  if (end.shape.length !== 2) {
    throw createError({
      kind: 'argument',
      path: `branch ${name}`,
      expected: 'a flat output of shape [features]',
      received: `an output of shape ${formatItemShape(end.shape)}`,
      advice: 'End the branch with flatten() or globalAveragePool(), followed by any dense() layers.',
    });
  }
  const layer = tf.layers.dense({
    name,
    units: task.units,
    activation: task.activation,
    kernelInitializer: 'glorotUniform',
  });
  layersByName.set(name, layer);
  return layer.apply(end) as SymbolicTensor;
}

/**
 * Returns the smallest image side for which every layer has a non-empty output, as text for an error, for example
 * `: at least 56x56 pixels`. Returns an empty string if the network contains `tf.layers` layers, because their output size is unknown
 * before they are built.
 */
function describeMinimumImageSize(
  [height, width]: readonly number[],
  trunk: Trunk | undefined,
  tasks: readonly TaskDefinition[],
): string {
  const layerChains = tasks.map(({ branch }) => [
    ...(branch.inputView ?? []),
    ...(trunk?.layerStack ?? []),
    ...branch.layerStack,
  ]);
  if (layerChains.flat().some((piece) => !('~block' in piece))) return '';
  const fits = (side: number, chain: readonly LayerLike[]) => {
    let size = side;
    for (const piece of chain) {
      size = (piece as Extract<LayerLike, { '~block': string }>).computeOutputSize(size);
      if (size <= 0) return false;
    }
    return true;
  };
  for (let side = Math.min(height!, width!); side <= 4096; side++) {
    if (layerChains.every((chain) => fits(side, chain))) return `: at least ${side}x${side} pixels`;
  }
  return '';
}
