import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { computeCodeHash } from '../../src/node/tuning/codeHash.js';

const TREE = {
  'app/study.ts':
    "import { net } from './net.js';\nexport * from '../shared/index.js';\nexport default net;\n",
  'app/net.ts': "const part = () => import('./part');\nimport './study.js';\nexport const net = part;\n",
  'app/part/index.ts': "const old = require('./old.cjs');\n",
  'app/part/old.cjs': 'module.exports = 1;\n',
  'shared/index.js': 'export const rate = 0.1;\n',
  'app/data.json': '[1]\n',
};
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'code-hash-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

let treeCount = 0;
/** Writes a new copy of the source tree with some changed files, and computes the hash of the study in the copy. */
const hashWith = (changed: { readonly [path: string]: string } = {}) => {
  const root = join(scratch, String(treeCount++));
  for (const [path, text] of Object.entries({ ...TREE, ...changed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return computeCodeHash(pathToFileURL(join(root, 'app/study.ts')).href);
};

test('computeCodeHash returns the same hash for a copy in another folder', async () => {
  expect(await hashWith()).toBe(await hashWith());
});

test.each(Object.keys(TREE).filter((path) => path !== 'app/data.json'))(
  'computeCodeHash returns a different hash if %s has changed',
  async (path) => {
    expect(await hashWith({ [path]: `${TREE[path as keyof typeof TREE]}// changed\n` })).not.toBe(
      await hashWith(),
    );
  },
);

test('computeCodeHash returns the same hash if only files that the study does not import have changed', async () => {
  expect(await hashWith({ 'app/data.json': '[2]\n', 'app/other.ts': 'export {};\n' })).toBe(await hashWith());
});

test('computeCodeHash ignores an import of a missing file, but rejects a missing study module', async () => {
  const text = `${TREE['app/study.ts']}import './nowhere.js';\n`;
  expect(await hashWith({ 'app/study.ts': text })).toMatch(/^[0-9a-f]{16}$/);
  await expect(computeCodeHash(pathToFileURL(join(scratch, 'none.ts')).href)).rejects.toThrow(/ENOENT/);
});
