import { SHARED_SIMD_MODULE, SIMD_MODULE } from './simdModule.js';
import { startThreadPool, type ThreadPool, type ThreadStarter } from './threadPool.js';
import type { WasmBackend } from './wasmHeap.js';
import type { SimdKernel, Workload } from './workload.js';

/**
 * Function that runs a kernel of the folder assembly on all threads, and returns when all threads have finished. The arguments of the
 * kernel are numbers and addresses, which are byte offsets in the heap.
 */
export type SimdRunner = (kernel: SimdKernel, args: readonly number[], workload: Workload) => void;

interface SimdInstance {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly run: SimdRunner;
  threadPool: ThreadPool | undefined;
}

/** Instances of the SIMD module, keyed by the wasm module of the backend. Null if the runtime does not support SIMD. */
const simdInstances = new WeakMap<object, SimdInstance | null>();
let isSimdEnabled = true;

/** Enables or disables the SIMD kernels, so that tests can compare the results with and without SIMD. */
export function setSimdEnabled(value: boolean): void {
  isSimdEnabled = value;
}

/**
 * Returns the function that runs SIMD kernels on the backend's heap with all threads that {@link startSimdThreads} started. Returns
 * undefined if the runtime does not support SIMD; callers then use slower JavaScript loops.
 */
export function getSimdRunner(backend: WasmBackend): SimdRunner | undefined {
  return isSimdEnabled ? getSimdInstance(backend)?.run : undefined;
}

/** Returns the number of threads that run SIMD kernels, including the current one. */
export function getSimdThreadCount(backend: WasmBackend): number {
  return getSimdInstance(backend)?.threadPool?.size ?? 1;
}

/**
 * Starts threads for the SIMD kernels, in addition to the current one. Does nothing if the backend's heap is not shared memory. If the
 * threads fail to start before `expired` rejects, the kernels run on the current thread.
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

/**
 * Creates an instance of the SIMD module on the backend's heap. The threaded build of TensorFlow.js imports its memory; the other builds
 * export theirs.
 */
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
    return null; // The runtime does not support SIMD.
  }
}

function isSharedMemory({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}
