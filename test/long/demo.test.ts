import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMO, writeDemoFaces } from '../../examples/demo-faces/write.js';
import { modelA } from '../../examples/study/modelA.js';
import { modelB } from '../../examples/study/modelB.js';
import { utkFace } from '../../src/datasets/index.js';
import { createRng, type Dataset } from '../../src/entries/node.js';
import { folderStore, imageFolder, resnet50Backbone } from '../../src/node/index.js';
import { dot, logistic, ridge, standardize } from './linear.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const FACES = join(ROOT, 'out/demo-faces');
const scratch = mkdtempSync(join(tmpdir(), 'demo-'));
afterAll(() => rmSync(scratch, { recursive: true }));
beforeAll(() => writeDemoFaces(FACES));

type Faces = Dataset<{ age: number; gender: 'male' | 'female' }>;

const faces = (side: number): Promise<Faces> =>
  imageFolder(FACES, { labels: utkFace(), size: [side, side] }) as Promise<Faces>;
const labels = (dataset: Faces) => Array.from({ length: dataset.size }, (_, i) => dataset.labels(i));
const pixels = (dataset: Faces) =>
  Promise.all(
    labels(dataset).map(async (_, i) => [...(await dataset.read(i)).data].map((byte) => byte / 255)),
  );
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Runs an example from the command line. Returns its output folder, its summary and its console output. */
async function run(example: string, ...args: string[]) {
  const out = mkdtempSync(join(scratch, 'run-'));
  const command = ['tsx', `examples/${example}.ts`, '--out', out, ...args];
  const { stdout } = await promisify(execFile)('npx', command, { cwd: ROOT });
  return { out, stdout, summary: JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) };
}

/** Returns the architecture that a run recorded. */
const readArchitecture = (out: string) =>
  JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).architecture;

describe.each([
  ['mean color', 1],
  ['8x8 thumbnail', 8],
] as const)('a linear model on the %s of drawn faces', (_, side) => {
  test('predicts neither gender nor age', async () => {
    const { train, validation } = (await faces(side)).split({ validation: 0.2, seed: 7 });
    const x = standardize(await pixels(train as Faces), await pixels(validation as Faces));
    const [trainLabels, validationLabels] = [labels(train as Faces), labels(validation as Faces)];
    const female = (faceLabels: typeof trainLabels) =>
      faceLabels.map(({ gender }) => Number(gender === 'female'));
    const results = [0.1, 1, 10, 100, 1000].map((lambda) => {
      const b = logistic(x.train, female(trainLabels), lambda);
      const correct = female(validationLabels).map((truth, i) =>
        Number(Number(dot(x.other[i]!, b) > 0) === truth),
      );
      const level = mean(trainLabels.map(({ age }) => age));
      const c = ridge(
        x.train,
        trainLabels.map(({ age }) => age - level),
        lambda,
      );
      const error = mean(validationLabels.map(({ age }, i) => Math.abs(age - level - dot(x.other[i]!, c))));
      return {
        lambda,
        accuracy: mean(correct),
        ratio: error / mean(validationLabels.map(({ age }) => Math.abs(age - level))),
      };
    });
    console.log(side, JSON.stringify(results));
    // The best penalty is chosen on the validation images, which favors the linear model.
    expect(Math.max(...results.map(({ accuracy }) => accuracy))).toBeLessThan(0.65);
    expect(Math.min(...results.map(({ ratio }) => ratio))).toBeGreaterThan(0.8);
  });
});

// These are two runs of the first command in the README. Each takes one or two minutes.
describe('the model-a example on drawn faces', () => {
  test('learns both tasks with the network in study/modelA.ts', { timeout: 1_200_000 }, async () => {
    const { out, summary } = await run('model-a');
    const { bestEpoch, meanGuessAgeMae } = summary;
    expect(bestEpoch.val_gender_accuracy).toBeGreaterThanOrEqual(0.9);
    expect(bestEpoch.val_age_mae).toBeLessThanOrEqual(meanGuessAgeMae / 2);
    expect(readArchitecture(out)).toEqual(modelA(DEMO.size, { seed: DEMO.seed }).architecture());
  });

  test('does not generalize when trained on shuffled labels', {
    timeout: 1_200_000,
  }, async () => {
    const shuffled = folderStore(join(scratch, 'shuffled'));
    const source = folderStore(FACES);
    const files = (await source.list()).filter((name) => name.endsWith('.jpg'));
    const order = createRng(11, 'dealt labels').permutation(files.length);
    for (const [i, file] of files.entries()) {
      const [age, gender] = basename(files[order[i]!]!).split('_');
      await shuffled.write(
        `${age}_${gender}_0_${String(i).padStart(17, '0')}.jpg`,
        (await source.read(file))!,
      );
    }
    const args = ['--size', '56', '--batch-size', '6', '--epochs', '11', '--data', shuffled.label];
    const { summary } = await run('model-a', ...args);
    const { bestEpoch, meanGuessAgeMae } = summary;
    expect(bestEpoch.val_gender_accuracy).toBeLessThan(0.65);
    expect(bestEpoch.val_age_mae).toBeGreaterThan(0.8 * meanGuessAgeMae);
  });
});

