import { lowerTrace } from '../../engines/onnx/lower/traceLowering.js';
import { type TraceablePass, tracePair } from '../../engines/onnx/trace/tracePair.js';
import { runOnWasm } from '../../engines/select.js';
import { encodeOnnxModel } from '../../formats/onnxModel.js';
import { createNetwork } from '../../network/buildNetwork.js';
import { checkModel } from '../../network/checkModel.js';
import type { ExportableModel } from '../../network/exportableModel.js';
import { type InferenceFunction, type LayerGraph, runInference } from '../../network/layerGraph.js';
import type { Network } from '../../network/network.js';
import { createTaskTable } from '../../network/savedModel/taskTable.js';
import { syncWeights } from '../../network/weightSync.js';
import type { AnyTask } from '../../tasks/task.js';
import { tf } from '../../tensor/tf.js';

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
export async function exportOnnx(model: ExportableModel): Promise<Uint8Array> {
  checkModel('exportOnnx', model, false);
  syncWeights(model.layersModel);
  return runOnWasm(() => exportNetwork(createNetwork(model.layersModel, model.tasks, model.input)));
}

/** The same for a network, recorded on the backend in use, which must read synchronously. */
export function exportNetwork(network: Network): Uint8Array {
  const [black, white] = network.input.range;
  return exportGraph(network.graph, {
    inputDescription: `Images, rows from the top, channels last; ${black} is black, ${white} is white.`,
    outputDescriptions: Object.values(network.tasks).map(describeOutput),
    modelDescription: `Answers ${Object.keys(network.tasks).join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': JSON.stringify(createTaskTable(network)) },
  });
}

/** What a file says about a graph. */
interface GraphDescription {
  /** About every input. */
  readonly inputDescription: string;
  readonly outputDescriptions: readonly string[];
  readonly modelDescription: string;
  readonly metadata: { readonly [key: string]: string };
}

/** Any graph with its weights as they are, in inference mode; inputs and outputs by their names. */
export function exportGraph(graph: LayerGraph | InferenceFunction, words?: GraphDescription): Uint8Array {
  const [two, three] = tracePair(createPredictionPass(graph), [2, 3], false);
  const { nodes, initializers } = lowerTrace(two.trace, three.trace, two.inputs, two.outputs);
  const port = ({ name, shape }: InferenceFunction['outputs'][number], description = '') => ({
    name,
    shape: ['batch', ...shape],
    description,
  });
  return encodeOnnxModel({
    nodes,
    initializers,
    inputs: graph.inputs.map((input) => port(input, words?.inputDescription)),
    outputs: graph.outputs.map((output, i) => port(output, words?.outputDescriptions[i])),
    description: words?.modelDescription ?? '',
    metadata: words?.metadata ?? {},
  });
}

function describeOutput({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other answer is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}

/** A prediction. The examples differ from each other, and from those of the other turn. */
function createPredictionPass(graph: LayerGraph | InferenceFunction): TraceablePass {
  return (count) => {
    const given = graph.inputs.map(({ shape }) => createExample([count, ...shape], count));
    const outputs = runInference(graph, given);
    return { inputs: toNamedTensors(graph.inputs, given), outputs: toNamedTensors(graph.outputs, outputs) };
  };
}

function createExample(shape: number[], count: number): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7 + count * 13) % 97) / 97),
    shape,
  );
}

const toNamedTensors = (ports: InferenceFunction['outputs'], tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(ports.map(({ name }, i) => [name, tensors[i]!]));
