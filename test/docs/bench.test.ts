import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bench/index.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });

test('the bench prints a training step and a prediction of each engine as JSON', () => {
  const { stdout, status } = bench('--json', '--size', '56', '--batch', '1', '--rounds', '5');
  const { results } = JSON.parse(stdout);
  const result = { engine: 'wasm', size: 56, batch: 1, ms: expect.any(Number) };
  expect(results).toEqual([
    { ...result, what: 'train' },
    { ...result, what: 'predict' },
  ]);
  expect(results.every(({ ms }: { ms: number }) => ms > 0)).toBe(true);
  expect(status).toBe(0);
});

test('the bench of the feed prints an epoch beside its steps', () => {
  const small = ['--size', '16', '--batch', '4', '--images', '8', '--rounds', '1', '--workers', '0,1'];
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/feed.ts', ...small], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stdout.match(/^step .* workers: \d+\.\d{3}$/gm)).toHaveLength(12);
  expect(status).toBe(0);
});

test('an engine that is not there is an error, never another engine', () => {
  const { stdout, stderr, status } = bench('--json', '--engines', 'wasmm');
  expect(stdout).toBe('');
  expect(stderr).toContain('wasmm');
  expect(status).toBe(1);
});

test('keras without a Python is an error that says what to give', () => {
  const { stderr, status } = bench('--engines', 'wasm,keras');
  expect(stderr).toContain('--python PATH');
  expect(status).toBe(1);
});
