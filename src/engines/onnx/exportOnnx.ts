import { fault } from '../../core/errors.js';
import { taskTable } from '../../io/taskTable.js';
import { networkOf } from '../../models/compose.js';
import { runGraph } from '../../models/graph.js';
import type { Network, NetworkInput } from '../../models/network.js';
import type { AnyTask, Tasks } from '../../tasks/task.js';
import { type KernelCall, type Recording, record, type Seen } from '../../tensor/recorder.js';
import { tf } from '../../tensor/tf.js';
import { useEngine } from '../choose.js';
import { onnxBytes } from './format.js';
import { graphOf } from './graph.js';

/**
 * What {@link exportOnnx} needs of a model; every `MultiTaskModel` has it.
 *
 * @category Files
 */
export interface Exportable {
  /** Layers and weights. */
  readonly layersModel: tf.LayersModel;
  /** By name, in the order of the outputs. */
  readonly tasks: Tasks;
  /** Size and range of the images. */
  readonly input: NetworkInput;
}

/**
 * A model as an `.onnx` file that ONNX Runtime and every tool of that format open: one graph with constant weights
 * (operation set 18).
 *
 * - Input `image`, float32 `[batch, height, width, channels]`, any batch size, in the model's pixel range (0..1 unless it
 *   was built with another).
 * - One output a task, by its name, `[batch, units]`: the number in its unit, the probability of the second label, or one
 *   probability a label.
 * - Metadata `tfjs-multitask`: the task table as JSON, with labels, units and pixel range.
 *
 * @param model - What {@link multiTask} built or {@link loadModel} opened.
 * @throws `engine` fault naming the operation that has no counterpart, or that depends on the batch size.
 * @example
 * ```ts
 * import { branch, exportOnnx, flatten, memoryStore, multiTask, regression } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .build();
 * const store = memoryStore();
 * await store.write('age.onnx', await exportOnnx(model));
 * console.log(await store.list()); // [ 'age.onnx' ]
 * ```
 * @category Files
 */
export async function exportOnnx(model: Exportable): Promise<Uint8Array> {
  const network = networkOf(model.layersModel, model.tasks, model.input);
  await useEngine('wasm');
  // Two batch sizes tell what belongs to the network from what belongs to the batch.
  const [two, three] = [2, 3].map((batch) => pass(network, batch)) as [Pass, Pass];
  checkSame(two, three);
  const names = Object.keys(network.tasks);
  const { nodes, constants } = graphOf(
    two.recording,
    three.recording,
    [{ name: 'image', tensor: two.image }],
    names.map((name, i) => ({ name, tensor: two.outputs[i]! })),
  );
  const table = JSON.stringify(taskTable(network));
  const [black, white] = network.input.range;
  return onnxBytes({
    nodes,
    constants,
    inputs: [
      {
        name: 'image',
        shape: ['batch', ...network.input.shape],
        description: `Images, rows from the top, channels last; ${black} is black, ${white} is white.`,
      },
    ],
    outputs: Object.entries(network.tasks).map(([name, task]) => ({
      name,
      shape: ['batch', task.units],
      description: describe(task),
    })),
    description: `Answers ${names.join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': table },
  });
}

function describe({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other answer is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}

interface Pass {
  readonly recording: Recording<unknown>;
  readonly image: Seen;
  readonly outputs: readonly Seen[];
}

/** A prediction written down. The images differ from each other, and from those of another batch size. */
function pass(network: Network, batch: number): Pass {
  return tf.tidy(() => {
    const shape = [batch, ...network.input.shape];
    const size = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: size }, (_, i) => ((i * 7 + batch * 13) % 97) / 97);
    const image = tf.tensor(values, shape);
    const recording = record(() => runGraph(network.graph, image, { training: false }));
    return { recording, image: seenOf(image), outputs: recording.result.map(seenOf) } as never;
  }) as unknown as Pass;
}

const seenOf = ({ dataId, shape, dtype }: tf.Tensor): Seen => ({ id: dataId, shape, dtype });

/** Throws unless both passes ran the same kernels on the same constants. */
function checkSame(two: Pass, three: Pass): void {
  const longest = Math.max(two.recording.calls.length, three.recording.calls.length);
  for (let i = 0; i < longest; i++) {
    const [one, other] = [two.recording.calls[i], three.recording.calls[i]];
    if (one?.kernel !== other?.kernel) throw dependsOnBatch((one ?? other)!.kernel);
    if (countsImages(one!, other!)) throw dependsOnBatch(one!.kernel);
    for (const [name, input] of Object.entries(one!.inputs)) {
      const leaf = input.id === two.image.id ? undefined : two.recording.leaves.get(input.id);
      const twin = other!.inputs[name];
      const otherLeaf = twin && twin.id !== three.image.id ? three.recording.leaves.get(twin.id) : undefined;
      const equal =
        leaf?.length === otherLeaf?.length &&
        (!leaf || Array.from(leaf).every((v, j) => v === otherLeaf![j]));
      if (!equal) throw dependsOnBatch(one!.kernel);
    }
  }
}

/** Whether an attribute differs that the graph would hold as it was for the first batch. */
function countsImages(one: KernelCall, other: KernelCall): boolean {
  switch (one.kernel) {
    // Their sizes are those of other values.
    case 'Reshape':
    case 'Conv2DBackpropInput':
      return false;
    case 'Slice':
      return JSON.stringify(partsOf(one)) !== JSON.stringify(partsOf(other));
    default:
      return JSON.stringify(one.attributes) !== JSON.stringify(other.attributes);
  }
}

/** For each axis what a slice takes of it; of one taken whole nothing is written down. */
function partsOf({ inputs, outputs, attributes }: KernelCall) {
  const begin = [attributes.begin].flat();
  return outputs[0]!.shape.map((size, axis) =>
    size === inputs.x!.shape[axis] ? 'whole' : [begin[axis], size],
  );
}

const dependsOnBatch = (kernel: string) =>
  fault({
    kind: 'engine',
    path: `operation ${kernel}`,
    expected: 'the same operations and constants for every batch of images',
    received: 'others for a second batch',
    advice: 'A layer draws or counts in JavaScript, or looks at the batch size: take it out.',
  });
