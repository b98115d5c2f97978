import type { LayerVariable } from '@tensorflow/tfjs';
import { countElements, formatShape } from '../../core/arrays.js';
import { createFileError, isMultitaskError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { ensureBackend } from '../../tensor/hostBackend.js';
import { awaitBackendOfProgram } from '../../tensor/startBackend.js';
import { resetLayerRefCounts } from '../../tensor/stockLayers.js';
import { tf } from '../../tensor/tf.js';

/** Name, shape and number type of one weight in a weights file. */
interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

/** A saved model: its layers, and its weights as one file. */
export interface SavedLayersModel {
  /** Layers, as TensorFlow.js saves them. */
  readonly topology: object;
  /** List of the weights in the file, in order. The list comes from an untrusted file, so its type is unknown. */
  readonly weightSpecs: unknown;
  readonly weightBytes: Uint8Array;
}

const COPY_ADVICE = 'Copy the whole folder again.';

/**
 * Creates a model from its saved layers and weights. The file is not trusted: the list of weights is compared with the size of the weights
 * file, and the layers with this list, before memory for weights is allocated. If the model is rejected, all its tensors are disposed of.
 *
 * @param path - Path of `model.json`, for errors.
 * @throws A `file` error if TensorFlow.js cannot create the layers, or if the weights do not match them.
 */
export async function openLayersModel(path: string, saved: SavedLayersModel): Promise<tf.LayersModel> {
  const specs = checkWeightSpecs(saved.weightSpecs, saved.weightBytes.length, path);
  const maxWeightValues = specs.reduce((sum, { shape }) => sum + countElements(shape), 0);
  const layers = new Set<tf.layers.Layer>();
  let completedModel: tf.LayersModel | undefined;
  await awaitBackendOfProgram();
  ensureBackend();
  try {
    const model = await createLayers(saved.topology, layers, maxWeightValues, path);
    setWeights(model, specs, saved.weightBytes, path);
    resetLayerRefCounts(model);
    completedModel = model;
    return model;
  } catch (cause) {
    if (isMultitaskError(cause)) throw cause;
    throw createFileError(
      path,
      'a model that TensorFlow.js can load',
      `a model that fails to load (${String((cause as Error)?.message).split('\n')[0]})`,
      COPY_ADVICE,
      cause,
    );
  } finally {
    if (!completedModel) for (const layer of layers) tf.dispose(layer.weights.map((weight) => weight.read()));
  }
}

/** Checks the list of weights. The total size of the weights must equal the size of the weights file. */
function checkWeightSpecs(specs: unknown, fileBytes: number, path: string): WeightSpec[] {
  const listPath = `${path}: weightsManifest`;
  if (!Array.isArray(specs))
    throw createFileError(listPath, 'an array of weights', formatValue(specs), COPY_ADVICE);
  const weightNames = new Set<unknown>();
  const weightSpecs = specs.map((spec: { readonly [key: string]: unknown } | null): WeightSpec => {
    const { name, shape, dtype, quantization } = spec ?? {};
    const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
    const isNumeric = (dtype === 'float32' || dtype === 'int32') && quantization === undefined;
    if (typeof name !== 'string' || weightNames.has(name) || !isShape || !isNumeric) {
      throw createFileError(
        listPath,
        'weights with unique names, a shape and the type float32 or int32',
        formatValue(spec),
        COPY_ADVICE,
      );
    }
    weightNames.add(name);
    return { name, shape, dtype };
  });
  const bytes = weightSpecs.reduce((sum, { shape }) => sum + 4 * countElements(shape), 0);
  if (bytes !== fileBytes) {
    throw createFileError(
      listPath,
      `weights of ${fileBytes} bytes, the size of the weights file`,
      `weights of ${bytes} bytes`,
      COPY_ADVICE,
    );
  }
  return weightSpecs;
}

type AddWeight = (name: string, shape: readonly number[], ...rest: unknown[]) => LayerVariable;

/**
 * Creates the layers of a model, with zeros as weights. TensorFlow.js has no option that limits the weights of a model, so the method that
 * creates weights is replaced while TensorFlow.js creates the layers. TensorFlow.js creates the layers synchronously, so no other model is
 * affected.
 *
 * @param layers - Set to which the layers with weights are added. If this function throws, the caller must dispose of their weights.
 */
function createLayers(
  topology: object,
  layers: Set<tf.layers.Layer>,
  maxWeightValues: number,
  path: string,
): Promise<tf.LayersModel> {
  const prototype = tf.layers.Layer.prototype as unknown as { addWeight: AddWeight };
  const { addWeight } = prototype;
  let remainingValues = maxWeightValues;
  prototype.addWeight = function (this: tf.layers.Layer, name, shape, ...rest) {
    remainingValues -= countElements(shape);
    if (!(remainingValues >= 0)) {
      throw createFileError(
        `${path} (${this.name})`,
        `weights within the ${maxWeightValues} numbers of the weights file`,
        `${name} of shape ${formatShape(shape)}`,
        COPY_ADVICE,
      );
    }
    layers.add(this);
    this.setFastWeightInitDuringBuild(true);
    return addWeight.call(this, name, shape, ...rest);
  };
  try {
    return tf.models.modelFromJSON({ modelTopology: topology } as never);
  } finally {
    prototype.addWeight = addWeight;
  }
}

/** Copies the weights from the file to the variables of the model. The file must contain exactly the variables of the model. */
function setWeights(
  model: tf.LayersModel,
  specs: readonly WeightSpec[],
  bytes: Uint8Array,
  path: string,
): void {
  const describe = (name: string, shape: readonly unknown[], dtype: string) =>
    `${name} ${dtype} [${shape.join(', ')}]`;
  const variables = new Map(
    model.weights.map((variable) => [
      describe(variable.originalName, variable.shape, variable.dtype),
      variable,
    ]),
  );
  let offset = 0;
  for (const { name, shape, dtype } of specs) {
    const variable = variables.get(describe(name, shape, dtype));
    if (!variable) {
      throw createFileError(
        `${path}: weightsManifest`,
        `the weights of the layers: ${formatValue([...variables.keys()])}`,
        describe(name, shape, dtype),
        COPY_ADVICE,
      );
    }
    variables.delete(describe(name, shape, dtype));
    const end = offset + 4 * countElements(shape);
    const { buffer } = bytes.slice(offset, end);
    const values = tf.tensor(
      dtype === 'float32' ? new Float32Array(buffer) : new Int32Array(buffer),
      [...shape],
      dtype,
    );
    variable.write(values);
    values.dispose();
    offset = end;
  }
  const [missing] = variables.keys();
  if (missing !== undefined)
    throw createFileError(`${path}: weightsManifest`, `the weight ${missing}`, 'no such weight', COPY_ADVICE);
}
