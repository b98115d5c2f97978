// Compiles training.ts and writes the module as text: a bundler then needs no loader, and a page no further file.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const COMPILER = 'assemblyscript@0.28.9';
execFileSync(
  'npx',
  [
    '--yes',
    '-p',
    COMPILER,
    'asc',
    here('training.ts'),
    '-o',
    here('training.wasm'),
    '-t',
    here('training.wat'),
  ].concat(
    '-O3 --runtime stub --noAssert --importMemory --noExportMemory --enable simd --enable bulk-memory'.split(
      ' ',
    ),
  ),
  { stdio: 'inherit' },
);
const text = readFileSync(here('training.wat'), 'utf8');
if (text.includes('(data'))
  throw new Error('training.ts must keep nothing in memory: the heap is another module’s');
const bytes = readFileSync(here('training.wasm'));
writeFileSync(
  here('../src/tensor/kernels/simdModule.ts'),
  `/** assembly/training.ts, compiled by \`npm run kernels\`. */\nexport const SIMD_MODULE =\n  '${bytes.toString('base64')}';\n`,
);
rmSync(here('training.wasm'));
rmSync(here('training.wat'));
console.log(`${bytes.length} bytes`);
