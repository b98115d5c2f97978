import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { StudyArguments } from '../../examples/study/arguments.js';
import { optimizerOf } from '../../examples/study/train.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const example = (name: string, ...given: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...given], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') },
  });

test.each(['abc', '', '-1', '1.5'])('a seed of "%s" is refused at once', (seed) => {
  const { status, stderr } = example('model-a', `--seed=${seed}`);
  expect(stderr).toContain(`--seed: expected a whole number of at least 0, received "${seed}"\n\nusage:`);
  expect(status).toBe(2);
});

test.each([
  ['model-a', '--dropout=1', '--dropout: expected a number from 0 to below 1, received "1"'],
  ['model-a', '--l2=-1', '--l2: expected a number of at least 0, received "-1"'],
  ['model-a', '--age-filters=1.5', '--age-filters: expected a whole number above zero, received "1.5"'],
  ['tune', '--strategy=best', '--strategy: expected tpe, random, grid, hyperband, received "best"'],
  ['tune', '--trials=0', '--trials: expected a whole number above zero, received "0"'],
])('%s %s is refused at once', (name, given, words) => {
  const { status, stderr } = example(name, given);
  expect(stderr).toContain(words);
  expect(status).toBe(2);
});

test('what was trained elsewhere is trained on at a tenth of the rate, and the help says so', () => {
  const rate = (own: StudyArguments['own']) => {
    const given: Partial<StudyArguments> = { batchSize: 16, demo: false, own };
    return optimizerOf(160, given as StudyArguments).schedule(0);
  };
  expect(rate({})).toBe(1e-3);
  expect(rate({ weights: 'imagenet' })).toBe(1e-3);
  expect(rate({ weights: 'imagenet', 'fine-tune': 'conv5' })).toBeCloseTo(1e-4, 12);
  expect(rate({ weights: 'none', 'fine-tune': 'all' })).toBe(1e-3);
  const { stdout, status } = example('model-b', '--help');
  expect(stdout).toMatch(/--fine-tune STAGE.*at a tenth of the rate/);
  expect(status).toBe(0);
});
