import { loadPackage } from '../../src/node/platform/loadPackage.js';

type Run = (...args: unknown[]) => Promise<any>;

/** Hooks that a test adds to the sessions of ONNX Runtime. */
export interface SessionHooks {
  /** Called with the options of every session that is created. */
  onCreate?(options: any): void;
  /** Returns a replacement for the `run` of a session. */
  wrapRun?(run: Run, outputNames: readonly string[]): Run;
  /** Called when a session is released. */
  onRelease?(): void;
}

/** Returns the ONNX Runtime package with hooks added to its sessions, for use as the result of a package loader. */
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
