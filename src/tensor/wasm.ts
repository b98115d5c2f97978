import { fault } from '../core/errors.js';
import type { PackageLoader } from '../core/outside.js';
import type { WasmBackend } from './kernels/heap.js';
import { registerTrainingKernels } from './kernels/index.js';
import { startTeam } from './kernels/simd.js';
import type { ThreadStarter } from './kernels/team.js';
import { pageThreads } from './pageThreads.js';
import { tf } from './tf.js';
import { MOST_THREADS, nodeBy, nodeThreads, threadedModule } from './threadedModule.js';

/** No build of the wasm backend can hold more, whatever the machine has. */
export const WASM_LIMIT_BYTES = 4 * 1024 ** 3;

/** How the wasm backend may begin; it does so once in a process, and stays as it is. */
export interface WasmOptions {
  /** At most so many threads. */
  readonly threads?: number | undefined;
  /** The way to Node's threads; without it there is one thread in Node. */
  readonly load?: PackageLoader | undefined;
}

/**
 * Loads the wasm backend, registers the kernels that training needs, and makes it the backend in use. Returns how many
 * threads it runs on.
 */
export async function loadWasmBackend({ threads, load }: WasmOptions = {}): Promise<number> {
  const stock = await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  const begun = 'wasm' in tf.engine().registry;
  const starter = begun ? undefined : await prepare(stock, threads, load);
  if (!(await tf.setBackend('wasm'))) {
    throw fault({
      kind: 'engine',
      path: 'engine wasm',
      expected: 'a runtime with WebAssembly',
      received: 'one where it does not start',
      advice: 'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm and call its setWasmPaths.',
    });
  }
  const running = stock.getThreadsCount();
  if (starter) await startTeam(tf.backend() as never as WasmBackend, running, starter);
  return running;
}

/** Bytes of the wasm heap, which grows and never shrinks: the peak of this process. */
export function wasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory?.buffer ?? wasm.HEAPU8.buffer).byteLength;
}

/** Node's default on more cores: more than two were not measured. */
const THREADS = 4;

/** Chooses the build that begins. Returns what starts further threads for its heap. */
async function prepare(
  stock: typeof import('@tensorflow/tfjs-backend-wasm'),
  threads: number | undefined,
  load: PackageLoader | undefined,
): Promise<ThreadStarter | undefined> {
  const node = load && (await nodeBy(load));
  if (!node) {
    // A page: TensorFlow.js takes its threaded build where the page may share memory, and half as many threads as cores.
    if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    else if (threads !== undefined) stock.setThreadsCount(threads);
    return pageThreads;
  }
  const count = Math.min(threads ?? Math.min(load.threads ?? 1, THREADS), MOST_THREADS);
  if (count === 1) return undefined;
  try {
    const module = await threadedModule(node, count);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', async () => new stock.BackendWasm(module as never), 2);
    return nodeThreads(node);
  } catch {
    return undefined; // the build with one thread runs everywhere
  }
}
