import type { SymbolicTensor } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRng } from '../../src/entries/node.js';
import { patchLayer } from '../../src/layers/own/patchLayer.js';
import { tf } from '../../src/tensor/tf.js';
import {
  ANY_RANK,
  type Choice,
  DEEPER,
  DRAWING,
  DRAWING_ROWS,
  FLAT,
  IMAGE,
  odd,
  pick,
  ROWS,
  SEQUENCE,
  type Shape,
  type Site,
  VOLUME,
} from './layerFamilies.js';

/** A model drawn by fast-check, as numbers: {@link builtFrom} makes it, shrinking drops layers. */
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

/** Models of one or two images, with branches, merges and shared layers, of every family of layers that is written. */
export const modelSpec: fc.Arbitrary<ModelSpec> = fc.record({
  seed: fc.nat(1_000_000),
  inputs: fc.array(fc.tuple(side, side, channels), { minLength: 1, maxLength: 2 }),
  choices: fc.array(choice, { minLength: 1, maxLength: 20, size: 'max' }),
  outputs: fc.integer({ min: 1, max: 3 }),
});

/** What is asked of a model. */
export interface BuildOptions {
  /** Names of tasks, one flat output each, behind one image. */
  readonly tasks?: readonly string[];
  /** Only layers for images: none for rows or volumes, none that draws by itself. True where there are tasks. */
  readonly images?: boolean;
}

/** A tensor may not grow without end, nor a layer take more than this. */
const LARGEST = 4000;

const sizeOf = (shape: Shape) => shape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);

/** The model of a spec, with weights from its seed. Equal specs give equal models. */
export function builtFrom(
  spec: ModelSpec,
  { tasks, images: plain = tasks !== undefined }: BuildOptions = {},
): tf.LayersModel {
  const counts = new Map<string, number>();
  const pool: SymbolicTensor[] = [];
  const read = new Set<number>();
  const made: { layer: tf.layers.Layer; shape: string }[] = [];
  const site: Site = {
    name: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${kind}_${count}`;
    },
    connect: (layer, input) => {
      const inputs = Array.isArray(input) ? input : [input];
      const output = layer.apply(input) as SymbolicTensor;
      for (const { id } of inputs) read.add(id);
      if (!Array.isArray(input)) made.push({ layer, shape: input.shape.join() });
      return output;
    },
    like: (x, which) => {
      const others = pool.filter(({ id, shape }) => id !== x.id && shape.join() === x.shape.join());
      if (others.length === 0) throw new Error('no other tensor of this shape');
      return pick(others, which);
    },
    shared: (x, which) => {
      const fitting = made.filter(({ shape }) => shape === x.shape.join());
      return fitting.length === 0 ? undefined : pick(fitting, which).layer;
    },
  };
  const images = (tasks ? spec.inputs.slice(0, 1) : spec.inputs).map((shape, i) =>
    tf.input({ shape: [...shape], name: i === 0 ? 'image' : `image_${i}` }),
  );
  pool.push(...images);
  for (const c of spec.choices) {
    const x = pool[pool.length - 1 - (c.from % Math.min(4, pool.length))]!; // a late one, so that depth grows
    const rank = x.shape.length;
    const own = rank === 5 ? VOLUME : [IMAGE, plain ? SEQUENCE : ROWS, FLAT][4 - rank]!;
    const drawing = plain || rank === 5 ? [] : [...DRAWING, ...(rank === 3 ? DRAWING_ROWS : [])];
    const deeper = rank === 4 && !plain ? [DEEPER] : [];
    const kinds = rank === 5 ? own : [...own, ...own, ...ANY_RANK, ...drawing, ...deeper];
    const y = tried(() => pick(kinds, c.kind)(x, c, site));
    if (!y || sizeOf(y.shape) > LARGEST || y.shape.slice(1).some((size) => !(size! > 0))) continue;
    if (c.frozen && odd(c.turn, 8)) y.sourceLayer.trainable = false;
    pool.push(y);
  }
  const ends = pool.slice(images.length).filter(({ id }) => !read.has(id));
  const wanted = tasks?.length ?? spec.outputs;
  const last = (ends.length > 0 ? ends : images).slice(-wanted);
  const outputs = tasks
    ? tasks.map((name, i) => headOf(name, pick(last, i), site))
    : last.map((end, i) => (images.includes(end) ? headOf(`out_${i}`, end, site) : end));
  const used = images.filter((image) => leadsTo(image, outputs));
  const model = tf.model({ inputs: used, outputs, name: 'drawn' });
  fill(model, spec.seed);
  if (tasks) for (const layer of model.layers) patchLayer(layer, 'drawn');
  return model;
}

/** A layer that does not take the shape is left out: which ones do is not the business of the spec. */
function tried<R>(action: () => R): R | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function headOf(name: string, end: SymbolicTensor, site: Site): SymbolicTensor {
  const flat =
    end.shape.length === 2 ? end : site.connect(tf.layers.flatten({ name: site.name('flatten') }), end);
  return site.connect(tf.layers.dense({ name, units: 1 }), flat);
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

/** Every weight its own numbers, none of them what it was born with: variances above 0, the rest around 0. */
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

/** Inputs for a model, by name and in order: noise from 0 to 1. */
export function noiseFor(model: tf.LayersModel, count: number, seed: number): Float32Array[] {
  return model.inputs.map(({ shape }, i) => {
    const random = createRng(seed, 'noise', i);
    return Float32Array.from({ length: count * sizeOf(shape) }, () => Math.fround(random.next()));
  });
}

/** The outputs for such inputs, in order. */
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
