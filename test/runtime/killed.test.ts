import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
// Held in the middle of the epoch where it is killed or of the next: however late the kill comes, it comes before the end.
const held = Number(process.argv[3] ?? 0);
const hold = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const tell = { name: 'tell', begin: () => ({ step: ({ epoch, step }) => {
  writeSync(1, 'step ' + epoch + ' ' + step + '\\n');
  if (epoch === held && step === 4) hold();
} }) };
const { rows } = await model.fit(data.augment([m.randomRotation({ degrees: 20 })]), {
  epochs: 6, batchSize: 4, engine: 'wasm', checkpoint: store, resume: true, callbacks: [tell, m.csvLogger(store)],
});
console.log('rows ' + JSON.stringify(rows.map(({ seconds, ...row }) => row)));
`;

/** Runs the program; kills it when \`killAt\` shows on its output. Returns what it printed. */
function run(out: string, killAt?: string, delay = 0, held = 0): Promise<string> {
  const program = join(folder, 'program.mts');
  writeFileSync(program, PROGRAM);
  const child = spawn(process.execPath, ['--import', 'tsx', program, join(folder, out), String(held)], {
    cwd: ROOT,
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (killAt && text.includes(killAt)) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

const rows = (text: string) => text.split('\n').find((line) => line.startsWith('rows'));

test('killed in mid-epoch, and about when a checkpoint is written, a run ends with the history of one never killed', async () => {
  const whole = rows(await run('whole'));
  expect(whole).toContain('"epoch":6');
  for (const [killAt, delay, held] of [
    ['step 2 3', 0, 2],
    ['step 3 6', 0, 4],
    ['step 4 6', 2, 5],
    ['step 5 6', 5, 6],
  ] as const) {
    const cut = await run('cut', killAt, delay, held);
    expect(rows(cut)).toBeUndefined();
  }
  expect(rows(await run('cut'))).toBe(whole);
});
