import type { WasmBackend } from './heap.js';
import { SHARED_SIMD_MODULE, SIMD_MODULE } from './simdModule.js';
import { joinTeam, type Team, type ThreadStarter } from './team.js';

/** The functions of assembly/training.ts. */
export type SimdKernel = 'biasReluGradient' | 'maxPoolGradient' | 'filterGradient';

/** What a kernel's work is cut into for threads: `size` things, cut only between `unit` of them and the next. */
export interface Work {
  readonly size: number;
  readonly unit: number;
}

/** Runs a function of assembly/training.ts on numbers and addresses, which are bytes in the heap, to its end. */
export type Simd = (kernel: SimdKernel, numbers: readonly number[], work: Work) => void;

interface Loops {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly run: Simd;
  team: Team | undefined;
}

const loopsOf = new WeakMap<object, Loops | null>();
let allowed = true;

/** Whether {@link simdOf} may answer: tests look at both ways. */
export function allowSimd(value: boolean): void {
  allowed = value;
}

/**
 * Our inner loops at work on the backend's heap, on all threads that {@link startTeam} started; undefined where the
 * runtime has no SIMD. Kernels then take their slower way.
 */
export function simdOf(backend: WasmBackend): Simd | undefined {
  return allowed ? loopsFor(backend)?.run : undefined;
}

/** Puts threads of ours beside this one for the loops on the backend's heap. Without effect where that is not shared. */
export async function startTeam(backend: WasmBackend, threads: number, start: ThreadStarter): Promise<void> {
  const loops = loopsFor(backend);
  if (!loops || loops.team || threads < 2 || !isShared(loops.memory)) return;
  const { module, memory } = loops;
  loops.team = await joinTeam({ module, memory, others: threads - 1, start });
}

function loopsFor({ wasm }: WasmBackend): Loops | null {
  let loops = loopsOf.get(wasm);
  if (loops === undefined) {
    loops = instantiate(wasm);
    loopsOf.set(wasm, loops);
  }
  return loops;
}

/** TensorFlow.js's threaded build imports its memory, the others export it. */
function instantiate({ asm, wasmMemory }: WasmBackend['wasm']): Loops | null {
  const memory = asm?.memory ?? wasmMemory;
  if (!(memory instanceof WebAssembly.Memory)) return null;
  try {
    const text = isShared(memory) ? SHARED_SIMD_MODULE : SIMD_MODULE;
    const module = new WebAssembly.Module(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const kernels = exports as { readonly [Name in SimdKernel]: (...numbers: number[]) => void };
    const loops: Loops = {
      memory,
      module,
      team: undefined,
      run: (kernel, numbers, work) => {
        const alone = (from: number, to: number) => kernels[kernel](...numbers, from, to);
        if (loops.team) loops.team.share(kernel, numbers, work, alone);
        else alone(0, work.size);
      },
    };
    return loops;
  } catch {
    return null; // no SIMD here
  }
}

function isShared({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}
