import { fault } from '../core/errors.js';
import type { BackboneOptions, BackboneTable } from './backbone.js';
import {
  type FileLayer,
  matchWeights,
  type RowWeights,
  type WeightedLayer,
  weightedLayers,
} from './weights.js';

/** The weights of a backbone's rows, and those of the layer before them where Keras has one with weights. */
export interface BackboneWeights {
  readonly rows: RowWeights;
  readonly before: readonly Float32Array[] | undefined;
}

export async function readBackboneWeights(
  _table: BackboneTable,
  { weights }: BackboneOptions<string>,
  _before?: WeightedLayer,
): Promise<BackboneWeights | undefined> {
  if (weights === null) return undefined;
  throw new Error('later');
}
