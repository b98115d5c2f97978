import * as tf from '@tensorflow/tfjs';
import { beforeEach, expect, test } from 'vitest';
import { startWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { trace } from '../../src/tensor/trace/tracer.js';

beforeEach(() => tf.setBackend('cpu'));

const getKernelFunctions = () =>
  tf.getKernelsForBackend('cpu').map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]);

test('trace() restores the kernels of the backend, even if the traced function throws', () => {
  const before = new Map(getKernelFunctions() as [string, unknown][]);
  trace(() => tf.tidy(() => tf.add(tf.scalar(1), 2)));
  expect(() =>
    trace(() => {
      throw new Error('failed while tracing');
    }),
  ).toThrow('failed while tracing');
  expect(new Map(getKernelFunctions() as [string, unknown][])).toEqual(before);
});

test('trace() returns the kernel calls in order, with the value that each variable had when it was read', () => {
  const x = tf.variable(tf.tensor1d([1, 2]));
  const { calls, leaves, result } = trace(() => {
    const y = tf.tidy(() => tf.neg(tf.square(x)));
    x.assign(tf.tensor1d([5, 6]));
    return y;
  });
  expect(calls.map(({ kernel }) => kernel)).toEqual(['Square', 'Neg']);
  expect([...leaves.values()]).toEqual([Float32Array.of(1, 2)]);
  expect(calls[1]!.outputs[0]!.id).toBe(result.dataId);
  expect([...result.dataSync()]).toEqual([-1, -4]);
});

test('trace() records only one call for a kernel that calls other kernels', () => {
  const { calls } = trace(() => tf.tidy(() => tf.softmax(tf.tensor1d([1, 2, 3]))));
  expect(calls.map(({ kernel }) => kernel)).toEqual(['Softmax']);
});

test('trace() with limitsHeap moves tensors to the host between kernel calls, with the same results', async () => {
  await startWasmBackend();
  await tf.setBackend('wasm');
  const size = 2 ** 22;
  const run = () =>
    tf.tidy(() => {
      const first = tf.linspace(0, 1, size);
      let x: tf.Tensor = first;
      const all: tf.Tensor[] = [];
      for (let i = 0; i < 12; i++) {
        x = tf.add(tf.mul(x, 0.5), first);
        all.push(tf.slice(x, [i], [3]));
      }
      return tf.concat(all);
    });
  const limited = trace(run, { limitsHeap: true });
  expect(await limited.result.data()).toEqual(await run().data());
  const { dataIdMap } = tf.backend() as unknown as { dataIdMap: { has(id: object): boolean } };
  const { result } = trace(() => tf.tidy(() => tf.neg(tf.ones([4]))), { limitsHeap: true });
  expect(dataIdMap.has(result.dataId)).toBe(false);
  expect([...result.dataSync()]).toEqual([-1, -1, -1, -1]);
  const before = tf.memory().numDataBuffers;
  result.dispose();
  expect(tf.memory().numDataBuffers).toBe(before - 1);
});

test('trace() contains the values of selected calls only', () => {
  const x = tf.tensor1d([1, 2]);
  const { calls, intermediates } = trace(() => tf.tidy(() => tf.neg(tf.square(tf.abs(x)))), {
    selectCall: ({ kernel }) => kernel === 'Square',
  });
  const values = calls.map(({ outputs }) => intermediates.get(outputs[0]!.id));
  expect(values.map((array) => array && [...Array.from(array)])).toEqual([[1, 2], [1, 4], undefined]);
});
