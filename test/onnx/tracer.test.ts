import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { trace } from '../../src/tensor/trace/tracer.js';

beforeAll(() => tf.setBackend('cpu'));

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
