import { createArgumentError, createError, createFileError } from '../../core/errors/errors.js';
import type { ImageShape } from '../../core/images.js';
import type { Tasks } from '../../tasks/task.js';
import type { tf } from '../../tensor/tf.js';
import type { KerasOutput } from './read/readKerasModel.js';

/**
 * Assigns a model output to each task, and returns `[task, output index]` pairs. A task is matched by the name of the output or, if no
 * output has this name, by the name of the output's layer. If no task can be matched by name, all tasks are matched by order.
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
      expected: `the names of the model's outputs (${outputs.map(({ name }) => name).join(', ')}), or one task per output`,
      received: tasks.map((task) => `"${task}"`).join(', ') || 'no tasks',
      advice:
        'Use the names of the outputs as task names, or pass one task name per output, in the order of the outputs.',
    });
  }
  const unusedOutputs = outputs.filter((_, i) => !found.some(([, output]) => output === i));
  if (unusedOutputs.length > 0)
    log?.(`dropped outputs without a task: ${unusedOutputs.map(({ name }) => name).join(', ')}`);
  return found;
}

/**
 * Throws an `argument` error if a task differs from the task with the same name in the file. For example, labels in a different order would
 * result in wrong predictions.
 */
export function checkTaskMatchesFile(
  name: string,
  task: Tasks[string],
  fileTask: Tasks[string] | undefined,
): void {
  const describeTask = ({ kind, labels }: Tasks[string]) =>
    labels ? `${kind}([${labels.join(', ')}])` : kind;
  if (!fileTask || describeTask(fileTask) === describeTask(task)) return;
  throw createError({
    kind: 'argument',
    path: `loadKeras.tasks.${name}`,
    expected: `${describeTask(fileTask)}, as stored in the file`,
    received: describeTask(task),
    advice: 'Use the task type and the order of labels that were used for training.',
  });
}

/**
 * Returns the shape `[height, width, channels]` of the images that a model accepts. Throws a `file` error if the model has several inputs,
 * or an input that is not an image of fixed size.
 */
export function getImageShape({ inputs }: tf.LayersModel, path: string): ImageShape {
  const [image, ...otherInputs] = inputs;
  if (!image || otherInputs.length > 0) {
    throw createFileError(
      path,
      'a model whose only input is the image',
      `a model with ${inputs.length} inputs`,
      'Omit `tasks` to load the file as a plain LayersModel.',
    );
  }
  const [, ...shape] = image.shape;
  const [height, width, channels] = shape;
  if (shape.length === 3 && height && width && (channels === 1 || channels === 3)) {
    return [height, width, channels];
  }
  throw createFileError(
    path,
    'an input for images of a fixed size with 1 or 3 channels',
    `an input of shape [${shape.map((size) => size ?? '?').join(', ')}]`,
    'If the file does not specify the image size, pass the size, for example `input: [128, 128, 3]`.',
  );
}

/**
 * Throws an `argument` error unless an output fits its task: the number of units must match, and the output of a classification task must
 * end with an activation.
 */
export function checkTaskOutput(output: tf.SymbolicTensor, task: Tasks[string], path: string): void {
  const [, ...shape] = output.shape;
  if (shape.length !== 1 || shape[0] !== task.units) {
    throw createArgumentError(
      path,
      `an output of shape [${task.units}] for ${task.kind}`,
      `an output of shape [${shape.join(', ')}]`,
      'Use regression() or binary() for one number, and categorical() for one number per label.',
    );
  }
  if (task.kind === 'regression' || findOutputActivation(output) !== 'linear') return;
  throw createArgumentError(
    path,
    `an output with the activation ${task.activation}`,
    'an output without an activation',
    `Add Activation('${task.activation}') at the end of the model in Keras.`,
  );
}

/** Returns the name of the last activation that is applied to an output, or undefined if the layers do not reveal the activation. */
function findOutputActivation({ sourceLayer, nodeIndex }: tf.SymbolicTensor): string | undefined {
  const { activation } = sourceLayer.getConfig();
  const [input] = sourceLayer.inboundNodes[nodeIndex]?.inputTensors ?? [];
  const isLinear = sourceLayer.getClassName() === 'Activation' && activation === 'linear';
  return isLinear && input ? findOutputActivation(input) : (activation as string | undefined);
}
