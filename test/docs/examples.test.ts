import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCodeBlocks } from './codeBlocks.js';
import type { Outcome } from './runExamples.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROCESS_COUNT = 2;

const blocks = findCodeBlocks(ROOT);
mkdirSync(join(ROOT, 'out'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'out', 'doc-examples-'));
/** Examples that run in Node. The tests in test/browser run the others in a page. */
const nodeBlocks = blocks.filter(({ location }) => !location.startsWith('src/browser/'));
/** Returns the path of an example: either the original text for the type check, or the executable program that checks the output. */
const getFile = (kind: 'original' | 'executable', location: string) =>
  join(folder, kind, `${location.replaceAll(/[^\w]+/g, '-')}.ts`);

const outcomes = new Map<string, readonly string[]>();

/** Replaces every `console.log(x); // 3` with a check that the output of x is 3. */
const addOutputChecks = (code: string) =>
  code.replaceAll(
    /^(\s*)console\.log\((.*)\); \/\/ (.+)$/gm,
    (_, margin: string, values: string, expected: string) =>
      `${margin}(globalThis as any).checkOutput(${JSON.stringify(expected)}, ${values});`,
  );

/** Runs files one after another in one process, so that TensorFlow.js is loaded only once. */
function runFiles(files: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('runExamples.ts', import.meta.url)), files, {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json') },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', ({ file, errors }: Outcome) => void outcomes.set(file, errors));
    child.on('close', () => resolve());
  });
}

beforeAll(async () => {
  for (const kind of ['original', 'executable']) mkdirSync(join(folder, kind));
  for (const { location, code } of blocks) {
    writeFileSync(getFile('original', location), code);
    writeFileSync(getFile('executable', location), `${addOutputChecks(code)}\nexport {};\n`);
  }
  const files = nodeBlocks.map(({ location }) => getFile('executable', location));
  await Promise.all(
    Array.from({ length: PROCESS_COUNT }, (_, index) =>
      runFiles(files.filter((_, i) => i % PROCESS_COUNT === index)),
    ),
  );
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the documentation contains more than 50 code examples', () => {
  expect(blocks.length).toBeGreaterThan(50);
});

test('every code example in the documentation compiles without type errors', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const files = blocks.map(({ location }) => getFile('original', location));
  // `Force` makes every example a module, because two examples can declare the same name.
  const program = ts.createProgram(files, { ...options, moduleDetection: ts.ModuleDetectionKind.Force });
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const block = blocks.find(({ location }) => getFile('original', location) === file?.fileName);
    const line = block?.lines[file?.getLineAndCharacterOfPosition(start).line ?? 0];
    const location = block ? `${block.location.replace(/:\d+$/, '')}:${line}` : file?.fileName;
    return `${location} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(errors).toEqual([]);
});

test.each(nodeBlocks.map(({ location }) => location))(
  'the documentation example %s runs, and its outputs match its comments',
  (location) => {
    expect(
      outcomes.get(getFile('executable', location)) ?? ['did not run: an earlier example ended the process'],
    ).toEqual([]);
  },
);