describe('the ablation-grayscale example on drawn faces', () => {
  test('writes a figure and a table, and skips runs that are already finished if it is resumed', {
    timeout: 900_000,
  }, async () => {
    const out = mkdtempSync(join(scratch, 'ablation-'));
    const args = ['--limit', '40', '--epochs', '1', '--seeds', '2', '--engine', 'onnx', '--out', out];
    const runAblation = (...more: string[]) =>
      promisify(execFile)('npx', ['tsx', 'examples/ablation-grayscale.ts', ...args, ...more], { cwd: ROOT });
    const { stdout } = await runAblation();
    expect(readdirSync(out).sort()).toEqual(
      [
        ...['ablation.json', 'ablation.md', 'ablation.png', 'ablation.svg'],
        ...['figures', 'report.html', 'seed-7', 'seed-8'],
      ].sort(),
    );
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('Comparison of 4 runs');
    expect(page).toContain('<h3>Grad-CAM</h3>');
    const table = readFileSync(join(out, 'ablation.md'), 'utf8');
    expect(stdout).toContain(table);
    for (const name of ['neither', 'gender', 'age', 'both']) expect(table).toContain(`\n| ${name} `);
    const { comparison } = JSON.parse(readFileSync(join(out, 'ablation.json'), 'utf8'));
    const [neither, gender, age, both] = comparison.map(
      ({ measures }: { measures: { values: number[] }[] }) => measures[0]!.values,
    );
    // Seeds and splits are equal, so different numbers show that each setting uses a different network.
    expect(new Set([neither, gender, age, both].map((values) => values[0])).size).toBe(4);
    const history = readFileSync(join(out, 'seed-7', 'gray-for-age', 'history.csv'), 'utf8');
    await expect(runAblation()).rejects.toThrow('add --resume to continue it');
    const again = await runAblation('--resume');
    // The file contains the duration of each epoch, which would differ after a second run.
    expect(readFileSync(join(out, 'seed-7', 'gray-for-age', 'history.csv'), 'utf8')).toBe(history);
    expect(again.stdout).toContain(table);
    expect(again.stdout).toContain('resumed after epoch 1');
  });
});

describe('the tune example on drawn faces', () => {
  test('writes a page, prints the command that trains with the best params, and continues with --resume', {
    timeout: 900_000,
  }, async () => {
    const out = mkdtempSync(join(scratch, 'tune-'));
    const search = async (...more: string[]) => {
      const args = [
        '--limit',
        '40',
        '--epochs',
        '1',
        '--engine',
        'onnx',
        '--strategy',
        'random',
        '--out',
        out,
        ...more,
      ];
      return promisify(execFile)('npx', ['tsx', 'examples/tune.ts', ...args], { cwd: ROOT });
    };
    const { stdout } = await search('--trials', '2', '--threads', '1');
    const files = readdirSync(out);
    for (const name of ['study.json', 'study.html', 'results.csv', 'figures', 'trials'])
      expect(files).toContain(name);
    expect(readFileSync(join(out, 'results.csv'), 'utf8').split('\n')).toHaveLength(4);
    const line = stdout.match(/^npm run model-a -- (.*)$/m)![1]!;
    expect(line).toMatch(
      /^--dropout [\d.]+ --l2 [\d.e-]+ --age-filters \d+ --gender-filters \d+ --limit 40 --seed 7 --engine onnx$/,
    );
    const winner = await run('model-a', ...line.split(' '), '--epochs', '1', '--threads', '1');
    const [, best] = readFileSync(join(out, 'results.csv'), 'utf8')
      .split('\n')
      .slice(1, 3)
      .map((row) => Number(row.split(',').at(-2)))
      .sort((a, b) => a - b)
      .reverse();
    // The run is the same as the trial, bit for bit.
    expect(winner.summary.bestEpoch.val_loss).toBe(best);
    await expect(search('--trials', '3')).rejects.toThrow(/add --resume to continue it/);
    const more = await search('--trials', '3', '--resume');
    expect(readFileSync(join(out, 'results.csv'), 'utf8').split('\n')).toHaveLength(5);
    expect(more.stdout).toContain('npm run model-a -- ');
  });
});

describe('the model-b example on drawn faces', () => {
  const few = ['--limit', '60', '--epochs', '2', '--size', '64', '--augment', 'fixed', '--engine', 'onnx'];

  test('reports that the weights are random, uses the network in study/modelB.ts, and can start from a file that the example saved', {
    timeout: 600_000,
  }, async () => {
    const first = await run('model-b', '--weights', 'none', ...few);
    expect(first.summary.origin).toContain('random weights');
    expect(first.stdout).toContain('random weights');
    const backbone = await resnet50Backbone({ weights: null, trainable: false });
    expect(readArchitecture(first.out)).toEqual(modelB(64, backbone).architecture());
    const files = readdirSync(first.out);
    for (const name of [
      'age_gender_B.h5',
      'best',
      'history.csv',
      'age-curves.png',
      'architecture.svg',
      'run.json',
      'report.html',
    ]) {
      expect(files).toContain(name);
    }
    const kerasFile = join(first.out, 'age_gender_B.h5');
    const second = await run('model-b', '--weights', kerasFile, '--fine-tune', 'conv5', ...few);
    expect(second.summary.origin).toContain(`those of ${kerasFile}, not the official ones`);
    expect(second.summary.arguments.fineTune).toBe('conv5');
  });
});
