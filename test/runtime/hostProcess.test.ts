import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('startInHost.ts', import.meta.url));

/** Runs the program in a new process, because the wasm backend can start only once per process. */
async function startInHost(...args: string[]): Promise<{ output: unknown; status: number | null }> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...args]);
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  child.stderr.on('data', (data) => {
    text += data;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const line = text.trim().split('\n').at(-1)!;
  return { output: line.startsWith('{') ? JSON.parse(line) : text.slice(0, 2000), status };
}

test.each([
  ['wasm with one thread', 'node', 'wasm', '1', ''],
  ['wasm with threads', 'node', 'wasm', '2', ''],
  ['onnx', 'node', 'onnx', '1', ''],
  ['wasm in a worker thread', 'node', 'wasm', '2', 'worker'],
  ['wasm after a failed start of its build with threads', 'no-modules', 'wasm', '2', ''],
  ['wasm of the default entry', 'default', 'wasm', '1', ''],
])(
  'the start of %s changes no listeners of the host process, also if they are added during the start',
  async (...[, ...args]) => {
    const { output, status } = await startInHost(...args);
    expect(output).toMatchObject({
      added: [3, 3],
      kept: 6,
      errors: ['before: a rejection', 'while: a rejection', 'later: a rejection'],
    });
    expect(status).toBe(0);
  },
);
