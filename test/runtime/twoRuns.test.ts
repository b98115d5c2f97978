import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { memoryStore } from '../../src/entries/node.js';
import { folderStore } from '../../src/node/index.js';
import { lockFile } from '../../src/node/platform/lockFile.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'two-runs-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

/** Trains into a folder: `FOLDER SEED WAITING_EPOCH`. It waits for ever in the middle of the waiting epoch, if there is one. */
const PROGRAM = `
import { writeSync } from 'node:fs';
import * as m from '${ROOT}src/entries/node.ts';
import { folderStore } from '${ROOT}src/node/index.ts';
const [folder, seed, waitingEpoch] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const store = folderStore(folder);
const image = (i) => ({ data: new Uint8Array(192).fill(6 * i), height: 8, width: 8, channels: 3 });
const data = m.imagesInMemory(Array.from({ length: 40 }, (_, i) => ({ image: image(i), labels: { age: i } })));
const { train, validation } = data.split({ validation: 0.25, seed: 1 });
const model = m.multiTask({ input: [8, 8, 3], seed })
  .task('age', m.regression({ unit: 'years' }), m.branch([m.flatten(), m.dense(8)]))
  .build();
const wait = { name: 'wait', onBatchEnd: ({ epoch, batch }) => {
  if (epoch !== waitingEpoch || batch !== 2) return;
  writeSync(1, 'waiting\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
} };
try {
  const { rows } = await model.fit(train, {
    validation, epochs: 3, batchSize: 4, seed, engine: 'wasm', checkpoint: store, resume: 'auto',
    callbacks: [m.bestCheckpoint(store), m.csvLogger(store), m.jsonLinesLogger(store), wait],
  });
  writeSync(1, 'finished ' + rows.length + '\\n');
} catch (error) {
  writeSync(1, 'refused ' + error.message + '\\n');
}
`;

/** Starts the program, and returns its process and a promise for the first line of its output that begins with one of `words`. */
function start(folder: string, seed: number, waitingEpoch: number) {
  const program = join(scratch, 'program.mts');
  writeFileSync(program, PROGRAM);
  const args = ['--import', 'tsx', program, folder, String(seed), String(waitingEpoch)];
  const child = spawn(process.execPath, args, { cwd: ROOT });
  children.push(child);
  let text = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors += part;
  });
  const line = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const found = text.split('\n').find((each) => /^(?:waiting|finished|refused)/.test(each));
      if (found !== undefined && text.includes('\n')) resolve(found);
    });
    child.on('close', () => reject(new Error(`the program ended without a result: ${errors}`)));
  });
  return { child, line };
}

describe('fit in a folder that another process trains in', () => {
  test('is rejected with the folder and the process, and the other run continues with its own files', async () => {
    const folder = join(scratch, 'busy');
    const first = start(folder, 1, 2);
    expect(await first.line).toBe('waiting');
    const store = folderStore(folder);
    const before = await store.read('history.jsonl');
    const second = start(folder, 2, 0);
    expect(await second.line).toBe(
      `refused ${folder}/checkpoint.safetensors.lock: expected files that no other run is writing, received files that process ${first.child.pid} on ${hostname()} has locked. Wait for that process, or choose another folder. If the process no longer exists, remove this file.`,
    );
    expect(await store.read('history.jsonl')).toEqual(before);

    // The lock of a process that was killed is replaced, and the run continues.
    first.child.kill('SIGKILL');
    await new Promise((resolve) => first.child.on('close', resolve));
    const third = start(folder, 1, 0);
    expect(await third.line).toBe('finished 3');
    const lines = readFileSync(join(folder, 'history.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).epoch)).toEqual([1, 2, 3]);
    await new Promise((resolve) => third.child.on('close', resolve));
    expect((await store.list()).filter((name) => name.includes('.lock'))).toEqual([]);
  });

  test('of two processes that start at the same time, exactly one trains', async () => {
    const folder = join(scratch, 'race');
    const runs = [1, 2].map((seed) => start(folder, seed, 2));
    const lines = await Promise.all(runs.map(({ line }) => line));
    expect(lines.filter((line) => line === 'waiting')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('refused'))).toHaveLength(1);
  });
});

test('a lock is replaced if every process that tried to replace it was killed, and releasing it leaves no files', async () => {
  const store = memoryStore();
  const host = hostname();
  const encode = (pid: number) => new TextEncoder().encode(JSON.stringify({ host, pid, token: String(pid) }));
  // These ids are above the largest process id on Linux.
  const [first, second, third] = [1, 2, 3].map((i) => encode(2 ** 22 + i)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const getTakeoverName = async (name: string, bytes: Uint8Array) =>
    `${name}.${(await sha256(bytes)).slice(0, 16)}`;
  await store.write('run.lock', first);
  const takeover = await getTakeoverName('run.lock', first);
  await store.write(takeover, second);
  await store.write(await getTakeoverName(takeover, second), third);
  const release = await lockFile(store, 'run.lock');
  await expect(lockFile(store, 'run.lock')).rejects.toMatchObject({ kind: 'file', path: 'memory/run.lock' });
  await release();
  expect(await store.list()).toEqual([]);
});
