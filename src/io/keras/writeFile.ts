import type { Json } from '../../core/json.js';
import { writeHdf5 } from '../hdf5.js';
import { writeZip } from '../zip.js';
import { TABLE } from './names.js';
import { type Compiled, compiledJson } from './writeCompiled.js';
import type { KerasGraph } from './writeGraph.js';
import { kerasJson } from './writeObjects.js';
import { topologyJson } from './writeTopology.js';
import {
  legacyWeights,
  type OptimizerState,
  VERSION,
  type WeightNumbers,
  weightsTree,
} from './writeWeights.js';

/**
 * `keras`: the zip archive of Keras 3. `h5`: one HDF5 file, which Keras 3 calls the legacy format.
 *
 * @category Files
 */
export type KerasFormat = 'keras' | 'h5';

/** Everything a file holds. */
export interface KerasContents {
  readonly graph: KerasGraph;
  readonly numbers: WeightNumbers;
  readonly compiled: Compiled | undefined;
  /** For the archive alone. */
  readonly optimizer: OptimizerState | undefined;
  /** What this library knows and Keras does not: tasks, labels, pixel range. Keras reads past it. */
  readonly table: Json | undefined;
}

/** A model as a file of Keras. The same contents give the same bytes: the date in it is always the same. */
export function kerasFile(format: KerasFormat, contents: KerasContents): Promise<Uint8Array> {
  return format === 'keras' ? archive(contents) : wholeModel(contents);
}

async function archive(contents: KerasContents): Promise<Uint8Array> {
  const { graph, numbers, compiled, optimizer, table } = contents;
  const metadata = {
    keras_version: VERSION.keras_version,
    date_saved: '1980-01-01@00:00:00',
    ...(table === undefined ? {} : { [TABLE]: table }),
  };
  const config = {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: topologyJson(graph, false),
    registered_name: 'Functional',
    build_config: { input_shape: null },
    compile_config: compiled ? compiledJson(compiled, false) : {},
  };
  const weights = writeHdf5(await weightsTree(graph, numbers, optimizer));
  const text = (value: Json) => new TextEncoder().encode(kerasJson(value));
  return writeZip({
    'metadata.json': text(metadata),
    'config.json': text(config),
    'model.weights.h5': weights,
  });
}

async function wholeModel(contents: KerasContents): Promise<Uint8Array> {
  const { graph, numbers, compiled, table } = contents;
  const config = { class_name: 'Functional', config: topologyJson(graph, true) };
  const attributes = {
    ...VERSION,
    model_config: kerasJson(config),
    ...(compiled ? { training_config: kerasJson(compiledJson(compiled, true)) } : {}),
    ...(table === undefined ? {} : { [TABLE]: kerasJson(table) }),
  };
  const groups = { model_weights: await legacyWeights(graph, numbers) };
  return writeHdf5({ attributes, groups, arrays: {} });
}
