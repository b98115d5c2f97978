import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRng } from '../../src/entries/node.js';
import { patchLayer } from '../../src/layers/patched/patchLayer.js';
import {
  ANY_RANK,
  type Choice,
  DRAWING,
  DRAWING_ROWS,
  FLAT,
  type GraphBuilder,
  IMAGE,
  odd,
  pick,
  ROWS,
  SEQUENCE,
  type Shape,
  TO_VOLUME,
  VOLUME,
} from './layerFamilies.js';

/** Description of a random model that {@link buildModel} builds. Shrinking removes layers. */
export interface ModelSpec {
  readonly seed: number;
  readonly inputs: readonly (readonly [height: number, width: number, channels: number])[];
  readonly choices: readonly Choice[];
  readonly outputs: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.nat(10_000),
  from: fc.nat(100),
  other: fc.nat(100),
  size: fc.integer({ min: 1, max: 3 }),
  turn: fc.nat(1000),
  frozen: fc.boolean(),
});

const side = fc.integer({ min: 5, max: 8 });
const channels = fc.constantFrom(1, 3);

/** Random models of one or two images with branches, merges and shared layers, from all families of supported layers. */
export const modelSpec: fc.Arbitrary<ModelSpec> = fc.record({
  seed: fc.nat(1_000_000),
  inputs: fc.array(fc.tuple(side, side, channels), { minLength: 1, maxLength: 2 }),
  choices: fc.array(choice, { minLength: 1, maxLength: 20, size: 'max' }),
  outputs: fc.integer({ min: 1, max: 3 }),
});

/** Options of {@link buildModel}. */
export interface BuildOptions {
  /** Names of tasks. If they are set, the model has one image and one flat output for each task. */
  readonly tasks?: readonly string[];
  /** Whether the model has only image layers: no layers for sequences or volumes, and no layers that generate random numbers. Default: whether the model has tasks. */
  readonly images?: boolean;
}

/** Maximum number of elements in a tensor. */
const LARGEST = 4000;

const sizeOf = (shape: Shape) => shape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);

