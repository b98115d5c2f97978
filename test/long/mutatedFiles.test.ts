import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, expect, test } from 'vitest';
import { FILE_KINDS } from './fileKinds.js';
import { readTestSize } from './testSize.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const { files, seed } = readTestSize();

/** Milliseconds without a result after which the process counts as stuck. Most files take less than 100 ms. */
const MAX_SILENCE = 120_000;
/** Heap growth in bytes between two measurements of one process, after garbage collection, above which memory counts as leaked. */
const MAX_HEAP_GROWTH = 48 * 2 ** 20;
/** Peak memory of the process in bytes. Its files have less than 100 kB. */
const MAX_MEMORY = 1.2 * 2 ** 30;
/** Number of files of one process whose memory is not compared, because the engines and the caches still grow. */
const WARMUP = 300;

interface Line {
  readonly index: number;
  readonly kind: string;
  readonly outcome?: 'read' | 'rejected';
  readonly problem?: string;
  readonly heap?: number;
  readonly peak?: number;
}

let child: ChildProcess | undefined;
afterAll(() => child?.kill('SIGKILL'));

/** Reads the files from `first` in a child process, until the process has read all files, dies or is stuck. */
function readInChild(first: number, onLine: (line: Line) => void): Promise<string> {
  const program = ['--expose-gc', '--import', 'tsx', 'test/long/readMutatedFiles.mts'];
  const started = spawn(process.execPath, [...program, ...[seed, first, files].map(String)], { cwd: ROOT });
  child = started;
  let ending = '';
  let errors = '';
  let text = '';
  const stop = () => {
    ending = `no result after ${MAX_SILENCE / 1000} s`;
    started.kill('SIGKILL');
  };
  let watchdog = setTimeout(stop, MAX_SILENCE);
  started.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors = (errors + part).slice(-5000);
  });
  started.stdout.setEncoding('utf8').on('data', (part: string) => {
    const lines = (text + part).split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      // Libraries that decode images may print warnings.
      if (line.startsWith('{"index"')) onLine(JSON.parse(line));
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, MAX_SILENCE);
    }
  });
  return new Promise((resolve) => {
    started.on('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve(ending || (code === 0 ? '' : `the process ended with ${signal ?? `code ${code}`}: ${errors}`));
    });
  });
}

test(`each of ${files} mutated files (seed ${seed}) is either read or rejected with a library error, without hangs or leaks`, {
  timeout: 4 * 3_600_000,
}, async () => {
  const problems: string[] = [];
  const outcomes = new Map<string, { read: number; rejected: number }>();
  const report = (index: number, kind: string, problem: string) => {
    const replay = `npx tsx test/long/readMutatedFiles.mts ${seed} ${index}`;
    problems.push(`${kind}: ${problem}\nTo read this file again, and save it in out/long: ${replay}`);
    console.log(problems.at(-1));
  };
  console.log(`mutated files: seed ${seed}, ${files} files`);
  for (let first = 0; first < files; ) {
    let last: Line | undefined;
    let baseline: number | undefined;
    const start = first;
    const ending = await readInChild(first, (line) => {
      last = line;
      const { index, kind, outcome, problem, heap, peak } = line;
      if (outcome === undefined) return;
      first = index + 1;
      const count = outcomes.get(kind) ?? { read: 0, rejected: 0 };
      count[outcome]++;
      outcomes.set(kind, count);
      if (problem !== undefined) report(index, kind, problem);
      if (heap === undefined || index - start < WARMUP) return;
      baseline ??= heap;
      if (heap - baseline > MAX_HEAP_GROWTH)
        report(index, kind, `the heap grew from ${baseline} to ${heap} bytes until this file`);
      if (peak! > MAX_MEMORY)
        report(index, kind, `the process has used ${peak} bytes of memory until this file`);
    });
    if (ending === '') break;
    report(last?.index ?? first, last?.kind ?? 'start', ending);
    if (last === undefined) break; // The process does not start.
    first = last.index + 1;
  }
  console.log(
    [...outcomes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, { read, rejected }]) => `${kind}: ${read} read, ${rejected} rejected`)
      .join('\n'),
  );
  expect(problems).toEqual([]);
  const count = [...outcomes.values()].reduce((sum, { read, rejected }) => sum + read + rejected, 0);
  expect(count).toBe(files);
  // In a larger test, each kind of file occurs.
  if (files > 40 * FILE_KINDS.length) expect(outcomes.size).toBe(FILE_KINDS.length);
});
