import type { HostArray } from '../../../core/arrays.js';
import { UseCounter } from '../../../core/useCounter.js';
import { getLayers, type InferenceFunction, type LayerGraph } from '../../../network/layerGraph.js';
import { type OnnxRuntime, type OnnxSession, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { OPTIMIZED_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';
import { exportGraph } from './exportGraph.js';

interface PredictionSession {
  /**
   * Ids of the weight values that the session contains as constants. Writing a weight changes its id, so the session is outdated if an id
   * differs.
   */
  readonly weightIds: readonly object[];
  readonly session: Promise<OnnxSession>;
  /** Runs that wait for the session or use it. ONNX Runtime must not release a session that is running. */
  readonly runs: UseCounter;
}

const SESSION_DESCRIPTION = 'the prediction';

/** ONNX Runtime sessions that run graphs in inference mode. Each graph has one session, which is created when the graph first runs. */
export class PredictionSessions {
  readonly #sessions = new WeakMap<LayerGraph | InferenceFunction, PredictionSession>();

  /** @param threads - Number of threads per session. If undefined, ONNX Runtime chooses it. */
  constructor(
    readonly runtime: OnnxRuntime,
    readonly threads: number | undefined,
  ) {}

  /**
   * Runs a graph with its current weights. Takes one array per graph input and returns one array per graph output. The weights are
   * constants of the session, which makes convolutions faster. Therefore, a new session is created when a weight has changed. The old
   * session is released after its last run.
   */
  async run(graph: LayerGraph | InferenceFunction, inputs: readonly HostArray[]): Promise<HostArray[]> {
    const { runtime } = this;
    const feeds = graph.inputs.map(({ name }, i) => [name, toOnnxTensor(runtime, inputs[i]!)] as const);
    const { session, runs } = this.#getSession(graph);
    const results = await runs.run(async () =>
      runSession(runtime, await session, SESSION_DESCRIPTION, Object.fromEntries(feeds)),
    );
    return graph.outputs.map(({ name }) => {
      const { data, dims } = results[name]!;
      return { data, shape: dims };
    });
  }

  /** Releases the session of a graph after its last run. Does nothing if the graph has no session. */
  release(graph: LayerGraph | InferenceFunction): void {
    const open = this.#sessions.get(graph);
    this.#sessions.delete(graph);
    open?.runs.releaseAfterLastCall(() => {
      // If the session failed to open, the caller of run() has already received the error.
      open.session.then((session) => session.release()).catch(() => {});
    });
  }

  #getSession(graph: LayerGraph | InferenceFunction): PredictionSession {
    const weightIds = getLayers(graph).flatMap((layer) =>
      layer.weights.map((weight) => weight.read().dataId),
    );
    const open = this.#sessions.get(graph);
    if (open?.weightIds.every((id, i) => id === weightIds[i])) return open;
    this.release(graph);
    const options = { ...OPTIMIZED_OPTIONS, ...toThreadOptions(this.threads) };
    const session = createSession(this.runtime, exportGraph(graph), SESSION_DESCRIPTION, options);
    const created: PredictionSession = { weightIds, session, runs: new UseCounter() };
    session.catch(() => {
      if (this.#sessions.get(graph) === created) this.#sessions.delete(graph); // Later weights may have another session.
    });
    this.#sessions.set(graph, created);
    return created;
  }
}
