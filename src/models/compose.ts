import type { SymbolicTensor } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { PixelRange } from '../core/images.js';
import type { Piece, Site } from '../layers/block.js';
import { adopt, checkAdoptable } from '../layers/own/adopt.js';
import type { Branch, Trunk } from '../layers/parts.js';
import type { AnyTask, Tasks } from '../tasks/task.js';
import { silenceCpuAdvice } from '../tensor/quiet.js';
import { tf } from '../tensor/tf.js';
import { graphOf } from './graph.js';
import { initialise } from './initialise.js';
import type { Network, NetworkInput } from './network.js';

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
  const weighed = new Set<tf.layers.Layer>();
  const site = (part: string) => siteOf(part, { placed, weighed, smallest, range: input.range });
  try {
    const shared = trunk ? extend(image, trunk.pieces, site('trunk')) : image;
    const outputs = tasks.map(({ name, task, branch }) => {
      const end = extend(shared, branch.pieces, site(name));
      return head(name, task, end, placed);
    });
    const layersModel = tf.model({ inputs: image, outputs, name: 'multitask' });
    initialise(layersModel, seed, weighed);
    return networkOf(layersModel, Object.fromEntries(tasks.map(({ name, task }) => [name, task])), input);
  } catch (error) {
    const given = new Set<unknown>(
      [trunk, ...tasks.map(({ branch }) => branch)].flatMap((part) => part?.pieces),
    );
    for (const layer of placed.values())
      if (!given.has(layer)) tf.dispose(layer?.weights.map((w) => w.read()));
    throw error;
  }
}

/** The layers so far by name, null where a name is kept free. Those that the network made go when it cannot be built. */
type Placed = Map<string, tf.layers.Layer | null>;

/** What the sites of one network share. */
interface Surroundings {
  readonly placed: Placed;
  /** The layers whose weights were given. */
  readonly weighed: Set<tf.layers.Layer>;
  readonly smallest: () => string;
  readonly range: PixelRange;
}

/** A network around a flat model whose layers are ours already. */
export function networkOf<T extends Tasks>(
  layersModel: tf.LayersModel,
  tasks: T,
  input: NetworkInput,
): Network<T> {
  return { layersModel, tasks, input, graph: graphOf(layersModel) };
}

function extend(input: SymbolicTensor, pieces: readonly Piece[], site: Site): SymbolicTensor {
  return pieces.reduce<SymbolicTensor>(
    (x, piece) => ('~block' in piece ? piece.build(x, site) : site.connect(piece, x)),
    input,
  );
}

/** Names and connects the layers of one part of a network. */
function siteOf(part: string, { placed, weighed, smallest, range }: Surroundings): Site {
  const counts = new Map<string, number>();
  return {
    range,
    weigh: (layer, arrays) => {
      weighed.add(layer);
      layer.weights.forEach((weight, i) => {
        const values = tf.tensor(arrays[i]!, weight.shape as number[]);
        weight.write(values);
        values.dispose();
      });
    },
    name: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${part}_${kind}${count}`;
    },
    connect: (layer, input) => {
      nameByPlace(layer, part, counts);
      if (placed.has(layer.name)) {
        const task = placed.get(layer.name) === null && layer.name !== 'image';
        throw fault({
          kind: 'argument',
          path: `${part}: ${layer.name}`,
          expected: 'a layer name that is used once',
          received: task ? 'the name of a task' : 'a second layer of that name',
          advice: task
            ? 'Rename the task: its last layer has its name. A tf.layers layer may be renamed as well.'
            : 'Give the tf.layers layer another name; a layer cannot stand in two places.',
        });
      }
      placed.set(layer.name, layer);
      checkAdoptable(layer, part);
      const shapes = (Array.isArray(input) ? input : [input]).map(({ shape }) => shape);
      const accepted = <R>(action: () => R) => accepting(layer, shapes, part, action);
      const shape = accepted(
        () => layer.computeOutputShape((shapes.length === 1 ? shapes[0] : shapes) as number[]) as Shape,
      );
      const image = shapes[0]!.length === 4;
      if (image && shape.slice(1).some((size) => size !== null && size <= 0)) {
        throw fault({
          kind: 'argument',
          path: layer.name,
          expected: `an image large enough to leave something at this layer${smallest()}`,
          received: `input ${show(shapes[0]!)}, which leaves ${show(shape)}`,
          advice: 'Use larger images, or fewer strides and poolings.',
        });
      }
      const output = accepted(() => layer.apply(input) as SymbolicTensor);
      adopt(layer, part);
      return output;
    },
  };
}

/**
 * A tf.layers layer without a name of its own carries a count of all layers that this process made (`conv2d_Conv2D7`):
 * it is named like a block instead, so that one program builds one network however often, and draws equal weights.
 */
function nameByPlace(layer: tf.layers.Layer, part: string, counts: Map<string, number>): void {
  if (layer.built || !new RegExp(`_${layer.getClassName()}\\d+$`).test(layer.name)) return;
  const kind = layer.getClassName().toLowerCase();
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  layer.name = `${part}_${kind}${count}`;
}

type Shape = readonly (number | null)[];

/** `action`, whose error is that of a layer which does not take these shapes. */
function accepting<R>(layer: tf.layers.Layer, shapes: readonly Shape[], part: string, action: () => R): R {
  try {
    return action();
  } catch (cause) {
    throw fault({
      kind: 'argument',
      path: `${part}: ${layer.name}`,
      expected: `a layer that accepts ${show(shapes[0]!)}`,
      received: cause instanceof Error ? cause.message : String(cause),
      advice:
        shapes[0]!.length === 2
          ? 'What comes before it is flat already: check the order of the blocks; a backbone with top: true is flat too.'
          : 'Check the order of the blocks: flatten() or globalAveragePool() stands before dense().',
      cause,
    });
  }
}

const show = (shape: Shape) => `[${shape.slice(1).join(', ')}]`;

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
  const chains = tasks.map(({ branch }) => [...(trunk?.pieces ?? []), ...branch.pieces]);
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
