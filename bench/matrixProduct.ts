import { availableParallelism } from 'node:os';
import { encodeOnnxModel } from '../src/formats/onnxModel.js';
import { loadPackage } from '../src/node/platform/loadPackage.js';

type Runtime = typeof import('onnxruntime-node');

/** Number of rows and columns of the matrices. A product of this size takes about 10 ms on two cores. */
const SIDE = 1024;
const ROUNDS = 20;

/**
 * Measures the product of two single-precision matrices in ONNX Runtime on all cores: the practical limit of the machine for dense
 * arithmetic. Returns billions of floating-point operations per second (GFLOP/s), from the fastest of several products. Returns undefined if the
 * package `onnxruntime-node` is not installed.
 */
export async function measureMatrixProduct(): Promise<number | undefined> {
  const { InferenceSession, Tensor } =
    (await loadPackage<Runtime>('onnxruntime-node', 'the matrix product').catch(() => undefined)) ?? {};
  if (!InferenceSession || !Tensor) return undefined;
  const shape = [SIDE, SIDE];
  const bytes = encodeOnnxModel({
    // Only one element of the product leaves the runtime, so that copying the product is not measured.
    nodes: [
      { opType: 'MatMul', inputs: ['a', 'b'], outputs: ['product'], attributes: {} },
      { opType: 'ReduceMax', inputs: ['product'], outputs: ['maximum'], attributes: { keepdims: 0 } },
    ],
    initializers: [],
    inputs: ['a', 'b'].map((name) => ({ name, shape, description: '' })),
    outputs: [{ name: 'maximum', shape: [], description: '' }],
    description: '',
    metadata: {},
  });
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: availableParallelism() });
  try {
    const createMatrix = () =>
      new Tensor('float32', Float32Array.from({ length: SIDE * SIDE }, Math.random), shape);
    const matrices = { a: createMatrix(), b: createMatrix() };
    let fastest = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      await session.run(matrices);
      fastest = Math.min(fastest, performance.now() - start);
    }
    return Math.round((2 * SIDE ** 3) / (fastest * 1e6));
  } finally {
    await session.release();
  }
}
