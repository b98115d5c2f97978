/**
 * How fast a file of weights as large as ResNet50's is read, and how much memory that takes, each in a process of its own.
 *
 *   npx tsx bench/kerasFile.ts                  (94 MB, made here)
 *   npx tsx bench/kerasFile.ts weights.h5       (a file of yours)
 *   npx tsx bench/kerasFile.ts weights.h5 resnet50     (into a network: a file of ResNet50 without its top)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  branch,
  dense,
  globalAveragePool,
  multiTask,
  regression,
  sharedTrunk,
  useEngine,
} from 'tfjs-multitask';
import { resnet50Backbone } from 'tfjs-multitask/node';
import type { Hdf5Group } from '../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../src/formats/hdf5/write/writeHdf5.js';

const ROUNDS = 3;
const MB = 1e6;

const [given, what] = process.argv.slice(2);
if (what === 'make') writeFileSync(given!, writeHdf5(resnetSized()));
else if (what === 'read') await measured(given!, async () => `${countGroups(given!)} groups`);
else if (what === 'build') {
  await useEngine('wasm'); // its memory is not the file's
  await measured(given!, () => buildResnet50(given!));
} else compare(given, what === 'resnet50' ? 'build' : 'read');

/** Prints what `work` gives, the seconds it took, and by how many bytes the most memory held has grown. */
async function measured(path: string, work: () => Promise<string>): Promise<void> {
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const before = peak();
  const began = performance.now();
  const gave = await work();
  const seconds = (performance.now() - began) / 1000;
  const { size } = statSync(path);
  const grown = peak() - before;
  console.log(
    `${(size / MB).toFixed(1)} MB, ${gave}: ${seconds.toFixed(2)} s, ` +
      `memory grew by ${(grown / MB).toFixed(0)} MB, ${(grown / size).toFixed(2)} times the file`,
  );
}

function countGroups(path: string): number {
  return Object.keys(readHdf5(readFileSync(path), path).groups).length;
}

async function buildResnet50(path: string): Promise<string> {
  const backbone = await resnet50Backbone({ weights: path, trainable: false });
  const model = multiTask({ input: [128, 128, 3] })
    .trunk(sharedTrunk([backbone, globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), branch([dense(1)]))
    .build();
  return `a network of ${model.architecture().layers.length} layers`;
}

function compare(path: string | undefined, how: 'read' | 'build'): void {
  const folder = mkdtempSync(join(tmpdir(), 'keras-file-'));
  try {
    const file = path ?? join(folder, 'weights.h5');
    // Not here: a process begins with the peak of the one that started it.
    if (!path) start(file, 'make');
    for (let round = 0; round < ROUNDS; round++) process.stdout.write(start(file, how));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(file: string, task: 'make' | 'read' | 'build'): string {
  const run = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, file, task], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}

/** 53 layers of convolution with their batch normalisation, 23.5 million numbers in all, under names as Keras gives them. */
function resnetSized(): Hdf5Group {
  const group = (name: string, shapes: { readonly [weight: string]: readonly number[] }): Hdf5Group => ({
    attributes: { weight_names: Object.keys(shapes).map((weight) => `${name}/${weight}:0`) },
    groups: {
      [name]: {
        attributes: {},
        groups: {},
        arrays: Object.fromEntries(
          Object.entries(shapes).map(([weight, shape]) => [
            `${weight}:0`,
            { shape, data: new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(0.1) },
          ]),
        ),
      },
    },
    arrays: {},
  });
  const groups: Record<string, Hdf5Group> = {};
  for (let i = 0; i < 53; i++) {
    const name = `conv${i}`;
    groups[`${name}_conv`] = group(`${name}_conv`, { kernel: [3, 3, 192, 256], bias: [256] });
    groups[`${name}_bn`] = group(`${name}_bn`, {
      gamma: [256],
      beta: [256],
      moving_mean: [256],
      moving_variance: [256],
    });
  }
  return { attributes: { layer_names: Object.keys(groups) }, groups, arrays: {} };
}