/** Builds the model for a spec, with weights from the seed of the spec. Equal specs result in equal models. */
export function buildModel(
  spec: ModelSpec,
  { tasks, images: plain = tasks !== undefined }: BuildOptions = {},
): tf.LayersModel {
  const counts = new Map<string, number>();
  const pool: SymbolicTensor[] = [];
  const read = new Set<number>();
  const layers: { layer: tf.layers.Layer; shape: string }[] = [];
  const graph: GraphBuilder = {
    name: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${kind}_${count}`;
    },
    connect: (layer, input) => {
      const inputs = Array.isArray(input) ? input : [input];
      const output = layer.apply(input) as SymbolicTensor;
      for (const { id } of inputs) read.add(id);
      if (!Array.isArray(input)) layers.push({ layer, shape: input.shape.join() });
      return output;
    },
    like: (x, which) => {
      const others = pool.filter(({ id, shape }) => id !== x.id && shape.join() === x.shape.join());
      if (others.length === 0) throw new Error('no other tensor of this shape');
      return pick(others, which);
    },
    shared: (x, which) => {
      const fitting = layers.filter(({ shape }) => shape === x.shape.join());
      return fitting.length === 0 ? undefined : pick(fitting, which).layer;
    },
  };
  const images = (tasks ? spec.inputs.slice(0, 1) : spec.inputs).map((shape, i) =>
    tf.input({ shape: [...shape], name: i === 0 ? 'image' : `image_${i}` }),
  );
  pool.push(...images);
  for (const c of spec.choices) {
    const x = pool[pool.length - 1 - (c.from % Math.min(4, pool.length))]!; // One of the most recent tensors is chosen, so that the model becomes deep.
    const rank = x.shape.length;
    const family = rank === 5 ? VOLUME : [IMAGE, plain ? SEQUENCE : ROWS, FLAT][4 - rank]!;
    const drawing = plain || rank === 5 ? [] : [...DRAWING, ...(rank === 3 ? DRAWING_ROWS : [])];
    const reshaping = rank === 4 && !plain ? [TO_VOLUME] : [];
    const kinds = rank === 5 ? family : [...family, ...family, ...ANY_RANK, ...drawing, ...reshaping];
    const y = tryAction(() => pick(kinds, c.kind)(x, c, graph));
    if (!y || sizeOf(y.shape) > LARGEST || y.shape.slice(1).some((size) => !(size! > 0))) continue;
    if (c.frozen && odd(c.turn, 8)) y.sourceLayer.trainable = false;
    pool.push(y);
  }
  const ends = pool.slice(images.length).filter(({ id }) => !read.has(id));
  const wanted = tasks?.length ?? spec.outputs;
  const last = (ends.length > 0 ? ends : images).slice(-wanted);
  const outputs = tasks
    ? tasks.map((name, i) => headOf(name, pick(last, i), graph))
    : last.map((end, i) => (images.includes(end) ? headOf(`out_${i}`, end, graph) : end));
  const used = images.filter((image) => leadsTo(image, outputs));
  const model = tf.model({ inputs: used, outputs, name: 'drawn' });
  fill(model, spec.seed);
  if (tasks) for (const layer of model.layers) patchLayer(layer, 'drawn');
  return model;
}

/** Runs an action, and returns undefined if the action throws, so that a layer that does not accept the shape is skipped. */
function tryAction<R>(action: () => R): R | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function headOf(name: string, end: SymbolicTensor, graph: GraphBuilder): SymbolicTensor {
  const flat =
    end.shape.length === 2 ? end : graph.connect(tf.layers.flatten({ name: graph.name('flatten') }), end);
  return graph.connect(tf.layers.dense({ name, units: 1 }), flat);
}

function leadsTo(image: SymbolicTensor, outputs: readonly SymbolicTensor[]): boolean {
  const seen = new Set<number>();
  const visit = (tensor: SymbolicTensor): boolean => {
    if (tensor.id === image.id) return true;
    if (seen.has(tensor.id)) return false;
    seen.add(tensor.id);
    const inputs = tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!.inputTensors;
    return tensor.sourceLayer.getClassName() !== 'InputLayer' && inputs.some(visit);
  };
  return outputs.some(visit);
}

/** Replaces the initial values of each weight with different random numbers: variances above 0, other weights around 0. */
function fill(model: tf.LayersModel, seed: number): void {
  for (const weight of model.weights) {
    const random = createRng(seed, weight.originalName);
    const positive = weight.originalName.endsWith('variance');
    const shape = weight.shape as number[];
    const values = Float32Array.from({ length: sizeOf([null, ...shape]) }, () =>
      positive ? random.uniform(0.5, 2) : random.uniform(-0.5, 0.5),
    );
    const tensor = tf.tensor(values, shape);
    weight.write(tensor);
    tensor.dispose();
  }
}

/** Creates noise between 0 and 1 for each input of a model, in the order of the inputs. */
export function noiseFor(model: tf.LayersModel, count: number, seed: number): Float32Array[] {
  return model.inputs.map(({ shape }, i) => {
    const random = createRng(seed, 'noise', i);
    return Float32Array.from({ length: count * sizeOf(shape) }, () => Math.fround(random.next()));
  });
}

/** Returns the outputs of a model for these inputs, in the order of the outputs. */
export function answersOf(
  model: tf.LayersModel,
  inputs: readonly Float32Array[],
  count: number,
): Float32Array[] {
  return tf.tidy(() => {
    const tensors = model.inputs.map(({ shape }, i) =>
      tf.tensor(inputs[i]!, [count, ...(shape.slice(1) as number[])]),
    );
    const outputs = [model.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat() as tf.Tensor[];
    return outputs.map((output) => output.dataSync().slice() as Float32Array);
  });
}
