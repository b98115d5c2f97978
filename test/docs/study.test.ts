import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { StudyArguments } from '../../examples/study/arguments.js';
import { optimizerOf } from '../../examples/study/train.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const runExample = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', `examples/${name}.ts`, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') },
  });

test.each(['abc', '', '-1', '1.5'])('model-a rejects the seed "%s" before it reads data', (seed) => {
  const { status, stderr } = runExample('model-a', `--seed=${seed}`);
  expect(stderr).toContain(`--seed: expected a whole number of at least 0, received "${seed}"\n\nusage:`);
  expect(status).toBe(2);
});

test.each([
  ['model-a', '--dropout=1', '--dropout: expected a number from 0 to below 1, received "1"'],
  ['model-a', '--l2=-1', '--l2: expected a number of at least 0, received "-1"'],
  ['model-a', '--age-filters=1.5', '--age-filters: expected a whole number above zero, received "1.5"'],
  ['tune', '--strategy=best', '--strategy: expected tpe, random, grid, hyperband, received "best"'],
  ['tune', '--trials=0', '--trials: expected a whole number above zero, received "0"'],
])('%s rejects %s before it reads data', (name, argument, message) => {
  const { status, stderr } = runExample(name, argument);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

test('optimizerOf fine-tunes pretrained weights at a tenth of the learning rate, as the help of model-b states', () => {
  const getRate = (modelArguments: StudyArguments['own']) => {
    const studyArguments: Partial<StudyArguments> = { batchSize: 16, demo: false, own: modelArguments };
    return optimizerOf(160, studyArguments as StudyArguments).schedule(0);
  };
  expect(getRate({})).toBe(1e-3);
  expect(getRate({ weights: 'imagenet' })).toBe(1e-3);
  expect(getRate({ weights: 'imagenet', 'fine-tune': 'conv5' })).toBeCloseTo(1e-4, 12);
  expect(getRate({ weights: 'none', 'fine-tune': 'all' })).toBe(1e-3);
  const { stdout, status } = runExample('model-b', '--help');
  expect(stdout).toMatch(/--fine-tune STAGE.*at a tenth of the rate/);
  expect(status).toBe(0);
});
