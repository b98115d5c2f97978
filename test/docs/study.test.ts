import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { getInitialLearningRate } from '../../examples/study/arguments.js';
import { createOptimizer } from '../../examples/study/training.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const runExample = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') },
  });

test.each(['abc', '', '-1', '1.5'])(
  'the model-a example rejects the seed "%s" before training starts',
  (seed) => {
    const { status, stderr } = runExample('model-a', `--seed=${seed}`);
    expect(stderr).toContain(`--seed: expected an integer of at least 0, received "${seed}"\n\nUsage:`);
    expect(status).toBe(2);
  },
);

test.each([
  ['model-a', '--dropout=1', '--dropout: expected a number of at least 0 and less than 1, received "1"'],
  ['model-a', '--l2=-1', '--l2: expected a number of at least 0, received "-1"'],
  ['model-a', '--age-filters=1.5', '--age-filters: expected an integer of at least 1, received "1.5"'],
  ['tune', '--strategy=best', '--strategy: expected tpe, random, grid, hyperband, received "best"'],
  ['tune', '--trials=0', '--trials: expected an integer of at least 1, received "0"'],
])('the %s example rejects the argument %s before training starts', (name, argument, message) => {
  const { status, stderr } = runExample(name, argument);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

test('the model-b example trains pretrained layers at a tenth of the usual learning rate, as its help text states', () => {
  const getRate = (options: { weights?: string; fineTune?: string }) => {
    const learningRate = getInitialLearningRate(options);
    return createOptimizer({
      trainingImages: 160,
      batchSize: 16,
      decayRate: 0.95,
      learningRate,
    }).schedule(0);
  };
  expect(getRate({})).toBe(1e-3);
  expect(getRate({ weights: 'imagenet' })).toBe(1e-3);
  expect(getRate({ weights: 'imagenet', fineTune: 'conv5' })).toBeCloseTo(1e-4, 12);
  expect(getRate({ weights: 'none', fineTune: 'all' })).toBe(1e-3);
  const { stdout, status } = runExample('model-b', '--help');
  expect(stdout).toMatch(/--fine-tune <stage>.*at a tenth of the rate/);
  expect(status).toBe(0);
});

test.each(['model-a', 'model-b', 'tune', 'ablation-grayscale'])(
  'the %s example prints help in lines of at most 80 columns',
  (name) => {
    const { stdout, status } = runExample(name, '--help');
    expect(stdout).toContain('--data <folder>');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(status).toBe(0);
  },
);

test.each([
  ['model-a', 'history.csv'],
  ['model-b', 'best/model.json'],
  ['tune', 'study.json'],
  ['ablation-grayscale', 'seed-7/gray-for-age/run.json'],
])('the example %s does not replace an earlier run, and names --resume and --overwrite', (name, file) => {
  const out = mkdtempSync(join(tmpdir(), 'earlier-'));
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), 'earlier');
  const { stderr, status } = runExample(name, '--out', out);
  expect(stderr).toBe(
    `${out} has files of an earlier run: add --resume to continue it, --overwrite to replace it, or choose another --out.\n`,
  );
  expect(status).toBe(2);
  expect(readFileSync(join(out, file), 'utf8')).toBe('earlier');
  expect(existsSync(join(out, 'example.lock'))).toBe(false);
  const both = runExample(name, '--out', out, '--resume', '--overwrite');
  expect(both.stderr).toContain('--overwrite');
  expect(both.status).toBe(2);
  rmSync(out, { recursive: true });
});

test.each([
  ['an option that does not exist', '--epoch=3'],
  ['an argument without an option', 'faces'],
  ['an option without its value', '--data'],
])('the model-a example rejects %s with exit code 2', (_, argument) => {
  const { stderr, status } = runExample('model-a', argument);
  expect(stderr).toContain('Usage:');
  expect(status).toBe(2);
});
