import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createError } from '../../src/core/errors/errors.js';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import { getProcessState } from '../../src/engines/processState.js';
import { createUseEngine } from '../../src/engines/select.js';
import {
  branch,
  flatten,
  imagesInMemory,
  multiTask,
  progressBar,
  regression,
  useEngine,
} from '../../src/entries/node.js';
import { createMultiTask } from '../../src/model/multiTask.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';
import { restoreNodeUtil } from '../../src/node/platform/restoreNodeUtil.js';
import { catchError } from '../bad-input/catchError.js';
import { useEngineWith } from '../engines/useEngineWith.js';

test('concurrent first calls to model.predict start a single engine, and never load its package twice at the same time', async () => {
  let loading = 0;
  const maxLoading: { [packageName: string]: number } = {};
  const countingLoader: PackageLoader = Object.assign(
    async <M>(name: string, neededFor: string): Promise<M> => {
      maxLoading[name] = Math.max(maxLoading[name] ?? 0, ++loading);
      try {
        return await loadPackage<M>(name, neededFor);
      } finally {
        loading--;
      }
    },
    { threads: 1 },
  );
  const image = { data: new Uint8Array(192).fill(9), height: 8, width: 8, channels: 3 };
  const models = Array.from({ length: 3 }, () =>
    createMultiTask({ ...nodePlatform, loadPackage: countingLoader })({ input: [8, 8, 3], seed: 1 })
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build(),
  );
  const { startedEngines } = getProcessState();
  expect(startedEngines.size).toBe(0);
  const [first, ...others] = await Promise.all(models.map((model) => model.predict(image)));
  for (const other of others) expect(other).toEqual(first);
  expect([...startedEngines.keys()]).toEqual(['onnx']);
  expect(maxLoading['onnxruntime-node']).toBe(1);
  expect(Math.max(...Object.values(maxLoading))).toBe(1);
});

test('useEngine can start an engine while a different engine fails to start', async () => {
  const [native, wasm] = await Promise.allSettled([useEngine('native'), useEngine('wasm')]);
  expect(native.status).toBe('rejected');
  expect(wasm).toMatchObject({ status: 'fulfilled', value: { name: 'wasm' } });
});

describe('fit and progressBar', () => {
  const train = async (log?: (line: string) => void) => {
    const image = { data: new Uint8Array(48).fill(9), height: 4, width: 4, channels: 3 };
    const model = multiTask({ input: [4, 4, 3] })
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build();
    let text = '';
    const write = (part: string) => {
      text += part;
    };
    const dataset = imagesInMemory([{ image, labels: { age: 1 } }]);
    await model.fit(dataset, {
      engine: 'wasm',
      epochs: 1,
      callbacks: [progressBar({ write })],
      ...(log ? { log } : {}),
    });
    return text;
  };

  test('report the engine once: in the log if fit has the `log` option, and in the progress bar otherwise', async () => {
    const lines: string[] = [];
    expect(await train((line) => lines.push(line))).not.toContain('engine wasm');
    expect(lines.filter((line) => line.startsWith('engine wasm: '))).toHaveLength(1);
    expect((await train()).match(/^engine wasm: /gm)).toHaveLength(1);
  });
});

describe('checkSingleTensorFlow', () => {
  test('rejects a backend that another copy of TensorFlow.js started', async () => {
    const { registry } = tf.engine() as unknown as { registry: { [name: string]: unknown } };
    registry.copy = {};
    const error = await catchError(() => useEngine('wasm'));
    delete registry.copy;
    expect(error).toMatchObject({ kind: 'engine', path: '@tensorflow/tfjs-core', received: 'a second copy' });
    expect(error.advice).toContain('npm dedupe');
    expect((await useEngine('wasm')).name).toBe('wasm');
  });
});

