import { SHARED_SIMD_MODULE, SIMD_MODULE } from './simdModule.js';
import { startThreadPool, type ThreadPool, type ThreadStarter } from './threadPool.js';
import type { WasmBackend } from './wasmHeap.js';
import type { SimdKernel, Workload } from './workload.js';

/**
 * Runs a function of assembly/training.ts on all threads, and returns when it has finished. The arguments are numbers and addresses;
 * addresses are byte offsets in the heap.
 */
export type SimdRunner = (kernel: SimdKernel, args: readonly number[], workload: Workload) => void;

interface SimdInstance {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly run: SimdRunner;
  threadPool: ThreadPool | undefined;
}

/** Instances, keyed by the wasm module of the backend. Null if the runtime has no SIMD. */
const simdInstances = new WeakMap<object, SimdInstance | null>();
let isSimdEnabled = true;

/** Enables or disables {@link getSimdRunner}, so that tests can run the kernels with and without SIMD. */
export function setSimdEnabled(value: boolean): void {
  isSimdEnabled = value;
}

/**
 * Returns the runner of the SIMD loops on the backend's heap, which uses all threads that {@link startSimdThreads} started. Returns
 * undefined if the runtime has no SIMD; kernels then use slower code.
 */
export function getSimdRunner(backend: WasmBackend): SimdRunner | undefined {
  return isSimdEnabled ? getSimdInstance(backend)?.run : undefined;
}

/**
 * Starts threads for the SIMD loops on the backend's heap, in addition to the current one. Does nothing if the heap is not shared. If the
 * threads fail to start before `expired` rejects, the loops run on the current thread.
 */
export async function startSimdThreads(
  backend: WasmBackend,
  threads: number,
  startThread: ThreadStarter,
  expired: Promise<never>,
): Promise<void> {
  const instance = getSimdInstance(backend);
  if (!instance || instance.threadPool || threads < 2 || !isSharedMemory(instance.memory)) return;
  const { module, memory } = instance;
  const options = { module, memory, threadCount: threads - 1, startThread, expired };
  instance.threadPool = await startThreadPool(options);
}

function getSimdInstance({ wasm }: WasmBackend): SimdInstance | null {
  let instance = simdInstances.get(wasm);
  if (instance === undefined) {
    instance = createSimdInstance(wasm);
    simdInstances.set(wasm, instance);
  }
  return instance;
}

/** Creates an instance on the backend's heap. The threaded build of TensorFlow.js imports its memory; the other builds export theirs. */
function createSimdInstance({ asm, wasmMemory }: WasmBackend['wasm']): SimdInstance | null {
  const memory = asm?.memory ?? wasmMemory;
  if (!(memory instanceof WebAssembly.Memory)) return null;
  try {
    const base64 = isSharedMemory(memory) ? SHARED_SIMD_MODULE : SIMD_MODULE;
    const module = new WebAssembly.Module(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const kernels = exports as { readonly [Name in SimdKernel]: (...args: number[]) => void };
    const instance: SimdInstance = {
      memory,
      module,
      threadPool: undefined,
      run: (kernel, args, workload) => {
        const runRange = (from: number, to: number) => kernels[kernel](...args, from, to);
        if (instance.threadPool) instance.threadPool.run(kernel, args, workload, runRange);
        else runRange(0, workload.size);
      },
    };
    return instance;
  } catch {
    return null; // The runtime has no SIMD.
  }
}

function isSharedMemory({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}
