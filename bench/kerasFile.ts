/**
 * Measures the time and memory for reading a weights file of the size of ResNet50. Every measurement runs in a separate process.
 *
 * npx tsx bench/kerasFile.ts                         (a generated file of 94 MB) npx tsx bench/kerasFile.ts weights.h5              (an
 * existing file) npx tsx bench/kerasFile.ts weights.h5 resnet50     (loads a weights file of ResNet50 without its top into a network)
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

const [weightsPath, command] = process.argv.slice(2);
if (command === 'create') writeFileSync(weightsPath!, writeHdf5(createWeights()));
else if (command === 'read') await measure(weightsPath!, async () => `${countGroups(weightsPath!)} groups`);
else if (command === 'build') {
  await useEngine('wasm'); // Starts first, so that its memory is not counted.
  await measure(weightsPath!, () => buildResnet50(weightsPath!));
} else runRounds(weightsPath, command === 'resnet50' ? 'build' : 'read');

/** Prints the result of `work`, its duration in seconds, and the growth of the peak memory in bytes. */
async function measure(path: string, work: () => Promise<string>): Promise<void> {
  const readPeakMemory = () => process.resourceUsage().maxRSS * 1024;
  const peakBefore = readPeakMemory();
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const { size } = statSync(path);
  const growth = readPeakMemory() - peakBefore;
  console.log(
    `${(size / MB).toFixed(1)} MB, ${result}: ${seconds.toFixed(2)} s, ` +
      `memory grew by ${(growth / MB).toFixed(0)} MB, ${(growth / size).toFixed(2)} times the file`,
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

/** Runs the measurement several times, on a generated file if no path is passed. */
function runRounds(path: string | undefined, task: 'read' | 'build'): void {
  const folder = mkdtempSync(join(tmpdir(), 'keras-file-'));
  try {
    const file = path ?? join(folder, 'weights.h5');
    // Another process creates the file: a child process starts with the peak memory of its parent.
    if (!path) runTask(file, 'create');
    for (let round = 0; round < ROUNDS; round++) process.stdout.write(runTask(file, task));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs this program in a new process, and returns its output. */
function runTask(file: string, task: 'create' | 'read' | 'build'): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1]!, file, task],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Creates the weights of 53 convolution and batch normalization layers with Keras's names, 23.5 million numbers in total. */
function createWeights(): Hdf5Group {
  const createLayerGroup = (
    name: string,
    shapes: { readonly [weight: string]: readonly number[] },
  ): Hdf5Group => ({
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
    groups[`${name}_conv`] = createLayerGroup(`${name}_conv`, { kernel: [3, 3, 192, 256], bias: [256] });
    groups[`${name}_bn`] = createLayerGroup(`${name}_bn`, {
      gamma: [256],
      beta: [256],
      moving_mean: [256],
      moving_variance: [256],
    });
  }
  return { attributes: { layer_names: Object.keys(groups) }, groups, arrays: {} };
}
