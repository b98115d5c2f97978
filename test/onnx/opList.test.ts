import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { opFamilies, opRegistry } from '../../src/engines/onnx/ops/opRegistry.js';

const page = readFileSync(new URL('../../docs/onnx-operations.md', import.meta.url), 'utf8');
const TITLES = {
  elementwise: 'Element-wise operations',
  reductions: 'Reductions and scans',
  shapes: 'Shapes and constants',
  slices: 'Slices and padding',
  gatherScatter: 'Gather and scatter',
  matmul: 'Matrix products',
  convAndPool: 'Convolutions and pooling',
  normalization: 'Normalization',
  resize: 'Resizing',
} as const satisfies Record<keyof typeof opFamilies, string>;
const isLibraryKernel = (name: string) => name.startsWith('Multitask');
const sections = new Map(
  page.split(/^## /m).map((text) => {
    const [title, ...rest] = text.split('\n');
    return [title!, rest.join('\n')] as const;
  }),
);
/** Returns the kernels that a section lists before its notes, and the kernels that are explained in the notes. */
function findKernels(title: string) {
  const [list, ...notes] = sections.get(title)!.split(/^- /m);
  const findNames = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  return { listed: findNames(list!), noted: notes.flatMap((note) => findNames(note.split(':')[0]!)) };
}

test.each(Object.entries(TITLES))(
  'docs/onnx-operations.md lists the supported kernels in the operation family %s',
  (family, title) => {
    const kernels = Object.keys(opFamilies[family as keyof typeof opFamilies]).sort();
    const { listed, noted } = findKernels(title);
    expect(listed).toEqual(kernels.filter((name) => !isLibraryKernel(name)));
    expect(noted.filter((name) => !kernels.includes(name))).toEqual([]);
  },
);

test('docs/onnx-operations.md lists the kernels of cpu and wasm that the onnx engine does not support', () => {
  const all = ['cpu', 'wasm']
    .flatMap((backend) => tf.getKernelsForBackend(backend))
    .map(({ kernelName }) => kernelName);
  const missing = [...new Set(all)].filter((name) => !opRegistry[name]).sort();
  expect(findKernels('Unsupported operations').listed).toEqual([]);
  expect(findKernels('Unsupported operations').noted.sort()).toEqual(missing);
});

test('each kernel that the onnx engine supports belongs to exactly one operation family, and exists in the cpu or wasm backend', () => {
  const names = Object.values(opFamilies).flatMap((family) => Object.keys(family));
  expect(new Set(names).size).toBe(names.length);
  const backendKernels = new Set(
    ['cpu', 'wasm']
      .flatMap((backend) => tf.getKernelsForBackend(backend))
      .map(({ kernelName }) => kernelName),
  );
  expect(names.filter((name) => !backendKernels.has(name) && !isLibraryKernel(name))).toEqual([]);
});
