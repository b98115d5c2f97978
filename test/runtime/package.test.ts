import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;
const project = mkdtempSync(join(tmpdir(), 'tarball-'));
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 150_000, // A process that does not exit is killed before the test times out.
  });

/** Builds a model, trains one step on two threads, predicts, and exits. */
const PROGRAM = `
const image = (level) => ({ data: new Uint8Array(8 * 8 * 3).fill(level), height: 8, width: 8, channels: 3 });
const data = m.imagesInMemory([10, 200].map((level) => ({ image: image(level), labels: { level } })));
const model = m.multiTask({ input: [8, 8, 3] })
  .trunk(m.sharedTrunk([m.conv(4, 3), m.maxPool(2)]))
  .task('level', m.regression({ unit: 'bytes' }), m.branch([m.flatten(), m.dense(4)]))
  .build();
const main = async () => {
  const { rows, engine } = await model.fit(data, { epochs: 1, batchSize: 2, engine: 'wasm', threads: 2 });
  const threads = n.workerThreads({ count: 2 });
  const augmented = data.augment([m.randomFlip('horizontal'), m.randomBrightness({ range: 0.2 })]);
  const [withoutWorkers, withWorkers] = [await model.evaluate(augmented), await model.evaluate(augmented.withWorkers(threads))];
  const { level } = await model.predict(image(10));
  console.log(rows.length === 1 && Number.isFinite(level) && withoutWorkers.loss === withWorkers.loss && engine.reason.endsWith('on 2 threads') ? 'trained' : 'failed');
};
main();
`;

beforeAll(() => {
  execFileSync('npx', ['tsup', '--silent'], { cwd: ROOT, stdio: 'ignore' });
  execFileSync('npm', ['pack', '--pack-destination', project], { cwd: ROOT, stdio: 'ignore' });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))!;
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  // The installation has no separate time limit, because the speed of a registry varies.
  const packages = [`./${tarball}`, '@tensorflow/tfjs@4.22.0', 'typescript@5.9.3'];
  execFileSync('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: project, stdio: 'ignore' });
}, 600_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test('the packed npm tarball contains all files that its documents link to', () => {
  const root = join(project, 'node_modules/tfjs-multitask');
  const documents = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  expect(documents).toContain('docs/guides/tuner.md');
  const missing = documents.flatMap((name) => {
    const links = readFileSync(join(root, name), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
    return [...links].flatMap(([, to]) =>
      existsSync(join(root, dirname(name), to!)) ? [] : [`${name}: ${to}`],
    );
  });
  expect(missing).toEqual([]);
});

/** Members that type inference and type errors need, and which therefore are in the public types. */
const TYPE_MEMBERS = [
  '~alternatives',
  '~block',
  '~loss',
  '~mistake',
  '~parameter',
  '~parameters',
  '~part',
  '~study',
  '~types',
];

test('the public types in the packed npm tarball contain no internal members', () => {
  const dist = join(project, 'node_modules/tfjs-multitask/dist');
  const types = readdirSync(dist).filter((name) => /\.d\.c?ts$/.test(name));
  expect(types.length).toBeGreaterThan(5);
  for (const name of types) {
    const source = readFileSync(join(dist, name), 'utf8');
    expect(source, name).not.toContain('@internal');
    const members = [...source.matchAll(/'(~\w+)'/g)].map(([, member]) => member);
    expect(TYPE_MEMBERS, name).toEqual(expect.arrayContaining(members));
  }
});

test('the public types import only packages that npm installs together with this package', () => {
  const root = join(project, 'node_modules/tfjs-multitask');
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const installed = [...Object.keys(dependencies), '@tensorflow/tfjs'];
  const types = readdirSync(join(root, 'dist')).filter((name) => /\.d\.c?ts$/.test(name));
  for (const name of types) {
    const source = readFileSync(join(root, 'dist', name), 'utf8');
    const imports = [...source.matchAll(/^(?:import|export) (?:.* from )?'([^.][^']*)';$/gm)].map(
      ([, from]) => from,
    );
    expect(installed, name).toEqual(expect.arrayContaining(imports));
  }
});

