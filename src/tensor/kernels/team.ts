import type { SimdKernel, Work } from './simd.js';

/** A thread of the runtime, a worker of Node or of the page. */
export interface Thread {
  post(message: unknown): void;
  /** Ends it at once. */
  end(): void;
}

/** Starts one that runs `script`, and tells what it posts and that it is gone. */
export type ThreadStarter = (script: string, posted: () => void, gone: () => void) => Thread;

/** Threads that take their parts of a kernel's work. */
export interface Team {
  /** Does all of `work`, of which `alone` does one part here, and returns when every part is done. */
  share(
    kernel: SimdKernel,
    numbers: readonly number[],
    work: Work,
    alone: (from: number, to: number) => void,
  ): void;
}

interface TeamOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly others: number;
  readonly start: ThreadStarter;
}

/** The functions, by the numbers that the table has for them. */
const KERNELS: readonly SimdKernel[] = ['biasReluGradient', 'maxPoolGradient', 'filterGradient'];

/** Where things are in the table that all threads see, whole numbers of 32 bits. */
const ROUND = 0;
const BUSY = 1;
const FAILED = 2;
const KERNEL = 3;
const COUNT = 4;
const NUMBERS = 5;
/** The first thing of each member's part, and the end of the last: no kernel takes more numbers than there is room. */
const BORDERS = 32;

/** To wake from sleep takes tens of microseconds: for about as long a thread looks whether there is need to sleep. */
const LOOKS = 2000;

/**
 * What a thread does for the rest of its life. It never returns to its event loop: it sleeps in `Atomics.wait` until there
 * is a next round, and ends with the process or the page.
 */
const SCRIPT = `
function serve({ module, memory, table, member }, ready) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = ${JSON.stringify(KERNELS)}.map((name) => exports[name]);
  let round = Atomics.load(table, ${ROUND});
  ready();
  for (;;) {
    for (let i = 0; i < ${LOOKS} && Atomics.load(table, ${ROUND}) === round; i++);
    Atomics.wait(table, ${ROUND}, round);
    round = Atomics.load(table, ${ROUND});
    try {
      const numbers = table.subarray(${NUMBERS}, ${NUMBERS} + table[${COUNT}]);
      kernels[table[${KERNEL}]](...numbers, table[${BORDERS} + member], table[${BORDERS} + member + 1]);
    } catch {
      Atomics.store(table, ${FAILED}, 1);
    }
    if (Atomics.sub(table, ${BUSY}, 1) === 1) Atomics.notify(table, ${BUSY});
  }
}
`;

/** Starts the threads; undefined where one does not start, and then none stays. */
export async function joinTeam({ module, memory, others, start }: TeamOptions): Promise<Team | undefined> {
  const members = others + 1;
  const table = new Int32Array(new SharedArrayBuffer(4 * (BORDERS + members + 1)));
  const threads: Thread[] = [];
  const begin = (member: number) =>
    new Promise<void>((resolve, reject) => {
      const thread = start(SCRIPT, resolve, () => reject(new Error('a thread ended')));
      threads.push(thread);
      thread.post({ module, memory, table, member });
    });
  try {
    await Promise.all(Array.from({ length: others }, (_, i) => begin(i + 1)));
  } catch {
    for (const thread of threads) thread.end();
    return undefined;
  }
  return {
    share: (kernel, numbers, { size, unit }, alone) => {
      const units = Math.ceil(size / unit);
      const border = (n: number) => Math.min(size, Math.floor((units * n) / members) * unit);
      table.set([KERNELS.indexOf(kernel), numbers.length, ...numbers], KERNEL);
      for (let n = 0; n <= members; n++) table[BORDERS + n] = border(n);
      Atomics.store(table, BUSY, others);
      Atomics.add(table, ROUND, 1);
      Atomics.notify(table, ROUND);
      alone(0, border(1));
      waitForOthers(table);
      if (Atomics.load(table, FAILED)) throw new Error(`${kernel} failed in a thread`);
    },
  };
}

/** A page's own thread must not sleep, so there it looks until all are done. */
function waitForOthers(table: Int32Array): void {
  for (let looks = 0; ; looks++) {
    const busy = Atomics.load(table, BUSY);
    if (busy === 0) return;
    if (looks > LOOKS && typeof document === 'undefined') Atomics.wait(table, BUSY, busy);
  }
}