describe("the engine option 'auto'", () => {
  const select = createUseEngine({ ...nodePlatform, name: 'browser' });

  beforeEach(() => void getProcessState().startedEngines.delete('onnx')); // Earlier tests have started it.

  afterEach(() => {
    vi.unstubAllGlobals();
    if (tf.findBackendFactory('webgl') !== null) tf.removeBackend('webgl');
  });

  test('skips a GPU that fails to start in a page, reports the reason once, and does not try the GPU again', async () => {
    vi.stubGlobal('document', {});
    vi.spyOn(console, 'warn').mockImplementation(() => {}); // TensorFlow.js reports the failure, too.
    const start = vi.fn(async () => {
      throw new Error('no context');
    });
    tf.registerBackend('webgl', start);
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    expect(await select('auto', { log })).toMatchObject({ name: 'wasm' });
    expect(await select('auto', { log })).toMatchObject({ name: 'wasm' });
    expect(start).toHaveBeenCalledTimes(1);
    expect(lines.filter((line) => line.includes('webgl was skipped'))).toHaveLength(1);
    expect(await catchError(() => select('webgl'))).toMatchObject({ kind: 'engine', path: 'engine webgl' });
  });

  test('selects a registered ONNX Runtime in a page without a GPU backend, or wasm if none is registered', async () => {
    vi.stubGlobal('document', {});
    expect(await select('auto')).toMatchObject({ name: 'wasm' });
    const packages = { 'onnxruntime-web': () => import('onnxruntime-node') };
    expect(await select('auto', { packages })).toMatchObject({ name: 'onnx' });
  });
});

describe('useEngine with an installed native package that does not load', () => {
  const broken = async (name: string): Promise<never> => {
    throw createError({
      kind: name.endsWith('gpu') ? 'missing-package' : 'broken-package',
      path: name,
      expected: 'the package',
      received: 'a package that fails to load (libtensorflow.so.2: cannot open shared object file)',
      advice: 'Run: npx tfjs-multitask build-native',
    });
  };

  test('selects wasm for auto, and reports the package and the command that fixes it', async () => {
    const lines: string[] = [];
    const choice = await useEngineWith(broken)('auto', { log: (line) => lines.push(line) });
    expect(choice).toMatchObject({
      name: 'wasm',
      fasterEngine: { name: 'onnx', install: 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node' },
    });
    expect(choice.reason).toContain('a working installation of @tensorflow/tfjs-node');
    expect(choice.reason).toContain('cannot open shared object file');
    expect(lines.join('\n')).toContain('build-native');
    expect(lines.at(-1)).toBe('for more speed: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node');
  });

  test('rejects native if it is requested by name', async () => {
    const error = await catchError(() => useEngineWith(broken)('native'));
    expect(error).toMatchObject({ kind: 'broken-package', path: 'engine native' });
    expect(error.message).toContain('cannot open shared object file');
    expect(error.advice).toContain('npx tfjs-multitask build-native');
  });

  test('reports an error that differs from the error for a package that is not installed', async () => {
    const none = async (name: string): Promise<never> => {
      throw createError({ kind: 'missing-package', path: name, expected: 'it', received: 'none' });
    };
    expect((await useEngineWith(none)('auto')).fasterEngine?.install).toBe(
      'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node',
    );
    const error = await catchError(() => useEngineWith(none)('native'));
    expect(error).toMatchObject({ kind: 'missing-package', received: 'no installed package' });
  });
});

describe('the helpers for optional packages', () => {
  test('include loadPackage, which distinguishes a missing package from a package that does not load', async () => {
    const missing = await catchError(() => loadPackage('no-such-package', 'this test'));
    expect(missing).toMatchObject({ kind: 'missing-package', received: 'a package that is not installed' });
    // In Vite, and therefore in these tests, importing an optional peer dependency that is not installed loads a stub that throws.
    const peer = await catchError(() => loadPackage('@tensorflow/tfjs-node-gpu', 'this test'));
    expect(peer).toMatchObject({ kind: 'missing-package', received: 'a package that is not installed' });
    const folder = mkdtempSync(join(tmpdir(), 'broken-'));
    writeFileSync(join(folder, 'index.cjs'), "require('another-package');");
    const broken = await catchError(() => loadPackage(join(folder, 'index.cjs'), 'this test'));
    expect(broken.kind).toBe('broken-package');
    expect(broken.received).toContain('another-package');
    rmSync(folder, { recursive: true });
  });

  test('include restoreNodeUtil, which adds the util functions that the native package calls and that Node.js 23 removed', () => {
    const functionNames = ['isNullOrUndefined', 'isArray'] as const;
    const mutableUtil = util as unknown as Record<string, ((value: unknown) => boolean) | undefined>;
    const originals = functionNames.map((name) => mutableUtil[name]);
    for (const name of functionNames) delete mutableUtil[name];
    restoreNodeUtil();
    expect([null, undefined, 0, ''].map(mutableUtil.isNullOrUndefined!)).toEqual([true, true, false, false]);
    expect([[], {}].map((value) => mutableUtil.isArray!(value))).toEqual([true, false]);
    functionNames.forEach((name, i) => {
      mutableUtil[name] = originals[i] ?? mutableUtil[name];
    });
  });
});
