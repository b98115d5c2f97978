import type { Tensor } from '@tensorflow/tfjs';
import type { HostArray } from '../core/arrays.js';
import type { Store } from '../core/platform/platform.js';
import { getLayers, type InferenceFunction, type LayerGraph, runInference } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Executor } from '../steps/executor.js';
import { tf } from '../tensor/tf.js';
import { checkMemory } from './checkMemory.js';
import { createEagerExecutor } from './eager/eagerExecutor.js';
import type { EngineName } from './engineChoice.js';
import { createOnnxExecutor } from './onnx/executor/onnxExecutor.js';
import { PredictionSessions } from './onnx/executor/predictionSessions.js';
import type { StartedEngine } from './processState.js';

/** How an engine compiles training steps. Engines that run operation by operation ignore these settings. */
export interface CompileSettings {
  /** Store for compiled steps that were verified. */
  readonly compileCache?: Store | undefined;
  /** Called with a message if the cache cannot be written. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * An engine that has started. It runs training steps and predictions, and owns the executors and ONNX sessions for them. During training,
 * {@link forward} uses the weights of the last step.
 */
export class Engine {
  readonly name: EngineName;
  readonly #onnx: StartedEngine['onnx'];
  /** The executors in use, each with the layers whose weights its steps change. */
  readonly #executors = new Map<Executor, ReadonlySet<tf.layers.Layer>>();
  /** Undefined for engines that run predictions operation by operation. */
  readonly #predictionSessions: PredictionSessions | undefined;

  constructor({ name, onnx }: StartedEngine) {
    this.name = name;
    this.#onnx = onnx;
    this.#predictionSessions = onnx && new PredictionSessions(onnx.runtime, onnx.threads);
  }

  /**
   * Creates the executor of a run. Until it is disposed of, each read of weights through the network first copies the executor's
   * weights into the model's variables.
   */
  createExecutor(
    network: Network,
    optimizer: Optimizer,
    lossWeights: { readonly [task: string]: number },
    { compileCache, log }: CompileSettings = {},
  ): Executor {
    const steps = this.#onnx
      ? createOnnxExecutor(this.#onnx.runtime, network, optimizer, lossWeights, {
          threads: this.#onnx.threads,
          compileCache,
          log,
        })
      : createEagerExecutor(network, optimizer, lossWeights);
    const executor: Executor = {
      ...steps,
      dispose: () => {
        steps.dispose();
        this.#executors.delete(executor);
        network.weightSync.detach(executor);
      },
    };
    this.#executors.set(executor, new Set(getLayers(network.graph).filter(canStepChange)));
    network.weightSync.attach(executor);
    return executor;
  }

  /**
   * Runs one batch through a graph in inference mode, with the current weights.
   *
   * @param inputs - One array or tensor per graph input; images are in the network's range. The caller disposes of these tensors.
   * @returns One tensor per graph output, which the caller disposes of.
   */
  async forward(
    graph: LayerGraph | InferenceFunction,
    inputs: readonly (HostArray | Tensor)[],
  ): Promise<Tensor[]> {
    if (this.#predictionSessions) {
      const arrays = await Promise.all(inputs.map((input) => ('dtype' in input ? readTensor(input) : input)));
      this.#syncWeights(graph);
      const outputs = await this.#predictionSessions.run(graph, arrays);
      return outputs.map(({ data, shape }) => tf.tensor(data, [...shape]));
    }
    this.#syncWeights(graph);
    return tf.tidy(() => {
      const tensors = inputs.map((input) =>
        'dtype' in input ? input : tf.tensor(input.data, [...input.shape]),
      );
      return runInference(graph, tensors);
    });
  }

  /** Releases the ONNX session of a graph's predictions. Call it when the graph is no longer used. */
  release(graph: LayerGraph | InferenceFunction): void {
    this.#predictionSessions?.release(graph);
  }

  /** Throws a `memory` error if a training step on `batchSize` images does not fit into the engine's memory. */
  checkMemory(network: Network, batchSize: number): void {
    checkMemory(network, batchSize, this.name);
  }

  /**
   * Copies weights into the model's variables from the executors that train layers of this graph. Other executors do not affect the graph.
   */
  #syncWeights(graph: Pick<LayerGraph, 'calls'>): void {
    for (const [executor, layers] of this.#executors) {
      if (graph.calls.some(({ layer }) => layers.has(layer))) executor.syncWeights();
    }
  }
}

/** Whether a training step may write weights of the layer. Trainable layers include batch normalization without scale and center. */
const canStepChange = (layer: tf.layers.Layer) => layer.trainable && layer.weights.length > 0;

/** Returns a tensor's values as an array on the host. */
export async function readTensor(tensor: Tensor): Promise<HostArray> {
  return { shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}
