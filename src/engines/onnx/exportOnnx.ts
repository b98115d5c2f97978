import { taskTable } from '../../io/taskTable.js';
import { networkOf } from '../../models/compose.js';
import { runGraph } from '../../models/graph.js';
import type { Network, NetworkInput } from '../../models/network.js';
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
  return onWasm(() => exportNetwork(networkOf(model.layersModel, model.tasks, model.input)));
}

/** The same for a network, recorded on the backend in use, which must read synchronously. */
export function exportNetwork(network: Network): Uint8Array {
  const [two, three] = recordTwins(predictionOf(network), [2, 3], false);
  const { nodes, constants } = graphOf(two.recording, three.recording, two.inputs, two.outputs);
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
    description: `Answers ${Object.keys(network.tasks).join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': table },
  });
}

function describe({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other answer is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}

/** A prediction. The images differ from each other, and from those of the other turn. */
function predictionOf(network: Network): Pass {
  return (count) => {
    const shape = [count, ...network.input.shape];
    const size = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: size }, (_, i) => ((i * 7 + count * 13) % 97) / 97);
    const image = tf.tensor(values, shape);
    const outputs = runGraph(network.graph, image, { training: false });
    const names = Object.keys(network.tasks);
    return {
      inputs: { image },
      outputs: Object.fromEntries(outputs.map((output, i) => [names[i]!, output])),
    };
  };
}
