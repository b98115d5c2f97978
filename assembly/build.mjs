// Compiles training.ts and writes the modules as text, so that bundlers need no loader and pages load no further file. There are
// two modules: a WebAssembly module declares whether the memory that it imports is shared.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const resolvePath = (name) => fileURLToPath(new URL(name, import.meta.url));
const COMPILER = 'assemblyscript@0.28.9';
const OPTIONS =
  '-O3 --runtime stub --noAssert --importMemory --noExportMemory --enable simd --enable bulk-memory'.split(
    ' ',
  );
// 65,536 pages of 64 KiB, as in TensorFlow.js's threaded build: a module with a lower maximum cannot import its memory.
const SHARED = '--enable threads --sharedMemory --maximumMemory 65536'.split(' ');

/** Returns the module as base64. */
function compile(options) {
  const [binary, text] = [resolvePath('training.wasm'), resolvePath('training.wat')];
  execFileSync(
    'npx',
    [
      '--yes',
      '-p',
      COMPILER,
      'asc',
      resolvePath('training.ts'),
      '-o',
      binary,
      '-t',
      text,
      ...OPTIONS,
      ...options,
    ],
    { stdio: 'inherit' },
  );
  if (readFileSync(text, 'utf8').includes('(data'))
    throw new Error(
      'training.ts: expected no data segments, received a module with data. Remove its constants: the heap belongs to TensorFlow.js.',
    );
  const bytes = readFileSync(binary);
  rmSync(binary);
  rmSync(text);
  console.log(`${bytes.length} bytes`);
  return bytes.toString('base64');
}

writeFileSync(
  resolvePath('../src/tensor/kernels/simd/simdModule.ts'),
  `/** Wasm module of the folder assembly in base64, compiled by \`npm run kernels\`. */
export const SIMD_MODULE =
  '${compile([])}';

/** Wasm module of the folder assembly in base64, for a heap that threads share. */
export const SHARED_SIMD_MODULE =
  '${compile(SHARED)}';
`,
);
