import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { opFamilies, opRegistry } from '../../src/engines/onnx/ops/opRegistry.js';

const page = readFileSync(new URL('../../docs/onnx-operations.md', import.meta.url), 'utf8');
const TITLES = {
  elementwise: 'Number by number',
  reductions: 'Along axes',
  shapes: 'Shapes',
  slices: 'Parts and borders',
  gatherScatter: 'Gather and scatter',
  matmul: 'Matrix products',
  convAndPool: 'Convolutions and pooling',
  normalization: 'Normalization',
  resize: 'Resizing',
} as const satisfies Record<keyof typeof opFamilies, string>;
const ours = (name: string) => name.startsWith('Multitask');
const sections = new Map(
  page.split(/^## /m).map((text) => {
    const [title, ...rest] = text.split('\n');
    return [title!, rest.join('\n')] as const;
  }),
);
/** Kernels that a section names before its notes, and those that its notes are about. */
function namedIn(title: string) {
  const [list, ...notes] = sections.get(title)!.split(/^- /m);
  const words = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, word]) => word!);
  return { listed: words(list!), noted: notes.flatMap((note) => words(note.split(':')[0]!)) };
}

test.each(Object.entries(TITLES))('the page lists what is mapped: %s', (family, title) => {
  const kernels = Object.keys(opFamilies[family as keyof typeof opFamilies]).sort();
  const { listed, noted } = namedIn(title);
  expect(listed).toEqual(kernels.filter((name) => !ours(name)));
  expect(noted.filter((name) => !kernels.includes(name))).toEqual([]);
});

test('the page lists what is not mapped of the kernels of cpu and wasm', () => {
  const all = ['cpu', 'wasm']
    .flatMap((backend) => tf.getKernelsForBackend(backend))
    .map(({ kernelName }) => kernelName);
  const missing = [...new Set(all)].filter((name) => !opRegistry[name]).sort();
  expect(namedIn('Not mapped').listed).toEqual([]);
  expect(namedIn('Not mapped').noted.sort()).toEqual(missing);
});

test('no kernel stands in two families, and none is mapped that no backend has', () => {
  const names = Object.values(opFamilies).flatMap((family) => Object.keys(family));
  expect(new Set(names).size).toBe(names.length);
  const known = new Set(
    ['cpu', 'wasm']
      .flatMap((backend) => tf.getKernelsForBackend(backend))
      .map(({ kernelName }) => kernelName),
  );
  expect(names.filter((name) => !known.has(name) && !ours(name))).toEqual([]);
});
