import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createRng, useEngine } from '../../src/entries/node.js';
import { readTestSize } from './testSize.js';
import { checkInterruptedFolder, compareFolders, createReference, readFolder } from './trainingRun.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const { kills, seed } = readTestSize();
const EPOCHS = 4;

const scratch = mkdtempSync(join(tmpdir(), 'killed-runs-'));
let child: ChildProcess | undefined;
afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
/** Milliseconds after which a run counts as stuck. */
const MAX_DURATION = 300_000;

interface Ending {
  readonly isFinished: boolean;
  /** Milliseconds from the beginning of the training to its end, without the start of the process. */
  readonly duration: number;
  readonly errors: string;
}

/** Trains in a child process, which is killed `delay` milliseconds after it has started training. */
function train(folder: string, engine: string, delay?: number): Promise<Ending> {
  const program = ['--import', 'tsx', 'test/long/runTraining.mts', folder, engine, String(EPOCHS)];
  const started = spawn(process.execPath, program, { cwd: ROOT });
  child = started;
  let [text, errors] = ['', ''];
  let begin = 0;
  let duration = 0;
  let timer = setTimeout(() => {
    errors += `The run was stuck for ${MAX_DURATION} ms.`;
    started.kill('SIGKILL');
  }, MAX_DURATION);
  started.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors += part;
  });
  started.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (begin === 0 && text.includes('ready\n')) {
      begin = performance.now();
      if (delay !== undefined) {
        clearTimeout(timer);
        timer = setTimeout(() => started.kill('SIGKILL'), delay);
      }
    }
    if (text.includes('done\n')) duration ||= performance.now() - begin;
  });
  return new Promise((resolve) => {
    started.on('close', () => {
      clearTimeout(timer);
      resolve({ isFinished: text.includes('done\n'), duration, errors });
    });
  });
}

test.each(['wasm', 'onnx'] as const)(
  `a run on %s that is killed ${kills} times at random moments (seed ${seed}) is resumed with the same files bit for bit`,
  { timeout: 4 * 3_600_000 },
  async (engine) => {
    await useEngine(engine, { threads: 1 }); // As in the child process.
    const whole = await train(join(scratch, `${engine}-whole`), engine);
    expect(whole).toMatchObject({ isFinished: true, errors: '' });
    const options = { engine, epochs: EPOCHS };
    const reference = await createReference(join(scratch, `${engine}-reference`), options);
    const { files } = reference;
    expect(compareFolders(readFolder(join(scratch, `${engine}-whole`)), files)).toEqual([]);
    const random = createRng(seed, 'kills', engine);
    console.log(
      `killed runs on ${engine}: seed ${seed}, ${kills} kills within ${Math.round(whole.duration)} ms`,
    );
    const problems: string[] = [];
    let count = 0;
    let finishedRuns = 0;
    let delays: number[] = [];
    let { duration } = whole;
    const report = (problem: string) => problems.push(`${problem} (killed after ${delays.join(', ')} ms)`);
    for (let run = 0; problems.length < 10; run++) {
      const folder = join(scratch, `${engine}-${run}`);
      delays = [];
      for (;;) {
        const isLast = count >= kills;
        const delay = Math.round(random.uniform(0, duration));
        const ending = await train(folder, engine, isLast ? undefined : delay);
        if (ending.isFinished || ending.errors !== '') {
          if (ending.isFinished && delays.length === 0) duration = ending.duration; // The speed of the machine may have changed.
          if (ending.errors !== '') report(`the resumed run printed ${ending.errors}`);
          break;
        }
        delays.push(delay);
        count++;
        for (const problem of await checkInterruptedFolder(folder, [reference])) report(problem);
      }
      const differing = compareFolders(readFolder(folder), files);
      if (differing.length > 0) report(`the files of the resumed run differ in ${differing.join(', ')}`);
      finishedRuns++;
      rmSync(folder, { recursive: true, force: true });
      if (count >= kills) break;
    }
    console.log(`killed runs on ${engine}: ${count} kills, ${finishedRuns} finished runs`);
    expect(problems).toEqual([]);
  },
);
