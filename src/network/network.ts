import type { ImageShape, PixelRange } from '../core/images.js';
import { LastFit } from '../core/records/lastFit.js';
import { UseCounter } from '../core/useCounter.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { createLayerGraph, type LayerGraph } from './layerGraph.js';
import { createLossGraph } from './lossGraph.js';
import { WeightSync } from './weightSync.js';

/**
 * Input of a network: the shape of the images and the range of their pixel values.
 *
 * @category Compose
 */
export interface NetworkInput {
  /** `[height, width, channels]` in pixels. */
  readonly shape: ImageShape;
  /** Range to which pixel values are scaled: the two numbers to which the bytes 0 and 255 are mapped. */
  readonly range: PixelRange;
}

/** Optional constructor arguments of {@link Network}, for a second network that shares the weights of an existing one. */
interface NetworkParts {
  readonly graph?: LayerGraph;
  readonly lossGraph?: LayerGraph;
  readonly weightSync?: WeightSync;
  readonly lastFit?: LastFit;
  readonly usage?: UseCounter;
}

/** A built network: a flat `tf.LayersModel`, its tasks and its input. */
export class Network<T extends Tasks = Tasks> {
  /**
   * Layer calls in execution order. Read weights through {@link layersModel} instead, because only its weights are up to date during a run.
   */
  readonly graph: LayerGraph;
  /** Object that copies the current weights into the variables of {@link layersModel} while an engine trains copies of these weights. */
  readonly weightSync: WeightSync;
  /** Options and result of the last run that trained the network. */
  readonly lastFit: LastFit;
  /**
   * Graph for computing losses: {@link graph}, but with logits instead of probabilities for each task whose loss is computed from logits.
   */
  readonly lossGraph: LayerGraph;
  /** Calls that read the weights across several steps, such as predictions. The weights are disposed of after the last of them. */
  readonly usage: UseCounter;
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
    this.lastFit = parts.lastFit ?? new LastFit();
    this.usage = parts.usage ?? new UseCounter();
  }

  /** The TensorFlow.js model. Reading this property first copies the weights of the last training step into its variables. */
  get layersModel(): tf.LayersModel {
    this.weightSync.sync();
    return this.#layersModel;
  }

  /** Whether the variables of the layers were freed, by `dispose()` of the model or of its `tf.LayersModel`. */
  get isDisposed(): boolean {
    return this.usage.isReleased || isLayersModelDisposed(this.#layersModel);
  }

  /**
   * Returns a network that shares the weights of this network but runs only the layer calls of `graph`, for example its trainable layers.
   */
  withGraph(graph: LayerGraph): Network<T> {
    const { weightSync, lastFit, usage } = this;
    return new Network(this.#layersModel, this.tasks, this.input, { graph, weightSync, lastFit, usage });
  }
}

/**
 * Returns whether the variables of a model were freed. The check uses private fields, because the public API of TensorFlow.js has no such
 * check: `read()` throws an error, but that error cannot be distinguished from others.
 */
export function isLayersModelDisposed(model: tf.LayersModel): boolean {
  if ((model as unknown as { readonly _refCount?: number })._refCount === 0) return true;
  return model.weights.some((weight) => (weight as unknown as { val: tf.Variable }).val.isDisposed);
}
