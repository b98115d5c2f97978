import type { Json } from '../../../core/json.js';
import { writeHdf5 } from '../../../formats/hdf5/write/writeHdf5.js';
import { writeZip } from '../../../formats/zip/zip.js';
import { TASK_TABLE_KEY } from '../file/kerasNames.js';
import { type CompileConfig, toKerasCompileConfig } from './compileConfig.js';
import type { KerasGraph } from './kerasGraph.js';
import { stringifyKerasJson } from './kerasObjects.js';
import { toModelConfig } from './modelConfig.js';
import {
  createLegacyWeightsGroup,
  createWeightsGroup,
  KERAS_VERSION,
  type OptimizerVariables,
  type WeightReader,
} from './weightGroups.js';

/**
 * Format of a Keras file. `keras`: the zip archive of Keras 3. `h5`: one HDF5 file, which Keras 3 calls the
 * legacy format.
 *
 * @category Files
 */
export type KerasFormat = 'keras' | 'h5';

/** Contents of a Keras file. */
export interface KerasFileContents {
  readonly graph: KerasGraph;
  readonly readWeight: WeightReader;
  readonly compileConfig: CompileConfig | undefined;
  /** Variables of the optimizer. They are written only to a `.keras` archive. */
  readonly optimizerVariables: OptimizerVariables | undefined;
  /** Metadata of this library, which Keras ignores: tasks, labels and pixel range. */
  readonly taskTable: Json | undefined;
}

/** Writes a model as a Keras file. All dates in the file are constant, so the same contents result in the same bytes. */
export function writeKerasFile(format: KerasFormat, contents: KerasFileContents): Promise<Uint8Array> {
  return format === 'keras' ? writeArchive(contents) : writeLegacyFile(contents);
}

async function writeArchive(contents: KerasFileContents): Promise<Uint8Array> {
  const { graph, readWeight, compileConfig, optimizerVariables, taskTable } = contents;
  const metadata = {
    keras_version: KERAS_VERSION.keras_version,
    date_saved: '1980-01-01@00:00:00',
    ...(taskTable === undefined ? {} : { [TASK_TABLE_KEY]: taskTable }),
  };
  const config = {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: toModelConfig(graph, false),
    registered_name: 'Functional',
    build_config: { input_shape: null },
    compile_config: compileConfig ? toKerasCompileConfig(compileConfig, false) : {},
  };
  const weights = writeHdf5(await createWeightsGroup(graph, readWeight, optimizerVariables));
  const text = (value: Json) => new TextEncoder().encode(stringifyKerasJson(value));
  return writeZip({
    'metadata.json': text(metadata),
    'config.json': text(config),
    'model.weights.h5': weights,
  });
}

async function writeLegacyFile(contents: KerasFileContents): Promise<Uint8Array> {
  const { graph, readWeight, compileConfig, taskTable } = contents;
  const config = { class_name: 'Functional', config: toModelConfig(graph, true) };
  const attributes = {
    ...KERAS_VERSION,
    model_config: stringifyKerasJson(config),
    ...(compileConfig
      ? { training_config: stringifyKerasJson(toKerasCompileConfig(compileConfig, true)) }
      : {}),
    ...(taskTable === undefined ? {} : { [TASK_TABLE_KEY]: stringifyKerasJson(taskTable) }),
  };
  const groups = { model_weights: await createLegacyWeightsGroup(graph, readWeight) };
  return writeHdf5({ attributes, groups, arrays: {} });
}
