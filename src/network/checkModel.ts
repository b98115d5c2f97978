import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { tf } from '../tensor/tf.js';
import type { ExportableModel } from './exportableModel.js';
import { isLayersModelDisposed } from './network.js';

/**
 * Throws an `argument` error unless `model` is a model that has not been disposed of.
 *
 * @param plain - If true, a plain `tf.LayersModel` is accepted in addition to a multi-task model.
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
  const isReleased = (model as ExportableModel)['~network']?.usage.isReleased ?? false;
  if (isReleased || isLayersModelDisposed(layersModel)) throw createDisposedModelError(path);
}

/** Creates the error for a call that receives a model whose weights were freed by `dispose()`. */
export const createDisposedModelError = (path: string, cause?: unknown) =>
  createError({
    kind: 'argument',
    path,
    expected: 'a usable model',
    received: 'a disposed model',
    advice:
      'Call dispose() only after the last use of the model, or load the saved model again with loadModel().',
    cause,
  });

function getLayersModel(model: unknown, plain: boolean): tf.LayersModel | undefined {
  const { layersModel, layers } = (model ?? {}) as Partial<{ layersModel: tf.LayersModel } & tf.LayersModel>;
  if (layersModel) return layersModel;
  return plain && layers ? (model as tf.LayersModel) : undefined;
}
