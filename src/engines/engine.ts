import type { Tensor } from '@tensorflow/tfjs';
import type { HostArray } from '../core/arrays.js';
import type { Store } from '../core/platform/platform.js';
import { getLayers, type InferenceFunction, type LayerGraph, runInference } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Executor } from '../steps/executor.js';
import { runOnBackend } from '../tensor/startBackend.js';
import { tf } from '../tensor/tf.js';
import { checkMemory } from './checkMemory.js';
import { createEagerExecutor } from './eager/eagerExecutor.js';
import type { EngineName } from './engineChoice.js';
import { createOnnxExecutor } from './onnx/executor/onnxExecutor.js';
import { PredictionSessions } from './onnx/executor/predictionSessions.js';
import type { StartedEngine } from './processState.js';

/** Settings for compiling training steps. Only the `onnx` engine compiles training steps; all other engines ignore these settings. */
export interface CompileSettings {
  /** Store in which compiled and verified training steps are cached. */
  readonly compileCache?: Store | undefined;
  /** Called with a message if the cache cannot be written. The run continues without the cache. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * An engine that has started. It runs training steps and predictions, and owns the executors and ONNX Runtime sessions that they need.
 * During training, {@link forward} uses the weights of the last step.
 */
export class Engine {
  readonly name: EngineName;
  readonly #backend: string;
  readonly #onnx: StartedEngine['onnx'];
  /** Executors of the runs in progress. Each executor is mapped to the set of layers whose weights its steps change. */
  readonly #executors = new Map<Executor, ReadonlySet<tf.layers.Layer>>();
  /** ONNX Runtime sessions for predictions. Undefined for engines that run on a TensorFlow.js backend. */
  readonly #predictionSessions: PredictionSessions | undefined;

  constructor({ name, backend, onnx }: StartedEngine) {
    this.name = name;
    this.#backend = backend;
    this.#onnx = onnx;
    this.#predictionSessions = onnx && new PredictionSessions(onnx.runtime, onnx.threads);
  }

  /**
   * Creates the executor of a training run. Until the executor is disposed of, reading weights through the network first copies the current
   * weights from the executor into the variables of the model.
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
        try {
          steps.dispose();
        } finally {
          this.#executors.delete(executor);
          network.weightSync.detach(executor);
        }
      },
    };
    this.#executors.set(executor, new Set(getLayers(network.graph).filter(canStepChange)));
    network.weightSync.attach(executor);
    return executor;
  }

  /**
   * Runs one batch through a graph in inference mode. If the model is being trained, the weights of the last step are used.
   *
   * @param inputs - One array or tensor per graph input. Pixel values are in the range that the network expects. The caller must dispose of
   *   tensors.
   * @returns One tensor per graph output. The caller must dispose of them.
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
    // Another engine can have become active since the call that predicts began.
    return runOnBackend(this.#backend, () =>
      tf.tidy(() => {
        const tensors = inputs.map((input) =>
          'dtype' in input ? input : tf.tensor(input.data, [...input.shape]),
        );
        return runInference(graph, tensors);
      }),
    );
  }

  /** Releases the ONNX Runtime session for predictions with a graph. Call this when the graph is no longer needed. */
  release(graph: LayerGraph | InferenceFunction): void {
    this.#predictionSessions?.release(graph);
  }

  /** Throws a `memory` error if a training step on `batchSize` images does not fit into the memory of the engine. */
  checkMemory(network: Network, batchSize: number): void {
    checkMemory(network, batchSize, this.name);
  }

  /**
   * Copies current weights into the variables of the model. Only executors that train a layer of this graph are asked for their weights.
   */
  #syncWeights(graph: Pick<LayerGraph, 'calls'>): void {
    for (const [executor, layers] of this.#executors) {
      if (graph.calls.some(({ layer }) => layers.has(layer))) executor.syncWeights();
    }
  }
}

/**
 * Returns whether a training step can change weights of the layer. `layer.trainableWeights` does not answer this, because batch
 * normalization without scale and center has only moving statistics, which a step also changes.
 */
const canStepChange = (layer: tf.layers.Layer) => layer.trainable && layer.weights.length > 0;

/** Downloads the values of a tensor into host memory. */
export async function readTensor(tensor: Tensor): Promise<HostArray> {
  return { shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}
