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
  scratch = mkdtempSync(join(tmpdir(), 'mark-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

let trees = 0;
/** The mark of the study in a tree of its own, of which one file differs. */
const markWith = (changed: { readonly [path: string]: string } = {}) => {
  const root = join(scratch, String(trees++));
  for (const [path, text] of Object.entries({ ...TREE, ...changed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return computeCodeHash(pathToFileURL(join(root, 'app/study.ts')).href);
};

test('the code of a study is known again at another place', async () => {
  expect(await markWith()).toBe(await markWith());
});

test.each(Object.keys(TREE).filter((path) => path !== 'app/data.json'))(
  'it is another one when %s has changed',
  async (path) => {
    expect(await markWith({ [path]: `${TREE[path as keyof typeof TREE]}// changed\n` })).not.toBe(
      await markWith(),
    );
  },
);

test('but not when something changed that it does not import', async () => {
  expect(await markWith({ 'app/data.json': '[2]\n', 'app/other.ts': 'export {};\n' })).toBe(await markWith());
});

test('an import of what is not there changes nothing, and a module that is not there says so', async () => {
  const text = `${TREE['app/study.ts']}import './nowhere.js';\n`;
  expect(await markWith({ 'app/study.ts': text })).toMatch(/^[0-9a-f]{16}$/);
  await expect(computeCodeHash(pathToFileURL(join(scratch, 'none.ts')).href)).rejects.toThrow(/ENOENT/);
});