test('the packed npm tarball trains a model from an ES module', () => {
  const imports = `import * as m from 'tfjs-multitask'; import * as n from 'tfjs-multitask/node';`;
  writeFileSync(join(project, 'esm.mjs'), imports + PROGRAM);
  expect(run('node', 'esm.mjs')).toContain('trained');
});

test('the packed npm tarball trains a model from a CommonJS module', () => {
  const imports = `const m = require('tfjs-multitask'); const n = require('tfjs-multitask/node');`;
  writeFileSync(join(project, 'commonjs.cjs'), imports + PROGRAM);
  expect(run('node', 'commonjs.cjs')).toContain('trained');
});

/** Prints the engine that `fit` selects by default. */
const SELECTION = `
import * as m from 'tfjs-multitask';
const image = { data: new Uint8Array(8 * 8 * 3).fill(9), height: 8, width: 8, channels: 3 };
const model = m.multiTask({ input: [8, 8, 3] }).task('level', m.regression({ unit: 'bytes' }), m.branch([m.flatten()])).build();
const { engine } = await model.fit(m.imagesInMemory([{ image, labels: { level: 9 } }]), { epochs: 1 });
console.log(JSON.stringify(engine));`;

test('fit from the packed npm tarball selects wasm with threads, or onnx if onnxruntime-node is installed', () => {
  writeFileSync(join(project, 'selection.mjs'), SELECTION);
  const threads = Math.min(4, availableParallelism());
  const wasm = JSON.parse(run('node', 'selection.mjs'));
  expect(wasm).toMatchObject({ name: 'wasm', fasterEngine: { name: 'onnx' } });
  expect(wasm.reason).toContain(threads > 1 ? `on ${threads} threads` : 'on 1 thread');
  const link = join(project, 'node_modules/onnxruntime-node');
  symlinkSync(join(ROOT, 'node_modules/onnxruntime-node'), link);
  try {
    expect(JSON.parse(run('node', 'selection.mjs')).name).toBe('onnx');
  } finally {
    rmSync(link);
  }
});

/**
 * Trains with both copies of the library in one process, and prints which state the copies share in the last line. The console stays
 * unchanged, so that warnings of TensorFlow.js reach the output of the process even if they are printed while a module is loaded.
 */
const BOTH_COPIES = `
import '@tensorflow/tfjs'; // the engine cpu
import { createRequire } from 'node:module';
import * as esm from 'tfjs-multitask';
const cjs = createRequire(import.meta.url)('tfjs-multitask');
const image = { data: new Uint8Array(8 * 8 * 3).fill(9), height: 8, width: 8, channels: 3 };
const train = (m, options) => m.multiTask({ input: [8, 8, 3] })
  .trunk(m.sharedTrunk([m.conv(4, 3), m.maxPool(2), m.batchNorm()]))
  .task('level', m.regression({ unit: 'bytes' }), m.branch([m.flatten(), m.dense(4)]))
  .build()
  .fit(m.imagesInMemory([{ image, labels: { level: 9 } }, { image, labels: { level: 7 } }]), { epochs: 2, ...options });
const [first, second] = [await train(esm, { engine: 'wasm' }), await train(cjs, { engine: 'wasm' })];
const defaultEngines = [];
for (const [one, other] of [[esm, cjs], [cjs, esm]]) {
  for (const name of ['cpu', 'wasm']) {
    await one.useEngine(name);
    defaultEngines.push((await train(other)).engine.name);
  }
}
const errors = [];
const onEpochEnd = () => cjs.useEngine('cpu').catch((error) => errors.push(error.message));
const observer = { name: 'observer', create: () => ({ onEpochEnd }) };
await train(esm, { epochs: 1, callbacks: [observer] });
console.log(JSON.stringify({
  areTwoCopies: esm.multiTask !== cjs.multiTask,
  losses: [first, second].map(({ rows }) => rows.map(({ loss }) => loss)),
  defaultEngines,
  errors,
}));`;

