import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from './blocks.js';
import type { Outcome } from './run.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROCESSES = 2;

const blocks = blocksOf(ROOT);
mkdirSync(join(ROOT, 'out'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'out', 'doc-examples-'));
/** What needs a page runs in one: test/browser. */
const inNode = blocks.filter(({ place }) => !place.startsWith('src/browser/'));
const fileOf = (kind: 'written' | 'run', place: string) =>
  join(folder, kind, `${place.replaceAll(/[^\w]+/g, '-')}.ts`);

const outcomes = new Map<string, readonly string[]>();

/** `console.log(x); // 3` as a check that x is printed as 3. */
const checked = (code: string) =>
  code.replaceAll(
    /^(\s*)console\.log\((.*)\); \/\/ (.+)$/gm,
    (_, margin: string, values: string, expected: string) =>
      `${margin}(globalThis as any).shows(${JSON.stringify(expected)}, ${values});`,
  );

/** All of `files` in one process, one after another: TensorFlow.js is loaded once for many examples. */
function runAll(files: readonly string[]): Promise<void> {
  return new Promise((done) => {
    const child = fork(fileURLToPath(new URL('run.ts', import.meta.url)), files, {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', ({ file, faults }: Outcome) => void outcomes.set(file, faults));
    child.on('close', () => done());
  });
}

beforeAll(async () => {
  for (const kind of ['written', 'run']) mkdirSync(join(folder, kind));
  for (const { place, code } of blocks) {
    writeFileSync(fileOf('written', place), code);
    writeFileSync(fileOf('run', place), `${checked(code)}\nexport {};\n`);
  }
  const files = inNode.map(({ place }) => fileOf('run', place));
  await Promise.all(
    Array.from({ length: PROCESSES }, (_, turn) => runAll(files.filter((_, i) => i % PROCESSES === turn))),
  );
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the documentation shows programs', () => {
  expect(blocks.length).toBeGreaterThan(50);
});

test('every example has the right types', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const files = blocks.map(({ place }) => fileOf('written', place));
  // Two examples may use one name: each is a module, also when it imports nothing.
  const program = ts.createProgram(files, { ...options, moduleDetection: ts.ModuleDetectionKind.Force });
  const wrong = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const block = blocks.find(({ place }) => fileOf('written', place) === file?.fileName);
    const line = block?.lines[file?.getLineAndCharacterOfPosition(start).line ?? 0];
    const place = block ? `${block.place.replace(/:\d+$/, '')}:${line}` : file?.fileName;
    return `${place} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(wrong).toEqual([]);
});

test.each(inNode.map(({ place }) => place))('%s runs, and prints what it says', (place) => {
  expect(
    outcomes.get(fileOf('run', place)) ?? ['was not reached: an example before it ended the process'],
  ).toEqual([]);
});
