import { exportGraph } from '../../engines/onnx/executor/exportGraph.js';
import { runOnWasm } from '../../engines/select.js';
import { checkModel } from '../../network/checkModel.js';
import { type ExportableModel, getNetwork, getPlatform } from '../../network/exportableModel.js';
import type { Network } from '../../network/network.js';
import { createTaskTable } from '../../network/savedModel/taskTable.js';
import type { AnyTask } from '../../tasks/task.js';

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
  const network = getNetwork(model);
  return runOnWasm(getPlatform(model), () => exportNetwork(network));
}

/** Returns a network as an `.onnx` file. It traces on the TensorFlow.js backend in use, which must read synchronously. */
export function exportNetwork(network: Network): Uint8Array {
  network.weightSync.sync();
  const [black, white] = network.input.range;
  return exportGraph(network.graph, {
    inputDescription: `Images, rows from the top, channels last; ${black} is black, ${white} is white.`,
    outputDescriptions: Object.values(network.tasks).map(describeOutput),
    modelDescription: `Answers ${Object.keys(network.tasks).join(', ')} for each image.`,
    metadata: { 'tfjs-multitask': JSON.stringify(createTaskTable(network)) },
  });
}

function describeOutput({ kind, unit, labels = [] }: AnyTask): string {
  if (kind === 'regression') return `In ${unit}.`;
  if (kind === 'binary') return `Probability of "${labels[1]}"; the other answer is "${labels[0]}".`;
  return `Probabilities of ${labels.map((label) => `"${label}"`).join(', ')}.`;
}
