import * as checks from '../../core/errors/checks.js';
import { exportGraph } from '../../engines/onnx/executor/exportGraph.js';
import { runOnWasm } from '../../engines/select.js';
import { checkModel } from '../../network/checkModel.js';
import { type ExportableModel, getNetwork, getPlatform } from '../../network/exportableModel.js';
import type { Network } from '../../network/network.js';
import { createTaskTable } from '../../network/savedModel/taskTable.js';
import type { AnyTask } from '../../tasks/task.js';

/**
 * Exports a model as an `.onnx` file for ONNX Runtime and other tools. The file contains one graph with constant weights (opset 18).
 *
 * - Input `image`: float32 `[batch, height, width, channels]`, any batch size, in the model's pixel range (default: 0 to 1). The input has
 *   this name even if {@link loadKeras} loaded the model from a file in which the input has a different name.
 * - One output per task, with the name of the task: float32 `[batch, units]`. The values are the predicted number in the task's unit
 *   (regression), the probability of the second label (binary), or one probability per label (categorical).
 * - Metadata `tfjs-multitask`: the task table as JSON, with labels, units and pixel range.
 *
 * @param model - A model that {@link multiTask} built, or {@link loadModel} or {@link loadKeras} loaded.
 * @returns The bytes of the file, with the current weights.
 * @throws An `argument` error if `model` is not a model or was disposed. An `engine` error that contains the operation and its layer if the
 *   operation cannot be compiled to ONNX or depends on the batch size. A `memory` error if the weights exceed 2 GiB, the limit of the
 *   format.
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
  checks.noOptions('exportOnnx', arguments[1]);
  checkModel('exportOnnx', model, false);
  const network = getNetwork(model);
  return network.usage.run(() => runOnWasm(getPlatform(model), () => exportNetwork(network)));
}

/**
 * Exports a network as the bytes of an `.onnx` file. The network is traced on the current TensorFlow.js backend, which must support
 * synchronous reads with `dataSync`.
 */
export function exportNetwork(network: Network): Uint8Array {
  network.weightSync.sync();
  const [black, white] = network.input.range;
  const { inputs, outputs } = network.graph;
  const taskNames = Object.keys(network.tasks);
  // A model from Keras keeps the names of its layers, but the names in the ONNX file do not depend on the origin of the model.
  const graph = {
    ...network.graph,
    inputs: inputs.map((input) => ({ ...input, name: 'image' })),
    outputs: outputs.map((output, i) => ({ ...output, name: taskNames[i]! })),
  };
  return exportGraph(graph, {
    inputDescription: `Images, rows from the top, channels last; ${black} is black, ${white} is white.`,
    outputDescriptions: Object.values(network.tasks).map(describeOutput),
    modelDescription: `Predicts ${taskNames.join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': JSON.stringify(createTaskTable(network)) },
  });
}

function describeOutput({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other label is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}
