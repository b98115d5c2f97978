// Compiles training.ts and writes the module as text: a bundler then needs no loader, and a page no further file. Twice, as a
// module says whether the memory that it imports is shared.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const COMPILER = 'assemblyscript@0.28.9';
const OPTIONS =
  '-O3 --runtime stub --noAssert --importMemory --noExportMemory --enable simd --enable bulk-memory'.split(
    ' ',
  );
// 65,536 pages of 64 KiB: what TensorFlow.js's threaded build asks for, and its memory is refused by less.
const SHARED = '--enable threads --sharedMemory --maximumMemory 65536'.split(' ');

/** The module as base64. */
function compile(options) {
  const [binary, text] = [here('training.wasm'), here('training.wat')];
  execFileSync(
    'npx',
    ['--yes', '-p', COMPILER, 'asc', here('training.ts'), '-o', binary, '-t', text, ...OPTIONS, ...options],
    { stdio: 'inherit' },
  );
  if (readFileSync(text, 'utf8').includes('(data'))
    throw new Error('training.ts must keep nothing in memory: the heap is another module’s');
  const bytes = readFileSync(binary);
  rmSync(binary);
  rmSync(text);
  console.log(`${bytes.length} bytes`);
  return bytes.toString('base64');
}

writeFileSync(
  here('../src/tensor/kernels/simdModule.ts'),
  `/** assembly/training.ts, compiled by \`npm run kernels\`. */
export const SIMD_MODULE =
  '${compile([])}';

/** The same for a heap that threads share. */
export const SHARED_SIMD_MODULE =
  '${compile(SHARED)}';
`,
);
