import { SIMD_KERNELS, type SimdKernel, type Workload } from './workload.js';

/** Worker thread in Node, or web worker in a page. */
export interface Thread {
  postMessage(message: unknown): void;
  /** Stops the thread immediately. */
  terminate(): void;
}

/**
 * Function that starts a thread with the source code `script`. Calls `onMessage` when the thread posts a message, and `onExit` when the
 * thread fails or ends.
 */
export type ThreadStarter = (script: string, onMessage: () => void, onExit: () => void) => Thread;

/** Pool of threads that divide the work of each kernel call among them. */
export interface ThreadPool {
  /** Number of threads, including the current one. */
  readonly size: number;
  /**
   * Runs a kernel on all threads, and returns when all of them have finished. The current thread calls `runRange` to process its own part.
   */
  run(
    kernel: SimdKernel,
    args: readonly number[],
    workload: Workload,
    runRange: (from: number, to: number) => void,
  ): void;
}

interface ThreadPoolOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Number of threads to start, in addition to the current one. */
  readonly threadCount: number;
  readonly startThread: ThreadStarter;
  /** Promise that rejects when the time limit for starting threads is reached. */
  readonly expired: Promise<never>;
}

// Indices into the table of 32-bit integers that all threads share.
const ROUND_INDEX = 0;
const BUSY_INDEX = 1;
const FAILED_INDEX = 2;
const KERNEL_INDEX = 3;
const ARGUMENT_COUNT_INDEX = 4;
const ARGUMENTS_INDEX = 5;
/**
 * Index in the shared table at which the thread ranges begin: the start of each thread's range, followed by the end of the last range. The
 * space before this index is sufficient for 27 kernel arguments, more than any kernel has.
 */
const RANGES_INDEX = 32;

/** Number of times that a thread polls before it sleeps. Polling takes about as long as waking up a thread: tens of microseconds. */
const SPIN_COUNT = 2000;

/**
 * Source code of a thread. The thread never returns to its event loop: it sleeps in `Atomics.wait` until the next kernel call, and ends
 * with the process or the page.
 */
const THREAD_SCRIPT = `
function serve({ module, memory, table, member }, ready) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = ${JSON.stringify(SIMD_KERNELS)}.map((name) => exports[name]);
  let round = Atomics.load(table, ${ROUND_INDEX});
  ready();
  for (;;) {
    for (let i = 0; i < ${SPIN_COUNT} && Atomics.load(table, ${ROUND_INDEX}) === round; i++);
    Atomics.wait(table, ${ROUND_INDEX}, round);
    round = Atomics.load(table, ${ROUND_INDEX});
    try {
      const args = table.subarray(${ARGUMENTS_INDEX}, ${ARGUMENTS_INDEX} + table[${ARGUMENT_COUNT_INDEX}]);
      kernels[table[${KERNEL_INDEX}]](...args, table[${RANGES_INDEX} + member], table[${RANGES_INDEX} + member + 1]);
    } catch {
      Atomics.store(table, ${FAILED_INDEX}, 1);
    }
    if (Atomics.sub(table, ${BUSY_INDEX}, 1) === 1) Atomics.notify(table, ${BUSY_INDEX});
  }
}
`;

/** Starts a thread pool. If a thread fails to start in time, stops all threads and returns undefined. */
export async function startThreadPool({
  module,
  memory,
  threadCount,
  startThread,
  expired,
}: ThreadPoolOptions): Promise<ThreadPool | undefined> {
  const members = threadCount + 1;
  const table = new Int32Array(new SharedArrayBuffer(4 * (RANGES_INDEX + members + 1)));
  const threads: Thread[] = [];
  const startMember = (member: number) =>
    new Promise<void>((resolve, reject) => {
      const thread = startThread(THREAD_SCRIPT, resolve, () => reject(new Error('a thread ended')));
      threads.push(thread);
      thread.postMessage({ module, memory, table, member });
    });
  try {
    const started = Promise.all(Array.from({ length: threadCount }, (_, i) => startMember(i + 1)));
    await Promise.race([started, expired]);
  } catch {
    for (const thread of threads) thread.terminate();
    return undefined;
  }
  return {
    size: members,
    run: (kernel, args, { size, granularity }, runRange) => {
      const units = Math.ceil(size / granularity);
      const getRangeStart = (member: number) =>
        Math.min(size, Math.floor((units * member) / members) * granularity);
      table.set([SIMD_KERNELS.indexOf(kernel), args.length, ...args], KERNEL_INDEX);
      for (let member = 0; member <= members; member++) table[RANGES_INDEX + member] = getRangeStart(member);
      Atomics.store(table, BUSY_INDEX, threadCount);
      Atomics.add(table, ROUND_INDEX, 1);
      Atomics.notify(table, ROUND_INDEX);
      runRange(0, getRangeStart(1));
      waitForThreads(table);
      if (Atomics.load(table, FAILED_INDEX)) throw new Error(`${kernel} failed in a thread`);
    },
  };
}

/** Waits until all threads have finished. The main thread of a page cannot sleep, so it polls. */
function waitForThreads(table: Int32Array): void {
  for (let checks = 0; ; checks++) {
    const busy = Atomics.load(table, BUSY_INDEX);
    if (busy === 0) return;
    if (checks > SPIN_COUNT && typeof document === 'undefined') Atomics.wait(table, BUSY_INDEX, busy);
  }
}
