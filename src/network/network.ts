import type { ImageShape, PixelRange } from '../core/images.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { createLayerGraph, type LayerGraph } from './layerGraph.js';
import { createLossGraph } from './lossGraph.js';
import { WeightSync } from './weightSync.js';

/**
 * Input of a network: the size of its images and the range of their values.
 *
 * @category Compose
 */
export interface NetworkInput {
  /** `[height, width, channels]` in pixels. */
  readonly shape: ImageShape;
  /** Values that the bytes 0 and 255 are mapped to. */
  readonly range: PixelRange;
}

/** Objects that a {@link Network} can share with another network that has the same weights. */
interface NetworkParts {
  readonly graph?: LayerGraph;
  readonly lossGraph?: LayerGraph;
  readonly weightSync?: WeightSync;
}

/** A built network: a flat `tf.LayersModel`, its tasks and its input. */
export class Network<T extends Tasks = Tasks> {
  /** Calls of the layers in execution order. Read weights through {@link layersModel}, which is up to date even during a run. */
  readonly graph: LayerGraph;
  /** Copies weights from a run in progress into the variables of {@link layersModel}. */
  readonly weightSync: WeightSync;
  /** {@link graph}, with logits in place of probabilities where the loss of a task is computed from logits. */
  readonly lossGraph: LayerGraph;
  readonly #layersModel: tf.LayersModel;

  /**
   * @param layersModel - A flat model whose layers are patched for training.
   * @param tasks - Tasks in the order of the model's outputs.
   */
  constructor(
    layersModel: tf.LayersModel,
    readonly tasks: T,
    readonly input: NetworkInput,
    parts: NetworkParts = {},
  ) {
    this.#layersModel = layersModel;
    this.graph = parts.graph ?? createLayerGraph(layersModel);
    this.lossGraph = parts.lossGraph ?? createLossGraph(this.graph, tasks);
    this.weightSync = parts.weightSync ?? new WeightSync();
  }

  /** The TensorFlow.js model, with the weights of the last training step. */
  get layersModel(): tf.LayersModel {
    this.weightSync.sync();
    return this.#layersModel;
  }

  /** Returns a network with the same weights that runs only a part of the layers. */
  withGraph(graph: LayerGraph): Network<T> {
    return new Network(this.#layersModel, this.tasks, this.input, { graph, weightSync: this.weightSync });
  }
}
