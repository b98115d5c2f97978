import { loadPackage } from '../../src/node/platform/loadPackage.js';

type Run = (...args: unknown[]) => Promise<any>;

/** Hooks of a test into the sessions of ONNX Runtime. */
export interface SessionHooks {
  /** Called with the options of every session that is created. */
  onCreate?(options: any): void;
  /** Returns a replacement for the `run` of a session. */
  wrapRun?(run: Run, outputNames: readonly string[]): Run;
  /** Called when a session is released. */
  onRelease?(): void;
}

/** Returns ONNX Runtime with hooks into its sessions, as the package that a loader returns. */
export async function wrapRuntime({ onCreate, wrapRun, onRelease }: SessionHooks): Promise<any> {
  const { InferenceSession, Tensor, env } = await loadPackage<any>('onnxruntime-node', 'a test');
  const create = async (bytes: Uint8Array, options: object) => {
    const session = await InferenceSession.create(bytes, options);
    onCreate?.(options);
    const { inputNames, outputNames } = session;
    const run: Run = (...args) => session.run(...args);
    return {
      inputNames,
      outputNames,
      run: wrapRun ? wrapRun(run, outputNames) : run,
      release: async () => {
        onRelease?.();
        await session.release();
      },
    };
  };
  return { InferenceSession: { create }, Tensor, env };
}
