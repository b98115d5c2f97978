import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findInPlaceOutputs } from '../../src/engines/onnx/lower/findInPlaceOutputs.js';
import { removeOutputCopies } from '../../src/engines/onnx/lower/removeOutputCopies.js';
import type { OnnxRuntime } from '../../src/engines/onnx/session/onnxRuntime.js';
import { addCopyStopper, findBufferedRun } from '../../src/engines/onnx/session/outputBuffers.js';
import { encodeOnnxModel, type OnnxNode } from '../../src/formats/onnxModel.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';

const SIZE = 1000;
const INPUTS = ['x0', 'x1', 'x2'];
const OUTPUTS = ['y0', 'y1', 'y2'];
const getReplacedInput = (output: string) => output.replace('y', 'x');

/** Creates random element-wise graphs with three inputs and three outputs, each computed from inputs and earlier values. */
const graphs = fc
  .array(fc.tuple(fc.constantFrom('Add', 'Sub', 'Mul', 'Identity'), fc.nat(), fc.nat()), {
    minLength: 3,
    maxLength: 12,
  })
  .map((operations) => {
    const values = [...INPUTS];
    const nodes = operations.map(([opType, a, b], i): OnnxNode => {
      const operands = [values[a % values.length]!, values[b % values.length]!];
      values.push(`v${i}`);
      return {
        opType,
        inputs: opType === 'Identity' ? operands.slice(0, 1) : operands,
        outputs: [`v${i}`],
        attributes: {},
      };
    });
    const copies = OUTPUTS.map(
      (output, i): OnnxNode => ({
        opType: 'Identity',
        inputs: [values.at(-1 - i)!],
        outputs: [output],
        attributes: {},
      }),
    );
    return { nodes: [...nodes, ...copies], initializers: [] };
  });

const toValueInfo = (name: string) => ({ name, shape: [SIZE], description: '' });

async function createRunner(): Promise<
  (nodes: readonly OnnxNode[], isInPlace: boolean) => Promise<number[][]>
> {
  const runtime: OnnxRuntime = { ...(await loadPackage<any>('onnxruntime-node', 'a test')), label: 'onnx' };
  const bufferedRun = (await findBufferedRun(runtime))!;
  expect(bufferedRun).toBeDefined();
  return async (nodes, isInPlace) => {
    const bytes = encodeOnnxModel(
      addCopyStopper({
        nodes,
        initializers: [],
        inputs: INPUTS.map(toValueInfo),
        outputs: OUTPUTS.map(toValueInfo),
        description: '',
        metadata: {},
      }),
    );
    const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const createTensor = (i: number) =>
      new runtime.Tensor(
        'float32',
        Float32Array.from({ length: SIZE }, (_, j) => Math.sin(j + i)),
        [SIZE],
      );
    const feeds = Object.fromEntries(INPUTS.map((name, i) => [name, createTensor(i)]));
    const inPlaceOutputs = findInPlaceOutputs(nodes, OUTPUTS, getReplacedInput);
    const buffers = Object.fromEntries(
      OUTPUTS.map((name) => [
        name,
        isInPlace && inPlaceOutputs.has(name) ? feeds[getReplacedInput(name)]! : createTensor(9),
      ]),
    );
    await bufferedRun(session, 'a test', feeds, buffers);
    await session.release();
    return OUTPUTS.map((name) => [...buffers[name]!.data]);
  };
}

test('a graph without output copies, and with outputs in the memory of its inputs, has the same results', async () => {
  const run = await createRunner();
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      const { nodes } = removeOutputCopies(graph, OUTPUTS);
      expect(nodes.length).toBeLessThanOrEqual(graph.nodes.length);
      const expected = await run(graph.nodes, false);
      expect(await run(nodes, false)).toEqual(expected);
      expect(await run(nodes, true)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('findInPlaceOutputs finds the moments of Adam, but no output whose input is read after it is written', () => {
  const node = (opType: string, output: string, ...inputs: string[]): OnnxNode => ({
    opType,
    inputs,
    outputs: [output],
    attributes: {},
  });
  const moment = [node('Sub', 'a', 'g', 'x0'), node('Mul', 'b', 'a', 'rate'), node('Add', 'y0', 'x0', 'b')];
  const find = (nodes: readonly OnnxNode[]) => [...findInPlaceOutputs(nodes, ['y0'], getReplacedInput)];
  expect(find(moment)).toEqual(['y0']);
  expect(find([...moment, node('Mul', 'z', 'x0', 'y0')])).toEqual([]);
  expect(find([...moment.slice(0, 2), node('MatMul', 'y0', 'x0', 'b')])).toEqual([]);
});

test('a buffered run rejects with the error of the runtime if an input has the wrong shape', async () => {
  const runtime: OnnxRuntime = { ...(await loadPackage<any>('onnxruntime-node', 'a test')), label: 'onnx' };
  const bufferedRun = (await findBufferedRun(runtime))!;
  const bytes = encodeOnnxModel(
    addCopyStopper({
      nodes: [{ opType: 'Add', inputs: ['x', 'x'], outputs: ['y'], attributes: {} }],
      initializers: [],
      inputs: [toValueInfo('x')],
      outputs: [toValueInfo('y')],
      description: '',
      metadata: {},
    }),
  );
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const short = new runtime.Tensor('float32', new Float32Array(3), [3]);
  const buffer = new runtime.Tensor('float32', new Float32Array(SIZE), [SIZE]);
  await expect(bufferedRun(session, 'a test', { x: short }, { y: buffer })).rejects.toMatchObject({
    kind: 'engine',
    received: expect.stringContaining('invalid dimensions'),
  });
  await session.release();
});
