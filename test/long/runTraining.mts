/** Trains and records a run: `runTraining.mts FOLDER ENGINE EPOCHS`. Prints `ready` before the run and `done` after it. */
import { writeSync } from 'node:fs';
import { useEngine } from '../../src/entries/node.js';
import { trainAndRecord } from './trainingRun.js';

const [folder, engine, epochs] = process.argv.slice(2) as [string, 'wasm' | 'onnx', string];
await useEngine(engine, { threads: 1 });
writeSync(1, 'ready\n');
await trainAndRecord(folder, { engine, epochs: Number(epochs) });
writeSync(1, 'done\n');
process.exit(0);
