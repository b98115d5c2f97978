import { createArgumentError, createError, createFileError } from '../../core/errors/errors.js';
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
      expected: `the names of the model's outputs (${outputs.map(({ name }) => name).join(', ')}), or one name of your own per output`,
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
 * Throws an `argument` error unless a task equals the task of this name in the file's task table. With labels in another order, the
 * model would predict the wrong labels.
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
    expected: `the task ${describeTask(fileTask)} of the file`,
    received: describeTask(task),
    advice: 'List the labels in the order that was used for training.',
  });
}

/** Returns the shape of the model's only input, the image. Throws a `file` error for any other input. */
export function getImageShape({ inputs }: tf.LayersModel, path: string): ImageShape {
  const [image, ...otherInputs] = inputs;
  if (!image || otherInputs.length > 0) {
    throw createFileError(
      path,
      'a model with one input, the image',
      `${inputs.length} inputs`,
      'Omit `tasks` to load it as a plain LayersModel.',
    );
  }
  const [, ...shape] = image.shape;
  const [height, width, channels] = shape;
  if (shape.length === 3 && height && width && (channels === 1 || channels === 3)) {
    return [height, width, channels];
  }
  throw createFileError(
    path,
    'images of a fixed size with 1 or 3 channels',
    `an input of shape [${shape.map((size) => size ?? '?').join(', ')}]`,
    'Pass the size, for example `input: [128, 128, 3]`, if the file does not fix it.',
  );
}

/**
 * Throws an `argument` error unless an output has the size of the task and, if the task predicts probabilities, an activation at its end.
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
    'an output without activation',
    `Add Activation('${task.activation}') at the end of the model in Keras.`,
  );
}

/** Returns the name of the activation at the end of an output, or undefined if the configurations of its layers do not contain it. */
function findOutputActivation({ sourceLayer, nodeIndex }: tf.SymbolicTensor): string | undefined {
  const { activation } = sourceLayer.getConfig();
  const [input] = sourceLayer.inboundNodes[nodeIndex]?.inputTensors ?? [];
  const isLinear = sourceLayer.getClassName() === 'Activation' && activation === 'linear';
  return isLinear && input ? findOutputActivation(input) : (activation as string | undefined);
}
