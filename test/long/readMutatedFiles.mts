/**
 * Reads mutated files, and prints one line of JSON for each: `readMutatedFiles.mts SEED FIRST END`. To read one file again, and to print
 * its stack trace: `npx tsx test/long/readMutatedFiles.mts SEED INDEX`.
 */
import { mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { createRng, type ErrorKind, isMultitaskError, useEngine } from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { getCpuTime } from '../bad-input/getCpuTime.js';
import { type Engine, FILE_KINDS, type FileKind } from './fileKinds.js';
import { mutateFile } from './mutateFile.js';

const [seed = 1, first = 0, end = first + 1] = process.argv.slice(2).map(Number);
const isReplay = process.argv[4] === undefined;

/** CPU time in milliseconds that reading one small file may take. Most take less than 100 ms. */
const MAX_CPU_TIME = 20_000;

/** Kinds of errors that describe a damaged file. A Keras file can also have other outputs than the tasks. */
const FILE_ERRORS: readonly ErrorKind[] = ['file', 'data', 'checkpoint', 'memory', 'number', 'engine'];

const weightedKinds = FILE_KINDS.flatMap((kind) => Array<FileKind>(kind.weight ?? 1).fill(kind));
const print = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

/** Returns the kind of a file, its bytes after the mutation, and the engine that is used if the file is a network. */
async function createFile(index: number) {
  const random = createRng(seed, 'file', index);
  const kind = weightedKinds[random.nextInt(weightedKinds.length)]!;
  const engine: Engine = random.nextInt(2) === 0 ? 'wasm' : 'onnx';
  const original = new Uint8Array(await kind.create());
  return { kind, engine, original, bytes: mutateFile(original, kind.isJson ?? false, seed, index) };
}

const originalMeanings = new Map<string, unknown>();

/** Returns what an unchanged file contains. This is also what a mutated file with a checksum must contain, unless it is rejected. */
async function getMeaning(kind: FileKind, engine: Engine, original: Uint8Array): Promise<unknown> {
  const key = `${kind.name} ${engine}`;
  if (!originalMeanings.has(key)) originalMeanings.set(key, await kind.read(original, engine));
  return originalMeanings.get(key);
}

let unhandled: unknown;
process.on('unhandledRejection', (reason) => {
  unhandled = reason;
});

/** Returns whether an error is about tasks that do not fit a file. The mutated bytes can describe another valid model. */
const isTaskError = (path: string) => path === 'loadKeras.tasks' || path.startsWith('face.file: ');

/** Reads a file. Returns `read` or `rejected`, and a description of the problem if the library behaved incorrectly. */
async function readFile({ kind, engine, original, bytes }: Awaited<ReturnType<typeof createFile>>) {
  const meaning = kind.isChecksummed && (await getMeaning(kind, engine, original));
  const started = getCpuTime();
  const tensors = tf.engine().memory().numTensors;
  let outcome = 'read';
  let problem: string | undefined;
  try {
    const value = await kind.read(bytes, engine);
    if (kind.isChecksummed && value !== meaning)
      problem = 'a file with a checksum was read as something else';
  } catch (error) {
    outcome = 'rejected';
    if (!isMultitaskError(error)) problem = `a raw error: ${(error as Error)?.stack ?? String(error)}`;
    else if (!FILE_ERRORS.includes(error.kind) && !isTaskError(error.path))
      problem = `an error of kind ${error.kind}: ${error.stack}`;
    else if (isReplay) console.log(error.message);
  }
  await new Promise((resolve) => setImmediate(resolve));
  if (unhandled !== undefined)
    problem = `an unhandled rejection: ${(unhandled as Error)?.stack ?? unhandled}`;
  unhandled = undefined;
  const growth = tf.engine().memory().numTensors - tensors;
  if (growth !== 0) problem ??= `${growth} tensors were not disposed of`;
  const time = getCpuTime() - started;
  if (time > MAX_CPU_TIME) problem ??= `reading took ${time} ms of CPU time`;
  return { outcome, ...(problem !== undefined && { problem }) };
}

/** Saves a mutated file for inspection, and returns its path. */
function saveFile(index: number, bytes: Uint8Array): string {
  const path = `out/long/${seed}-${index}.bin`;
  mkdirSync('out/long', { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

await useEngine('wasm');
for (let index = first; index < end; index++) {
  const file = await createFile(index);
  if (isReplay) console.log(`${file.kind.name} on ${file.engine}, saved as ${saveFile(index, file.bytes)}`);
  print({ index, kind: file.kind.name });
  const result = await readFile(file);
  if (result.problem !== undefined) saveFile(index, file.bytes);
  const isMeasured = index % 50 === 49;
  if (isMeasured) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const peak = process.resourceUsage().maxRSS * 1024;
  print({ index, kind: file.kind.name, ...result, ...(isMeasured && { heap: heapUsed + external, peak }) });
}
process.exit(0);
