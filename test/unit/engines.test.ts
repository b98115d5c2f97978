import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { describe, expect, test } from 'vitest';
import { createError } from '../../src/core/errors/errors.js';
import { branch, flatten, multiTask, regression, useEngine } from '../../src/entries/node.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { restoreNodeUtil } from '../../src/node/platform/restoreNodeUtil.js';
import { faultOf } from '../bad-input/faultOf.js';
import { useEngineWith } from '../engines/useEngineWith.js';

test('first calls that begin together start one engine, and all of them end', async () => {
  const image = { data: new Uint8Array(192).fill(9), height: 8, width: 8, channels: 3 };
  const models = Array.from({ length: 3 }, () =>
    multiTask({ input: [8, 8, 3], seed: 1 })
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build(),
  );
  const [one, ...others] = await Promise.all(models.map((model) => model.predict(image)));
  for (const other of others) expect(other).toEqual(one);
});

test('an engine that does not start leaves the next one to start', async () => {
  const [wrong, right] = await Promise.allSettled([useEngine('native'), useEngine('wasm')]);
  expect(wrong.status).toBe('rejected');
  expect(right).toMatchObject({ status: 'fulfilled', value: { name: 'wasm' } });
});

describe('a native package that is installed and does not load', () => {
  const broken = async (name: string): Promise<never> => {
    throw createError({
      kind: name.endsWith('gpu') ? 'missing-package' : 'broken-package',
      path: name,
      expected: 'the package',
      received: 'one that does not load (libtensorflow.so.2: cannot open shared object file)',
      advice: 'Run: npx tfjs-multitask build-native',
    });
  };

  test('is told by auto, with the command that mends it', async () => {
    const lines: string[] = [];
    const choice = await useEngineWith(broken)('auto', { log: (line) => lines.push(line) });
    expect(choice).toMatchObject({
      name: 'wasm',
      fasterEngine: { name: 'native', install: 'npx tfjs-multitask build-native' },
    });
    expect(choice.reason).toContain('@tensorflow/tfjs-node is installed');
    expect(choice.reason).toContain('cannot open shared object file');
    expect(lines.join('\n')).toContain('build-native');
  });

  test('is an error when asked for by name', async () => {
    const error = await faultOf(() => useEngineWith(broken)('native'));
    expect(error).toMatchObject({ kind: 'broken-package', path: 'engine native' });
    expect(error.message).toContain('cannot open shared object file');
    expect(error.advice).toContain('npx tfjs-multitask build-native');
  });

  test('is not mistaken for one that is not installed', async () => {
    const none = async (name: string): Promise<never> => {
      throw createError({ kind: 'missing-package', path: name, expected: 'it', received: 'none' });
    };
    expect((await useEngineWith(none)('auto')).fasterEngine?.install).toBe(
      'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node',
    );
    const error = await faultOf(() => useEngineWith(none)('native'));
    expect(error).toMatchObject({ kind: 'missing-package', received: 'no such package' });
  });
});

describe('loadPackage', () => {
  test('tells a package that is missing from one that does not load', async () => {
    const missing = await faultOf(() => loadPackage('no-such-package', 'this test'));
    expect(missing).toMatchObject({ kind: 'missing-package', received: 'no such package' });
    // An optional peer that is not installed reaches Vite, and so these tests, as a package that throws.
    const peer = await faultOf(() => loadPackage('@tensorflow/tfjs-node-gpu', 'this test'));
    expect(peer).toMatchObject({ kind: 'missing-package', received: 'no such package' });
    const folder = mkdtempSync(join(tmpdir(), 'broken-'));
    writeFileSync(join(folder, 'index.cjs'), "require('another-package');");
    const broken = await faultOf(() => loadPackage(join(folder, 'index.cjs'), 'this test'));
    expect(broken.kind).toBe('broken-package');
    expect(broken.received).toContain('another-package');
    rmSync(folder, { recursive: true });
  });

  test('gives back what Node 23 took from util, which the native package calls', () => {
    const names = ['isNullOrUndefined', 'isArray'] as const;
    const old = util as unknown as Record<string, ((value: unknown) => boolean) | undefined>;
    const own = names.map((name) => old[name]);
    for (const name of names) delete old[name];
    restoreNodeUtil();
    expect([null, undefined, 0, ''].map(old.isNullOrUndefined!)).toEqual([true, true, false, false]);
    expect([[], {}].map((value) => old.isArray!(value))).toEqual([true, false]);
    names.forEach((name, i) => {
      old[name] = own[i] ?? old[name];
    });
  });
});
