import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineProcess, Job, Operation } from './engineProcess.js';
import type { NetworkChoice } from './networks.js';
import { bootstrapMedian, computeMedian, type Interval } from './statistics.js';

/** Comparison of the times of this checkout and of another checkout, for one engine and one operation. */
export interface Comparison extends NetworkChoice {
  readonly engine: string;
  readonly what: Operation;
  readonly size: number;
  readonly batch: number;
  /** Median of all rounds of this checkout, in milliseconds per image. */
  readonly ms: number;
  /** Median of all rounds of the other checkout, in milliseconds per image. */
  readonly baseMs: number;
  /** Median over all rounds of the time of this checkout divided by that of the other checkout. Below 1, this checkout is faster. */
  readonly ratio: number;
  /** 95 % bootstrap interval of `ratio`. */
  readonly interval: Interval;
}

export interface CompareOptions extends NetworkChoice {
  readonly engine: string;
  readonly size: number;
  readonly batch: number;
  /** Measured operations, which must not be epochs. */
  readonly operations: readonly Operation[];
  readonly rounds: number;
  /** Number of measured calls per round, operation and checkout. */
  readonly calls: number;
  /** Starts the engine with the library of this checkout. */
  readonly start: () => EngineProcess;
  /** Starts the engine with the library of the other checkout. */
  readonly startBase: () => EngineProcess;
}

/** Ratio that the interval must reach for this checkout to be considered slower. */
export const MAX_RATIO = 1.03;

/** Number of calls at the start of each round that are not measured, because the first call compiles the operation. */
const WARM_UPS = 2;
const SEED = 1;

/**
 * Compares two checkouts. Every round starts two new processes, so that the ratios of the rounds include the variation between processes.
 * Within a round, the processes alternate after every call, so that other load on the machine slows both of them down. The ratio of a round
 * is computed from the fastest call of each process.
 */
export async function compareCheckouts(options: CompareOptions): Promise<Comparison[]> {
  const { engine, network, train, size, batch, operations, rounds } = options;
  const times = new Map(operations.map((what) => [what, [] as [number, number][]]));
  for (let round = 0; round < rounds; round++) {
    for (const [what, fastest] of await timeRound(options, round)) times.get(what)!.push(fastest);
  }
  return [...times].map(([what, pairs]) => {
    const ratios = pairs.map(([ms, baseMs]) => ms / baseMs);
    const perImage = (side: 0 | 1) => computeMedian(pairs.map((pair) => pair[side])) / batch;
    return {
      ...{ engine, what, network, train, size, batch, ms: perImage(0), baseMs: perImage(1) },
      ratio: computeMedian(ratios),
      interval: bootstrapMedian(ratios, { seed: SEED }),
    };
  });
}

/** Returns the time in milliseconds of the fastest call of each checkout, for each operation. */
async function timeRound(
  { start, startBase, batch, operations, calls }: CompareOptions,
  round: number,
): Promise<[Operation, [number, number]][]> {
  const processes = round % 2 === 0 ? [start(), startBase()] : [startBase(), start()];
  const [current, base] = round % 2 === 0 ? [0, 1] : [1, 0];
  try {
    for (const each of processes) await each.readInfo();
    const fastest: [Operation, [number, number]][] = [];
    for (const what of operations) {
      const job: Job = { what, batch };
      const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (let call = -WARM_UPS; call < calls; call++) {
        for (const turn of call % 2 === 0 ? [0, 1] : [1, 0]) {
          const ms = await processes[turn]!.time(job);
          if (call >= 0) least[turn] = Math.min(least[turn]!, ms);
        }
      }
      fastest.push([what, [least[current]!, least[base]!]]);
    }
    return fastest;
  } finally {
    for (const each of processes) each.close();
  }
}

/** Returns whether this checkout is slower: the whole interval is above 1, and its upper end is at least {@link MAX_RATIO}. */
export const isSlower = ({ interval: { low, high } }: Comparison): boolean => low > 1 && high >= MAX_RATIO;

/** Returns a table with one line per comparison. */
export function formatComparisons(comparisons: readonly Comparison[], commit: string): string {
  const header = ['engine', 'operation', 'ms', `${commit} ms`, 'ratio', '95 % interval'];
  const rows = comparisons.map(({ engine, what, ms, baseMs, ratio, interval: { low, high } }) => [
    ...[engine, what, ms.toFixed(3), baseMs.toFixed(3), ratio.toFixed(3)],
    `${low.toFixed(3)} to ${high.toFixed(3)}`,
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const align = (row: readonly string[]) =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(align).join('\n');
}

/** Commit that is checked out in a temporary folder. */
export interface TemporaryCheckout {
  readonly folder: string;
  /** Hash of the commit, abbreviated. */
  readonly commit: string;
  remove(): void;
}

/**
 * Checks out a commit in a temporary git worktree that shares the node_modules of this checkout.
 *
 * @throws Error if `revision` is not a commit of this repository.
 */
export function checkOut(root: string, revision: string): TemporaryCheckout {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const { status, stdout } = git('rev-parse', '--verify', '--quiet', '--short', `${revision}^{commit}`);
  if (status !== 0) {
    throw new Error(
      `--against: expected a commit of this repository, received ${JSON.stringify(revision)}. Pass a hash, a branch or a tag.`,
    );
  }
  const commit = stdout.trim();
  const parent = mkdtempSync(join(tmpdir(), 'bench-against-'));
  const folder = join(parent, commit);
  const remove = () => {
    git('worktree', 'remove', '--force', folder);
    rmSync(parent, { recursive: true, force: true });
  };
  try {
    const added = git('worktree', 'add', '--detach', folder, commit);
    if (added.status !== 0) throw new Error(`--against: git worktree add failed: ${added.stderr.trim()}`);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, commit, remove };
}
