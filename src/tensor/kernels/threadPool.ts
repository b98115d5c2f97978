import type { SimdKernel, Workload } from './simdKernels.js';

/** A thread of the runtime, a worker of Node or of the page. */
export interface Thread {
  postMessage(message: unknown): void;
  /** Ends it at once. */
  terminate(): void;
}

/** Starts one that runs `script`, and tells what it posts and that it is gone. */
export type ThreadStarter = (script: string, posted: () => void, gone: () => void) => Thread;

/** Threads that take their parts of a kernel's work. */
export interface ThreadPool {
  /** Does all of `work`, of which `alone` does one part here, and returns when every part is done. */
  run(
    kernel: SimdKernel,
    numbers: readonly number[],
    work: Workload,
    alone: (from: number, to: number) => void,
  ): void;
}

interface ThreadPoolOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly threadCount: number;
  readonly startThread: ThreadStarter;
}

/** The functions, by the numbers that the table has for them. */
const KERNELS: readonly SimdKernel[] = ['biasReluGradient', 'maxPoolGradient', 'filterGradient'];

/** Where things are in the table that all threads see, whole numbers of 32 bits. */
const ROUND_INDEX = 0;
const BUSY_INDEX = 1;
const FAILED_INDEX = 2;
const KERNEL_INDEX = 3;
const ARGUMENT_COUNT_INDEX = 4;
const ARGUMENTS_INDEX = 5;
/** The first thing of each member's part, and the end of the last: no kernel takes more numbers than there is room. */
const RANGES_INDEX = 32;

/** To wake from sleep takes tens of microseconds: for about as long a thread looks whether there is need to sleep. */
const SPIN_COUNT = 2000;

/**
 * What a thread does for the rest of its life. It never returns to its event loop: it sleeps in `Atomics.wait` until there
 * is a next round, and ends with the process or the page.
 */
const THREAD_SCRIPT = `
function serve({ module, memory, table, member }, ready) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = ${JSON.stringify(KERNELS)}.map((name) => exports[name]);
  let round = Atomics.load(table, ${ROUND_INDEX});
  ready();
  for (;;) {
    for (let i = 0; i < ${SPIN_COUNT} && Atomics.load(table, ${ROUND_INDEX}) === round; i++);
    Atomics.wait(table, ${ROUND_INDEX}, round);
    round = Atomics.load(table, ${ROUND_INDEX});
    try {
      const numbers = table.subarray(${ARGUMENTS_INDEX}, ${ARGUMENTS_INDEX} + table[${ARGUMENT_COUNT_INDEX}]);
      kernels[table[${KERNEL_INDEX}]](...numbers, table[${RANGES_INDEX} + member], table[${RANGES_INDEX} + member + 1]);
    } catch {
      Atomics.store(table, ${FAILED_INDEX}, 1);
    }
    if (Atomics.sub(table, ${BUSY_INDEX}, 1) === 1) Atomics.notify(table, ${BUSY_INDEX});
  }
}
`;

/** Starts the threads; undefined where one does not start, and then none stays. */
export async function startThreadPool({
  module,
  memory,
  threadCount,
  startThread,
}: ThreadPoolOptions): Promise<ThreadPool | undefined> {
  const members = threadCount + 1;
  const table = new Int32Array(new SharedArrayBuffer(4 * (RANGES_INDEX + members + 1)));
  const threads: Thread[] = [];
  const begin = (member: number) =>
    new Promise<void>((resolve, reject) => {
      const thread = startThread(THREAD_SCRIPT, resolve, () => reject(new Error('a thread ended')));
      threads.push(thread);
      thread.postMessage({ module, memory, table, member });
    });
  try {
    await Promise.all(Array.from({ length: threadCount }, (_, i) => begin(i + 1)));
  } catch {
    for (const thread of threads) thread.terminate();
    return undefined;
  }
  return {
    run: (kernel, numbers, { size, granularity }, alone) => {
      const units = Math.ceil(size / granularity);
      const border = (n: number) => Math.min(size, Math.floor((units * n) / members) * granularity);
      table.set([KERNELS.indexOf(kernel), numbers.length, ...numbers], KERNEL_INDEX);
      for (let n = 0; n <= members; n++) table[RANGES_INDEX + n] = border(n);
      Atomics.store(table, BUSY_INDEX, threadCount);
      Atomics.add(table, ROUND_INDEX, 1);
      Atomics.notify(table, ROUND_INDEX);
      alone(0, border(1));
      waitForThreads(table);
      if (Atomics.load(table, FAILED_INDEX)) throw new Error(`${kernel} failed in a thread`);
    },
  };
}

/** A page's own thread must not sleep, so there it looks until all are done. */
function waitForThreads(table: Int32Array): void {
  for (let looks = 0; ; looks++) {
    const busy = Atomics.load(table, BUSY_INDEX);
    if (busy === 0) return;
    if (looks > SPIN_COUNT && typeof document === 'undefined') Atomics.wait(table, BUSY_INDEX, busy);
  }
}
