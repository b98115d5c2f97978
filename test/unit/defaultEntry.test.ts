import { expect, test } from 'vitest';
import * as defaultEntry from '../../src/entries/default.js';
import * as nodeEntry from '../../src/entries/node.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { catchError } from '../bad-input/catchError.js';

const { branch, flatten, imagesInMemory, memoryStore, multiTask, regression, useEngine } = defaultEntry;

const image = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
const data = imagesInMemory([10, 90, 170].map((level) => ({ image, labels: { level } })));
const compose = () =>
  multiTask({ input: [8, 8, 3] })
    .task('level', regression({ unit: 'bytes' }), branch([flatten()]))
    .build();

test('the default entry exports the same names as the Node entry', () => {
  expect(Object.keys(defaultEntry).sort()).toEqual(Object.keys(nodeEntry).sort());
});

test('the default entry trains, saves, loads and predicts on wasm with one thread', async () => {
  const model = compose();
  const { engine } = await model.fit(data, { epochs: 1 });
  expect(engine).toEqual({ name: 'wasm', reason: 'it runs everywhere, on 1 thread' });
  const store = memoryStore();
  await model.save(store);
  const saved = await defaultEntry.loadModel(store, { tasks: model.tasks });
  expect(await saved.predict(image)).toEqual(await model.predict(image));
});

test('the default entry rejects image files, because it has no decoder and cannot read paths', async () => {
  const model = compose();
  const bytes = await catchError(() => model.predict(new Uint8Array(100)));
  expect(bytes).toMatchObject({ kind: 'argument', path: 'predict[0]', received: 'an image file' });
  const path = await catchError(() => model.predict(['portrait.jpg']));
  expect(path).toMatchObject({ kind: 'argument', path: 'predict[0]' });
  expect(path.received).toContain('this runtime cannot read');
  const decoder = async () => image;
  expect(await model.predict(new Uint8Array(100), { decoder })).toEqual(await model.predict(image));
});

test('the default entry runs on onnx after the ONNX Runtime package is registered with useEngine', async () => {
  const missing = await catchError(() => compose().fit(data, { epochs: 1, engine: 'onnx' }));
  expect(missing).toMatchObject({ kind: 'missing-package', path: 'engine onnx' });
  expect(missing.advice).toContain('useEngine');
  const packages = { 'onnxruntime-web': () => loadPackage('onnxruntime-node', 'this test') };
  expect((await useEngine('onnx', { packages })).name).toBe('onnx');
  expect((await compose().fit(data, { epochs: 1 })).engine.name).toBe('onnx');
  expect((await compose().fit(data, { epochs: 1, engine: 'wasm' })).engine.name).toBe('wasm');
  expect((await compose().fit(data, { epochs: 1, engine: 'onnx', threads: 1 })).engine.name).toBe('onnx');
  await useEngine('wasm');
  expect((await compose().fit(data, { epochs: 1 })).engine.name).toBe('wasm');
});
