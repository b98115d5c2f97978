import type { SymbolicTensor } from '@tensorflow/tfjs';
import { formatItemShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { LayerLike } from '../layers/block.js';
import type { Branch, Trunk } from '../layers/trunkAndBranch.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { silenceCpuAdvice } from '../tensor/silenceCpuAdvice.js';
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

/** A task and the layers that lead to it. */
export interface TaskDefinition {
  readonly name: string;
  readonly task: AnyTask;
  readonly branch: Branch;
}

/** Everything a network is made from. */
export interface NetworkDefinition {
  readonly input: NetworkInput;
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly TaskDefinition[];
  readonly seed: number;
}

/**
 * Builds the network: trunk, branches, one head a task, all in one flat `tf.LayersModel` whose layers are named by
 * place, with weights drawn from the seed.
 *
 * @throws `argument` fault for images too small, a branch that does not end flat, two layers of one name, and layers
 *   that a step cannot run.
 */
export function buildNetwork({ input, trunk, tasks, seed }: NetworkDefinition): Network {
  silenceCpuAdvice();
  const image = tf.input({ shape: [...input.shape], name: 'image' });
  const describeMinimumSize = () => describeMinimumImageSize(input.shape, trunk, tasks);
  const layersByName: LayersByName = new Map(
    ['image', ...tasks.map(({ name }) => name)].map((name) => [name, null]),
  );
  const weightsByLayer = new Map<tf.layers.Layer, readonly Float32Array[]>();
  const surroundings: SharedBuildState = {
    layersByName,
    weightsByLayer,
    describeMinimumSize,
    pixelRange: input.range,
  };
  const site = (part: string, view: SymbolicTensor) => createBuildContext(part, view, surroundings);
  try {
    const views = buildInputViews(tasks, site('image', image));
    const shared = trunk
      ? createTrunkApplier(trunk, (view) => site('trunk', view), describeMinimumSize)
      : (view: SymbolicTensor) => view;
    const outputs = tasks.map(({ name, task, branch }, i) => {
      const end = applyLayers(shared(views[i]!), branch.layerStack, site(name, views[i]!));
      return createHead(name, task, end, layersByName);
    });
    const layersModel = tf.model({ inputs: image, outputs, name: 'multitask' });
    initializeWeights(layersModel, seed, weightsByLayer);
    return createNetwork(layersModel, Object.fromEntries(tasks.map(({ name, task }) => [name, task])), input);
  } catch (error) {
    const given = new Set<unknown>(
      [
        trunk?.layerStack,
        ...tasks.flatMap(({ branch }) => [branch.layerStack, branch.inputView ?? []]),
      ].flat(),
    );
    for (const layer of layersByName.values())
      if (!given.has(layer)) tf.dispose(layer?.weights.map((w) => w.read()));
    throw error;
  }
}

/** The trunk: built on the first view that it is asked for, and called on every other with the same weights. */
function createTrunkApplier(
  trunk: Trunk,
  siteOn: (view: SymbolicTensor) => PartBuildContext,
  smallest: () => string,
): (view: SymbolicTensor) => SymbolicTensor {
  const ends = new Map<number, SymbolicTensor>();
  let built: { site: PartBuildContext; end: SymbolicTensor } | undefined;
  const build = (view: SymbolicTensor) => {
    const site = siteOn(view);
    built = { site, end: applyLayers(view, trunk.layerStack, site) };
    return built.end;
  };
  return (view) => {
    const end =
      ends.get(view.id) ?? (built ? reapplyPart(built.site, view, built.end, smallest) : build(view));
    ends.set(view.id, end);
    return end;
  };
}

/** Creates a network around a flat model whose layers are patched for training. */
export function createNetwork<T extends Tasks>(
  layersModel: tf.LayersModel,
  tasks: T,
  input: NetworkInput,
): Network<T> {
  return new Network(layersModel, tasks, input);
}

/** The last layer of a task: named like the task, since that is the name of the output in every format. */
function createHead(name: string, task: AnyTask, end: SymbolicTensor, placed: LayersByName): SymbolicTensor {
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
  placed.set(name, layer);
  return layer.apply(end) as SymbolicTensor;
}

/** `: at least 56x56 pixels`, found by trying sizes; empty when a foreign layer hides what it does to sizes. */
function describeMinimumImageSize(
  [height, width]: readonly number[],
  trunk: Trunk | undefined,
  tasks: readonly TaskDefinition[],
): string {
  const chains = tasks.map(({ branch }) => [
    ...(branch.inputView ?? []),
    ...(trunk?.layerStack ?? []),
    ...branch.layerStack,
  ]);
  if (chains.flat().some((piece) => !('~block' in piece))) return '';
  const fits = (side: number, chain: readonly LayerLike[]) => {
    let left = side;
    for (const piece of chain) {
      left = (piece as Extract<LayerLike, { '~block': string }>).computeOutputSize(left);
      if (left <= 0) return false;
    }
    return true;
  };
  for (let side = Math.min(height!, width!); side <= 4096; side++) {
    if (chains.every((chain) => fits(side, chain))) return `: at least ${side}x${side} pixels`;
  }
  return '';
}
