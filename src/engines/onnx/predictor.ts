import type { NamedArray } from '../../io/tensorFile.js';
import type { Network } from '../../models/network.js';
import type { OnnxSettings } from './compile.js';
import { exportNetwork } from './exportOnnx.js';
import { openSession, type Runtime, runSession, runtimeTensor, type Session } from './runtime.js';
import { FAST, onThreads } from './sessionOptions.js';

/** ONNX Runtime as the engine in use has it. */
export interface OnnxInUse extends OnnxSettings {
  readonly runtime: Runtime;
}

/** The predictions of a network by ONNX Runtime. */
export interface Predictor {
  /** `[batch, height, width, channels]` in the network's range; one array a task. */
  run(images: NamedArray): Promise<NamedArray[]>;
}

interface Open {
  readonly runtime: Runtime;
  /** Identities of the weights' numbers: another assignment is another identity. */
  readonly weights: readonly object[];
  readonly session: Promise<Session>;
}

const WHAT = 'the prediction';
const sessions = new WeakMap<Network, Open>();

/** Frees what a network's predictions hold. */
export function closePredictor(network: Network): void {
  sessions
    .get(network)
    ?.session.then((session) => session.release())
    .catch(() => {}); // one that never opened, told to whoever wanted it
  sessions.delete(network);
}

/**
 * The network with its weights as they are, as a session: constants make a convolution faster, so a session serves until a
 * weight changes.
 */
export async function predictorOf(network: Network, { runtime, threads }: OnnxInUse): Promise<Predictor> {
  const weights = network.layersModel.weights.map((weight) => weight.read().dataId);
  let open = sessions.get(network);
  if (!open || open.runtime !== runtime || open.weights.some((id, i) => id !== weights[i])) {
    closePredictor(network);
    const options = { ...FAST, ...onThreads(threads) };
    const session = openSession(runtime, exportNetwork(network), WHAT, options);
    session.catch(() => sessions.delete(network));
    open = { runtime, weights, session };
    sessions.set(network, open);
  }
  const session = await open.session;
  return {
    run: async (images) => {
      const results = await runSession(runtime, session, WHAT, { image: runtimeTensor(runtime, images) });
      return Object.keys(network.tasks).map((task) => {
        const { data, dims } = results[task]!;
        return { data, shape: dims };
      });
    },
  };
}
