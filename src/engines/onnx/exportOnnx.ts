import { taskTable } from '../../io/taskTable.js';
import { checkModel } from '../../models/checkModel.js';
import { networkOf } from '../../models/compose.js';
import { type Derived, type Graph, infer } from '../../models/graph.js';
import type { Network, NetworkInput } from '../../models/network.js';
import { settle } from '../../models/settle.js';
import type { AnyTask, Tasks } from '../../tasks/task.js';
import { tf } from '../../tensor/tf.js';
import { onWasm } from '../choose.js';
import { onnxBytes } from './format.js';
import { graphOf } from './graph.js';
import { type Pass, recordTwins } from './twins.js';

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
 * @throws `argument` fault for what is no model or is disposed of; `engine` fault naming the operation that has no counterpart, or that depends on the batch size.
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
  checkModel('exportOnnx', model, false);
  settle(model.layersModel);
  return onWasm(() => exportNetwork(networkOf(model.layersModel, model.tasks, model.input)));
}

/** The same for a network, recorded on the backend in use, which must read synchronously. */
export function exportNetwork(network: Network): Uint8Array {
  const [black, white] = network.input.range;
  return exportGraph(network.graph, {
    input: `Images, rows from the top, channels last; ${black} is black, ${white} is white.`,
    outputs: Object.values(network.tasks).map(describe),
    whole: `Answers ${Object.keys(network.tasks).join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': JSON.stringify(taskTable(network)) },
  });
}

/** What a file says about a graph. */
interface Words {
  /** About every input. */
  readonly input: string;
  readonly outputs: readonly string[];
  readonly whole: string;
  readonly metadata: { readonly [key: string]: string };
}

/** Any graph with its weights as they are, in inference mode; inputs and outputs by their names. */
export function exportGraph(graph: Graph | Derived, words?: Words): Uint8Array {
  const [two, three] = recordTwins(predictionOf(graph), [2, 3], false);
  const { nodes, constants } = graphOf(two.recording, three.recording, two.inputs, two.outputs);
  const port = ({ name, shape }: Derived['outputs'][number], description = '') => ({
    name,
    shape: ['batch', ...shape],
    description,
  });
  return onnxBytes({
    nodes,
    constants,
    inputs: graph.inputs.map((input) => port(input, words?.input)),
    outputs: graph.outputs.map((output, i) => port(output, words?.outputs[i])),
    description: words?.whole ?? '',
    metadata: words?.metadata ?? {},
  });
}

function describe({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other answer is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}

/** A prediction. The examples differ from each other, and from those of the other turn. */
function predictionOf(graph: Graph | Derived): Pass {
  return (count) => {
    const given = graph.inputs.map(({ shape }) => exampleOf([count, ...shape], count));
    const outputs = infer(graph, given);
    return { inputs: byName(graph.inputs, given), outputs: byName(graph.outputs, outputs) };
  };
}

function exampleOf(shape: number[], count: number): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7 + count * 13) % 97) / 97),
    shape,
  );
}

const byName = (ports: Derived['outputs'], tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(ports.map(({ name }, i) => [name, tensors[i]!]));
