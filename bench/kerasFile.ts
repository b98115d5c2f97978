/**
 * How fast a file of weights as large as ResNet50's is read, and how much memory that takes, each in a process of its own.
 *
 *   npx tsx bench/kerasFile.ts                  (94 MB, made here)
 *   npx tsx bench/kerasFile.ts weights.h5       (a file of yours)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPackage } from 'tfjs-multitask/node';
import { type Hdf5Group, readHdf5, writeHdf5 } from '../src/io/hdf5.js';

const ROUNDS = 3;
const MB = 1e6;

const [given, task] = process.argv.slice(2);
if (task === 'read') read(given!);
else if (task === 'make') writeFileSync(given!, await writeHdf5(resnetSized(), loadPackage));
else compare(given);

/** Reads `path` and prints the seconds that took, and by how many bytes the most memory held has grown. */
function read(path: string): void {
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const before = peak();
  const began = performance.now();
  const root = readHdf5(readFileSync(path), path);
  const seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ seconds, grown: peak() - before, groups: Object.keys(root.groups).length }));
}

function compare(path?: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'keras-file-'));
  try {
    const file = path ?? join(folder, 'weights.h5');
    // Not here: a process begins with the peak of the one that started it.
    if (!path) start(file, 'make');
    const { size } = statSync(file);
    for (let round = 0; round < ROUNDS; round++) {
      const { seconds, grown, groups } = JSON.parse(start(file, 'read'));
      console.log(
        `${(size / MB).toFixed(1)} MB, ${groups} groups: ${seconds.toFixed(2)} s, ` +
          `memory grew by ${(grown / MB).toFixed(0)} MB, ${(grown / size).toFixed(2)} times the file`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(file: string, what: 'make' | 'read'): string {
  const run = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, file, what], {
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