describe('a process that loads the package as an ES module and as a CommonJS module', () => {
  let result: {
    readonly stdout: string;
    readonly stderr: string;
    readonly areTwoCopies: boolean;
    readonly losses: readonly (readonly number[])[];
    readonly defaultEngines: readonly string[];
    readonly errors: readonly string[];
  };
  beforeAll(() => {
    writeFileSync(join(project, 'both.mjs'), BOTH_COPIES);
    const { stdout, stderr, status } = spawnSync('node', ['both.mjs'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 150_000,
    });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    result = { stdout, stderr, ...JSON.parse(stdout.trimEnd().split('\n').at(-1)!) };
    expect(result.areTwoCopies).toBe(true);
  }, 160_000);

  test('prints no warning that a kernel or a backend is already registered', () => {
    expect(result.stdout).not.toContain('already registered');
    expect(result.stderr).not.toContain('already registered');
  });

  test('trains with equal losses in both modules', () => {
    expect(result.losses[1]).toEqual(result.losses[0]);
  });

  test('uses the same default engine in both modules if useEngine is called in one of them', () => {
    expect(result.defaultEngines).toEqual(['cpu', 'wasm', 'cpu', 'wasm']);
  });

  test('rejects an engine in one module if a run in the other module uses a different engine', () => {
    expect(result.errors).toEqual([
      expect.stringMatching(/^engine: expected "wasm", the engine of the run in progress, received "cpu"/),
    ]);
  });
});

/** Study with two training trials, each in a separate process. */
const SEARCH = `study({
  space: space({ filters: choice([2, 4]) }),
  objectives: minimize('loss'),
  strategy: random(),
  run: async ({ params, fitOptions }) => {
    const image = (level) => ({ data: new Uint8Array(8 * 8 * 3).fill(level), height: 8, width: 8, channels: 3 });
    const data = m.imagesInMemory([10, 200].map((level) => ({ image: image(level), labels: { level } })));
    const model = m.multiTask({ input: [8, 8, 3] })
      .task('level', m.regression({ unit: 'bytes' }), m.branch([m.conv(params.filters, 3), m.flatten()]))
      .build();
    await model.fit(data, { epochs: 1, engine: 'wasm', ...fitOptions });
  },
})`;
const IMPORTED_NAMES = 'choice, minimize, random, space, study';

test.each([
  [
    'esm',
    `import * as m from 'tfjs-multitask'; import { ${IMPORTED_NAMES} } from 'tfjs-multitask/tuner'; export default ${SEARCH};`,
    `import { runStudy } from 'tfjs-multitask/node';`,
  ],
  [
    'cjs',
    `const m = require('tfjs-multitask'); const { ${IMPORTED_NAMES} } = require('tfjs-multitask/tuner'); module.exports = ${SEARCH};`,
    `const { runStudy } = require('tfjs-multitask/node');`,
  ],
])('the packed npm tarball runs a study from modules in %s format', (kind, module, imports) => {
  const extension = kind === 'esm' ? 'mjs' : 'cjs';
  writeFileSync(join(project, `search.${extension}`), module);
  const call = `runStudy('./search.${extension}', { folder: 'search-${kind}' }).then(({ trials, stopped }) => console.log(stopped, ...trials.map(({ state, reason = '' }) => state + reason)));`;
  writeFileSync(join(project, `run.${extension}`), imports + call);
  expect(run('node', `run.${extension}`)).toBe('exhausted complete complete\n');
});

test('the packed npm tarball compiles in strict TypeScript, and an incorrect task name is a type error', () => {
  const imports = `import * as m from 'tfjs-multitask'; import * as n from 'tfjs-multitask/node';`;
  const typed = PROGRAM.replace('(level) => ({ data', '(level: number) => ({ data');
  const mistake = `
// @ts-expect-error the task is called level
const wrong = () => model.fit(data, { epochs: 1, loss: m.weightedLoss({ levle: 1 }) });
void wrong;`;
  writeFileSync(join(project, 'strict.mts'), imports + typed + mistake);
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2022',
  ];
  run('npx', 'tsc', ...options, '--lib', 'es2022,dom', 'strict.mts');
  expect(run('node', 'strict.mjs')).toContain('trained');
});
