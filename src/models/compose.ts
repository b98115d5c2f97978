import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Piece } from '../layers/block.js';
import type { Branch, Trunk } from '../layers/parts.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { silenceCpuAdvice } from '../tensor/quiet.js';
import { tf } from '../tensor/tf.js';
import { graphOf } from './graph.js';
import { initialise } from './initialise.js';
import type { Network, NetworkInput } from './network.js';
import { again, extend, type PartSite, type Placed, type Surroundings, show, siteOf } from './site.js';
import { viewsOf } from './views.js';

/** A task and the layers that lead to it. */
export interface ComposedTask {
  readonly name: string;
  readonly task: AnyTask;
  readonly branch: Branch;
}

/** Everything a network is made from. */
export interface Composition {
  readonly input: NetworkInput;
  readonly trunk: Trunk | undefined;
  readonly tasks: readonly ComposedTask[];
  readonly seed: number;
}

/**
 * Builds the network: trunk, branches, one head a task, all in one flat `tf.LayersModel` whose layers are named by
 * place, with weights drawn from the seed.
 *
 * @throws `argument` fault for images too small, a branch that does not end flat, two layers of one name, and layers
 *   that a step cannot run.
 */
export function composeNetwork({ input, trunk, tasks, seed }: Composition): Network {
  silenceCpuAdvice();
  const image = tf.input({ shape: [...input.shape], name: 'image' });
  const smallest = () => smallestSide(input.shape, trunk, tasks);
  const placed: Placed = new Map(['image', ...tasks.map(({ name }) => name)].map((name) => [name, null]));
  const weighed = new Map<tf.layers.Layer, readonly Float32Array[]>();
  const surroundings: Surroundings = { placed, weighed, smallest, range: input.range };
  const site = (part: string, view: SymbolicTensor) => siteOf(part, view, surroundings);
  try {
    const views = viewsOf(tasks, site('image', image));
    const shared = trunk
      ? sharing(trunk, (view) => site('trunk', view), smallest)
      : (view: SymbolicTensor) => view;
    const outputs = tasks.map(({ name, task, branch }, i) => {
      const end = extend(shared(views[i]!), branch.pieces, site(name, views[i]!));
      return head(name, task, end, placed);
    });
    const layersModel = tf.model({ inputs: image, outputs, name: 'multitask' });
    initialise(layersModel, seed, weighed);
    return networkOf(layersModel, Object.fromEntries(tasks.map(({ name, task }) => [name, task])), input);
  } catch (error) {
    const given = new Set<unknown>(
      [trunk?.pieces, ...tasks.flatMap(({ branch }) => [branch.pieces, branch.sees ?? []])].flat(),
    );
    for (const layer of placed.values())
      if (!given.has(layer)) tf.dispose(layer?.weights.map((w) => w.read()));
    throw error;
  }
}

/** The trunk: built on the first view that it is asked for, and called on every other with the same weights. */
function sharing(
  trunk: Trunk,
  siteOn: (view: SymbolicTensor) => PartSite,
  smallest: () => string,
): (view: SymbolicTensor) => SymbolicTensor {
  const ends = new Map<number, SymbolicTensor>();
  let built: { site: PartSite; end: SymbolicTensor } | undefined;
  const build = (view: SymbolicTensor) => {
    const site = siteOn(view);
    built = { site, end: extend(view, trunk.pieces, site) };
    return built.end;
  };
  return (view) => {
    const end = ends.get(view.id) ?? (built ? again(built.site, view, built.end, smallest) : build(view));
    ends.set(view.id, end);
    return end;
  };
}

/** A network around a flat model whose layers are ours already. */
export function networkOf<T extends Tasks>(
  layersModel: tf.LayersModel,
  tasks: T,
  input: NetworkInput,
): Network<T> {
  return { layersModel, tasks, input, graph: graphOf(layersModel) };
}

/** The last layer of a task: named like the task, since that is the name of the output in every format. */
function head(name: string, task: AnyTask, end: SymbolicTensor, placed: Placed): SymbolicTensor {
  if (end.shape.length !== 2) {
    throw fault({
      kind: 'argument',
      path: `branch ${name}`,
      expected: 'a flat output, [features]',
      received: show(end.shape),
      advice: 'End the branch with flatten() or globalAveragePool(), then dense() layers as you like.',
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
function smallestSide(
  [height, width]: readonly number[],
  trunk: Trunk | undefined,
  tasks: readonly ComposedTask[],
): string {
  const chains = tasks.map(({ branch }) => [
    ...(branch.sees ?? []),
    ...(trunk?.pieces ?? []),
    ...branch.pieces,
  ]);
  if (chains.flat().some((piece) => !('~block' in piece))) return '';
  const fits = (side: number, chain: readonly Piece[]) => {
    let left = side;
    for (const piece of chain) {
      left = (piece as Extract<Piece, { '~block': string }>).side(left);
      if (left <= 0) return false;
    }
    return true;
  };
  for (let side = Math.min(height!, width!); side <= 4096; side++) {
    if (chains.every((chain) => fits(side, chain))) return `: at least ${side}x${side} pixels`;
  }
  return '';
}
