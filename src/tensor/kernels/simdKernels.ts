import { SHARED_SIMD_MODULE, SIMD_MODULE } from './simdModule.js';
import { startThreadPool, type ThreadPool, type ThreadStarter } from './threadPool.js';
import type { WasmBackend } from './wasmHeap.js';

/** The functions of assembly/training.ts. */
export type SimdKernel = 'biasReluGradient' | 'maxPoolGradient' | 'filterGradient';

/** What a kernel's work is cut into for threads: `size` things, cut only between `unit` of them and the next. */
export interface Workload {
  readonly size: number;
  readonly granularity: number;
}

/** Runs a function of assembly/training.ts on numbers and addresses, which are bytes in the heap, to its end. */
export type SimdRunner = (kernel: SimdKernel, numbers: readonly number[], work: Workload) => void;

interface SimdInstance {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly run: SimdRunner;
  threadPool: ThreadPool | undefined;
}

const simdInstances = new WeakMap<object, SimdInstance | null>();
let isSimdEnabled = true;

/** Whether {@link getSimdRunner} may answer: tests look at both ways. */
export function setSimdEnabled(value: boolean): void {
  isSimdEnabled = value;
}

/**
 * Our inner loops at work on the backend's heap, on all threads that {@link startSimdThreads} started; undefined where the
 * runtime has no SIMD. Kernels then take their slower way.
 */
export function getSimdRunner(backend: WasmBackend): SimdRunner | undefined {
  return isSimdEnabled ? getSimdInstance(backend)?.run : undefined;
}

/** Puts threads of ours beside this one for the loops on the backend's heap. Without effect where that is not shared. */
export async function startSimdThreads(
  backend: WasmBackend,
  threads: number,
  startThread: ThreadStarter,
): Promise<void> {
  const loops = getSimdInstance(backend);
  if (!loops || loops.threadPool || threads < 2 || !isSharedMemory(loops.memory)) return;
  const { module, memory } = loops;
  loops.threadPool = await startThreadPool({ module, memory, threadCount: threads - 1, startThread });
}

function getSimdInstance({ wasm }: WasmBackend): SimdInstance | null {
  let loops = simdInstances.get(wasm);
  if (loops === undefined) {
    loops = createSimdInstance(wasm);
    simdInstances.set(wasm, loops);
  }
  return loops;
}

/** TensorFlow.js's threaded build imports its memory, the others export it. */
function createSimdInstance({ asm, wasmMemory }: WasmBackend['wasm']): SimdInstance | null {
  const memory = asm?.memory ?? wasmMemory;
  if (!(memory instanceof WebAssembly.Memory)) return null;
  try {
    const text = isSharedMemory(memory) ? SHARED_SIMD_MODULE : SIMD_MODULE;
    const module = new WebAssembly.Module(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const kernels = exports as { readonly [Name in SimdKernel]: (...numbers: number[]) => void };
    const loops: SimdInstance = {
      memory,
      module,
      threadPool: undefined,
      run: (kernel, numbers, work) => {
        const alone = (from: number, to: number) => kernels[kernel](...numbers, from, to);
        if (loops.threadPool) loops.threadPool.run(kernel, numbers, work, alone);
        else alone(0, work.size);
      },
    };
    return loops;
  } catch {
    return null; // no SIMD here
  }
}

function isSharedMemory({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}
