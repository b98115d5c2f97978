import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('trainOnWasm.ts', import.meta.url));

/** Runs the program in a new process and returns its output. The wasm backend can start only once per process. */
const trainOn = (...args: string[]) =>
  JSON.parse(
    execFileSync(process.execPath, ['--import', 'tsx', PROGRAM, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    })
      .trim()
      .split('\n')
      .at(-1)!,
  ) as { reason: string; losses: number[] };

test('a training run on wasm with threads gives the same results as a run without threads, bit for bit, even if the run is stopped and resumed', () => {
  const alone = trainOn('1');
  expect(alone.reason).toContain('on 1 thread');
  for (const threads of ['2', '3']) {
    const whole = trainOn(threads);
    expect(whole).toEqual({ ...alone, reason: `requested by name, on ${threads} threads` });
    expect(trainOn(threads, '5')).toEqual(whole);
  }
}, 600_000);
