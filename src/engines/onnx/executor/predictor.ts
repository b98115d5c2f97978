import type { HostArray } from '../../../core/arrays.js';
import { exportGraph } from '../../../interop/onnx/exportOnnx.js';
import { getLayers, type InferenceFunction, type LayerGraph } from '../../../network/layerGraph.js';
import { type OnnxRuntime, type OnnxSession, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { type OnnxEngineOptions, OPTIMIZED_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';

/** ONNX Runtime as the engine in use has it. */
export interface OnnxEngineState extends OnnxEngineOptions {
  readonly runtime: OnnxRuntime;
}

/** A graph in inference mode by ONNX Runtime. */
export interface Predictor {
  /** One array an input, one an output. */
  run(given: readonly HostArray[]): Promise<HostArray[]>;
}

interface PredictionSession {
  readonly runtime: OnnxRuntime;
  /** Identities of the weights' numbers: another assignment is another identity. */
  readonly weights: readonly object[];
  readonly session: Promise<OnnxSession>;
}

const SESSION_DESCRIPTION = 'the prediction';
const predictionSessions = new WeakMap<LayerGraph | InferenceFunction, PredictionSession>();

/** Frees what a graph's predictions hold. */
export function releasePredictor(graph: LayerGraph | InferenceFunction): void {
  predictionSessions
    .get(graph)
    ?.session.then((session) => session.release())
    .catch(() => {}); // one that never opened, told to whoever wanted it
  predictionSessions.delete(graph);
}

/**
 * A graph with its weights as they are, as a session: constants make a convolution faster, so a session serves until a
 * weight changes.
 */
export async function getPredictor(
  graph: LayerGraph | InferenceFunction,
  { runtime, threads }: OnnxEngineState,
): Promise<Predictor> {
  const weights = getLayers(graph).flatMap((layer) => layer.weights.map((weight) => weight.read().dataId));
  let open = predictionSessions.get(graph);
  if (
    !open ||
    open.runtime.InferenceSession !== runtime.InferenceSession ||
    open.weights.some((id, i) => id !== weights[i])
  ) {
    releasePredictor(graph);
    const options = { ...OPTIMIZED_OPTIONS, ...toThreadOptions(threads) };
    const session = createSession(runtime, exportGraph(graph), SESSION_DESCRIPTION, options);
    session.catch(() => predictionSessions.delete(graph));
    open = { runtime, weights, session };
    predictionSessions.set(graph, open);
  }
  const session = await open.session;
  return {
    run: async (given) => {
      const feeds = graph.inputs.map(({ name }, i) => [name, toOnnxTensor(runtime, given[i]!)] as const);
      const results = await runSession(runtime, session, SESSION_DESCRIPTION, Object.fromEntries(feeds));
      return graph.outputs.map(({ name }) => {
        const { data, dims } = results[name]!;
        return { data, shape: dims };
      });
    },
  };
}
