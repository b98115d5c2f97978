import { afterEach, expect, test, vi } from 'vitest';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import { loadOnnxRuntime } from '../../src/engines/onnx/session/loadOnnxRuntime.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';

afterEach(() => void vi.unstubAllGlobals());

interface Settings {
  numThreads?: number;
  initTimeout?: number;
  wasmPaths?: string | object;
}

/** Loads ONNX Runtime as onnxruntime-web with these settings of a page. */
async function loadInPage(wasm: Settings, crossOriginIsolated = true) {
  vi.stubGlobal('crossOriginIsolated', crossOriginIsolated);
  const { InferenceSession, Tensor } = await loadPackage<{ InferenceSession: object; Tensor: object }>(
    'onnxruntime-node',
    'this test',
  );
  const runtime = { InferenceSession, Tensor, env: { versions: { common: '1.30.0' }, wasm } };
  const load: PackageLoader = async <M>(name: string, neededFor: string) =>
    name === 'onnxruntime-web' ? (runtime as M) : loadPackage<M>(`${name}-missing`, neededFor);
  return (await loadOnnxRuntime(load, 'Install it.')).threadNote;
}

const NOTE = 'on 1 thread, because ort.env.wasm.wasmPaths is not set';

test('ONNX Runtime uses one thread in a cross-origin isolated page that does not set wasmPaths, and reports this on every start', async () => {
  const settings: Settings = {};
  expect(await loadInPage(settings)).toBe(NOTE);
  expect(settings.numThreads).toBe(1);
  expect(await loadInPage(settings)).toBe(NOTE);
});

test.each<[string, Settings, boolean]>([
  ['sets wasmPaths to a folder', { wasmPaths: '/ort/' }, true],
  ['sets wasmPaths to files', { wasmPaths: { mjs: '/ort.mjs' } }, true],
  ['sets the number of threads', { numThreads: 2 }, true],
  ['is not isolated', {}, false],
])('ONNX Runtime keeps its number of threads in a page that %s', async (_, settings, isIsolated) => {
  const { numThreads } = settings;
  expect(await loadInPage(settings, isIsolated)).toBeUndefined();
  expect(settings.numThreads).toBe(numThreads);
});

test('the start of ONNX Runtime in a page has a time limit of 5 minutes unless the page sets a different limit', async () => {
  const settings: Settings = {};
  await loadInPage(settings);
  expect(settings.initTimeout).toBe(300_000);
  const limited: Settings = { initTimeout: 5000 };
  await loadInPage(limited);
  expect(limited.initTimeout).toBe(5000);
});
