import { createError } from '../../core/errors/errors.js';
import type { ImageShape } from '../../core/images.js';
import type { Tasks } from '../../tasks/task.js';
import type { tf } from '../../tensor/tf.js';
import type { KerasOutput } from './read/readKerasModel.js';

/**
 * Assigns an output to each task: `[task, index of the output]`. Tasks are matched by the name of the output,
 * then by the name of its layer, then by order.
 */
export function matchOutputs(
  tasks: readonly string[],
  outputs: readonly KerasOutput[],
  log: ((text: string) => void) | undefined,
): [task: string, output: number][] {
  const findOutputIndex = (task: string) => {
    const named = outputs.findIndex(({ name }) => name === task);
    return named >= 0 ? named : outputs.findIndex(({ layer }) => layer === task);
  };
  const found = tasks.map((task) => [task, findOutputIndex(task)] as [string, number]);
  if (found.every(([, output]) => output < 0) && tasks.length === outputs.length && tasks.length > 0) {
    log?.(
      `matched tasks to outputs by order: ${tasks.map((task, i) => `${task} ← ${outputs[i]!.name}`).join(', ')}`,
    );
    return tasks.map((task, i) => [task, i]);
  }
  const unmatched = found.find(([, output]) => output < 0);
  if (unmatched || tasks.length === 0) {
    throw createError({
      kind: 'argument',
      path: 'loadKeras.tasks',
      expected: `names of the model's outputs (${outputs.map(({ name }) => name).join(', ')}), or one other name for each`,
      received: tasks.map((task) => `"${task}"`).join(', ') || 'none',
      advice: 'Name the tasks like the outputs, or give as many tasks as outputs, in their order.',
    });
  }
  const unusedOutputs = outputs.filter((_, i) => !found.some(([, output]) => output === i));
  if (unusedOutputs.length > 0)
    log?.(`dropped outputs without a task: ${unusedOutputs.map(({ name }) => name).join(', ')}`);
  return found;
}

/**
 * Checks that a task equals the one that this library wrote into the file. Labels in another order would swap
 * the answers.
 */
export function checkTaskMatchesFile(
  name: string,
  task: Tasks[string],
  fileTask: Tasks[string] | undefined,
): void {
  const show = ({ kind, labels }: Tasks[string]) => (labels ? `${kind}([${labels.join(', ')}])` : kind);
  if (!fileTask || show(fileTask) === show(task)) return;
  throw createError({
    kind: 'argument',
    path: `loadKeras.tasks.${name}`,
    expected: `${show(fileTask)}, as the file says`,
    received: show(task),
    advice: 'Give the labels in the order in which the model was trained.',
  });
}

/** Returns the shape of the model's only input, the image. Throws a `file` error for any other input. */
export function getImageShape({ inputs }: tf.LayersModel, path: string): ImageShape {
  const wrong = (expected: string, received: string, advice: string) =>
    createError({ kind: 'file', path, expected, received, advice });
  const [image, ...otherInputs] = inputs;
  if (!image || otherInputs.length > 0) {
    throw wrong(
      'a model of one input, the image',
      `${inputs.length} inputs`,
      'Leave `tasks` out to have it as it is.',
    );
  }
  const [, ...shape] = image.shape;
  const [height, width, channels] = shape;
  if (shape.length === 3 && height && width && (channels === 1 || channels === 3)) {
    return [height, width, channels];
  }
  throw wrong(
    'images of a known size with 1 or 3 channels',
    `[${shape.map((size) => size ?? '?').join(', ')}]`,
    'Give the size as `input: [128, 128, 3]` where the model leaves it open.',
  );
}

/**
 * Checks that an output has the size of the task, and that it ends with an activation if the task predicts
 * probabilities.
 */
export function checkTaskOutput(output: tf.SymbolicTensor, task: Tasks[string], path: string): void {
  const wrong = (expected: string, received: string, advice: string) =>
    createError({ kind: 'argument', path, expected, received, advice });
  const [, ...shape] = output.shape;
  if (shape.length !== 1 || shape[0] !== task.units) {
    throw wrong(
      `an output of [${task.units}], for ${task.kind}`,
      `[${shape.join(', ')}]`,
      'regression() and binary() are one number, categorical() one a label.',
    );
  }
  if (task.kind === 'regression' || findOutputActivation(output) !== 'linear') return;
  throw wrong(
    `an output that ends with ${task.activation}`,
    'one that ends without activation',
    `Put Activation('${task.activation}') at the end of the model in Keras.`,
  );
}

/** Finds the activation at the end of an output, if its layers tell. */
function findOutputActivation({ sourceLayer, nodeIndex }: tf.SymbolicTensor): string | undefined {
  const { activation } = sourceLayer.getConfig();
  const [input] = sourceLayer.inboundNodes[nodeIndex]?.inputTensors ?? [];
  const isLinear = sourceLayer.getClassName() === 'Activation' && activation === 'linear';
  return isLinear && input ? findOutputActivation(input) : (activation as string | undefined);
}
