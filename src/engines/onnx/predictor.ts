import type { NamedArray } from '../../io/tensorFile.js';
import { type Derived, type Graph, layersOf } from '../../models/graph.js';
import type { OnnxSettings } from './compile.js';
import { exportGraph } from './exportOnnx.js';
import { openSession, type Runtime, runSession, runtimeTensor, type Session } from './runtime.js';
import { FAST, onThreads } from './sessionOptions.js';

/** ONNX Runtime as the engine in use has it. */
export interface OnnxInUse extends OnnxSettings {
  readonly runtime: Runtime;
}

/** A graph in inference mode by ONNX Runtime. */
export interface Predictor {
  /** One array an input, one an output. */
  run(given: readonly NamedArray[]): Promise<NamedArray[]>;
}

interface Open {
  readonly runtime: Runtime;
  /** Identities of the weights' numbers: another assignment is another identity. */
  readonly weights: readonly object[];
  readonly session: Promise<Session>;
}

const WHAT = 'the prediction';
const sessions = new WeakMap<Graph | Derived, Open>();

/** Frees what a graph's predictions hold. */
export function closePredictor(graph: Graph | Derived): void {
  sessions
    .get(graph)
    ?.session.then((session) => session.release())
    .catch(() => {}); // one that never opened, told to whoever wanted it
  sessions.delete(graph);
}

/**
 * A graph with its weights as they are, as a session: constants make a convolution faster, so a session serves until a
 * weight changes.
 */
export async function predictorOf(
  graph: Graph | Derived,
  { runtime, threads }: OnnxInUse,
): Promise<Predictor> {
  const weights = layersOf(graph).flatMap((layer) => layer.weights.map((weight) => weight.read().dataId));
  let open = sessions.get(graph);
  if (
    !open ||
    open.runtime.InferenceSession !== runtime.InferenceSession ||
    open.weights.some((id, i) => id !== weights[i])
  ) {
    closePredictor(graph);
    const options = { ...FAST, ...onThreads(threads) };
    const session = openSession(runtime, exportGraph(graph), WHAT, options);
    session.catch(() => sessions.delete(graph));
    open = { runtime, weights, session };
    sessions.set(graph, open);
  }
  const session = await open.session;
  return {
    run: async (given) => {
      const feeds = graph.inputs.map(({ name }, i) => [name, runtimeTensor(runtime, given[i]!)] as const);
      const results = await runSession(runtime, session, WHAT, Object.fromEntries(feeds));
      return graph.outputs.map(({ name }) => {
        const { data, dims } = results[name]!;
        return { data, shape: dims };
      });
    },
  };
}
