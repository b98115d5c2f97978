import type { LayerVariable } from '@tensorflow/tfjs';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { tf } from '../tensor/tf.js';

/**
 * Throws an `argument` error for a value that is not a model, or for a disposed model.
 *
 * @param plain - Whether a `tf.LayersModel` is accepted in addition to a multi-task model.
 */
export function checkModel(path: string, model: unknown, plain: boolean): void {
  const layersModel = getLayersModel(model, plain);
  if (!layersModel) {
    throw createError({
      kind: 'argument',
      path,
      expected: plain ? 'a model' : 'a multi-task model',
      received: describeType(model),
      advice: suggestAwait(model, 'Pass a model from multiTask().build(), loadModel() or loadKeras().'),
    });
  }
  if (layersModel.weights.some(isWeightDisposed)) throw createDisposedModelError(path);
}

/** Creates the error that a method or function throws for a disposed model. */
export const createDisposedModelError = (path: string) =>
  createError({
    kind: 'argument',
    path,
    expected: 'a model with weights',
    received: 'a model after dispose()',
    advice: 'Call dispose() last, or load the saved model with loadModel().',
  });

function getLayersModel(model: unknown, plain: boolean): tf.LayersModel | undefined {
  const { layersModel, layers } = (model ?? {}) as Partial<{ layersModel: tf.LayersModel } & tf.LayersModel>;
  if (layersModel) return layersModel;
  return plain && layers ? (model as tf.LayersModel) : undefined;
}

/**
 * Whether a weight was disposed of. In the public API of TensorFlow.js, only an error of `read()` shows this, which cannot be distinguished
 * from other errors.
 */
const isWeightDisposed = (weight: LayerVariable) =>
  (weight as unknown as { val: tf.Variable }).val.isDisposed;
