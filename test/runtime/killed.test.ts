import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'killed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import { writeSync } from 'node:fs';
import * as m from '${ROOT}src/entries/node.ts';
import { folderStore } from '${ROOT}src/node/index.ts';
const random = m.createRng(1, 'images');
const data = m.imagesInMemory(Array.from({ length: 24 }, (_, i) => ({
  image: { data: Uint8Array.from({ length: 768 }, () => random.nextInt(256)), height: 16, width: 16, channels: 3 },
  labels: { age: i },
})));
const model = m.multiTask({ input: [16, 16, 3] })
  .trunk(m.sharedTrunk([m.conv(8, 3), m.maxPool(2), m.batchNorm()]))
  .task('age', m.regression({ unit: 'years' }), m.branch([m.flatten(), m.dense(16), m.dropout(0.2)]))
  .build();
const store = folderStore(process.argv[2]);
// The run waits in the middle of this epoch, so however late the kill signal arrives, it arrives before the end.
const waitingEpoch = Number(process.argv[3] ?? 0);
const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const printSteps = { name: 'printSteps', onBatchEnd: ({ epoch, batch }) => {
  writeSync(1, 'step ' + epoch + ' ' + batch + '\\n');
  if (epoch === waitingEpoch && batch === 4) wait();
} };
const { rows } = await model.fit(data.augment([m.randomRotation({ degrees: 20 })]), {
  epochs: 6, batchSize: 4, engine: 'wasm', checkpoint: store, resume: true, callbacks: [printSteps, m.csvLogger(store)],
});
console.log('rows ' + JSON.stringify(rows.map(({ seconds, ...row }) => row)));
`;

/** Runs the program, kills it when `killAt` appears in the output, and returns the output. */
function run(out: string, killAt?: string, delay = 0, waitingEpoch = 0): Promise<string> {
  const program = join(folder, 'program.mts');
  writeFileSync(program, PROGRAM);
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', program, join(folder, out), String(waitingEpoch)],
    {
      cwd: ROOT,
    },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (killAt && text.includes(killAt)) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

const rows = (text: string) => text.split('\n').find((line) => line.startsWith('rows'));

test('a training run that is killed during an epoch or while it writes a checkpoint can be resumed with the same history as an uninterrupted run', async () => {
  const whole = rows(await run('whole'));
  expect(whole).toContain('"epoch":6');
  for (const [killAt, delay, waitingEpoch] of [
    ['step 2 3', 0, 2],
    ['step 3 6', 0, 4],
    ['step 4 6', 2, 5],
    ['step 5 6', 5, 6],
  ] as const) {
    const killed = await run('cut', killAt, delay, waitingEpoch);
    expect(rows(killed)).toBeUndefined();
  }
  expect(rows(await run('cut'))).toBe(whole);
  // The runs that were killed left no temporary files.
  const files = readdirSync(join(folder, 'cut'), { recursive: true });
  expect(files).toEqual(readdirSync(join(folder, 'whole'), { recursive: true }));
});
