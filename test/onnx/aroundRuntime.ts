import { loadPackage } from '../../src/node/platform/loadPackage.js';

type Run = (...given: unknown[]) => Promise<any>;

/** What stands around a session of ONNX Runtime; what is left out is as it is. */
export interface Around {
  /** A session is made with these options. */
  made?(options: any): void;
  /** In the place of its `run`, which it is given. */
  run?(run: Run, outputNames: readonly string[]): Run;
  /** It is given back. */
  released?(): void;
}

/** ONNX Runtime with `around` around each of its sessions: as the package that a loader returns. */
export async function aroundRuntime({ made, run, released }: Around): Promise<any> {
  const { InferenceSession, Tensor, env } = await loadPackage<any>('onnxruntime-node', 'a test');
  const create = async (bytes: Uint8Array, options: object) => {
    const session = await InferenceSession.create(bytes, options);
    made?.(options);
    const { inputNames, outputNames } = session;
    const own: Run = (...given) => session.run(...given);
    return {
      inputNames,
      outputNames,
      run: run ? run(own, outputNames) : own,
      release: async () => {
        released?.();
        await session.release();
      },
    };
  };
  return { InferenceSession: { create }, Tensor, env };
}
