import { tf } from '../tf.js';
import {
  boolAttribute,
  float32TypeAttribute,
  getTensorFlowBackend,
  intAttribute,
  ONEDNN_ATTRIBUTES,
  overrideNativeKernel,
  returnsExpectedValues,
  runOp,
  stringAttribute,
} from './tensorflowOps.js';

interface PoolAttributes {
  readonly filterSize: number | readonly [number, number];
  readonly strides: number | readonly [number, number];
  readonly pad: unknown;
}

/**
 * Max-pooling by oneDNN, two to four times as fast as TensorFlow's plain one, and its gradient, thirty times. The gradient
 * wants to know which number of each window was the largest, so the pool, a small fraction of the time saved, is run again.
 */
export function registerMaxPool(): void {
  if (getTensorFlowBackend().isUsingGpuDevice || !isMaxPoolGradientSupported()) return;
  overrideNativeKernel('MaxPool', ({ x }, attributes) =>
    isSupported(x!, attributes) ? runMaxPool(x!, attributes, false)[0] : undefined,
  );
  overrideNativeKernel('MaxPoolGrad', ({ dy, input }, attributes) =>
    isSupported(input!, attributes) ? runMaxPoolGradient(dy!, input!, attributes) : undefined,
  );
}

const isSupported = ({ dtype }: tf.TensorInfo, { pad }: PoolAttributes) =>
  dtype === 'float32' && (pad === 'valid' || pad === 'same');

const createPoolAttributes = ({ filterSize, strides, pad }: PoolAttributes, withLargest: boolean) => ({
  T: float32TypeAttribute(),
  ksize: intAttribute([1, ...toPair(filterSize), 1]),
  strides: intAttribute([1, ...toPair(strides), 1]),
  padding: stringAttribute((pad as string).toUpperCase()),
  data_format: stringAttribute('NHWC'),
  workspace_enabled: boolAttribute(withLargest),
  ...ONEDNN_ATTRIBUTES,
});

/** The pooled image, and which number of each window was the largest, in oneDNN's own form. */
const runMaxPool = (x: tf.TensorInfo, attributes: PoolAttributes, withLargest: boolean) =>
  runOp('_MklNativeMaxPool', [x], createPoolAttributes(attributes, withLargest), 2);

function runMaxPoolGradient(dy: tf.TensorInfo, x: tf.TensorInfo, attributes: PoolAttributes) {
  const [y, largest] = runMaxPool(x, attributes, true);
  return runOp('_MklNativeMaxPoolGrad', [x, y!, dy, largest!], createPoolAttributes(attributes, true))[0]!;
}

const toPair = (value: number | readonly [number, number]) =>
  typeof value === 'number' ? [value, value] : value;

/** The windows (1 4) and (4 9) of one line overlap; 4 is the largest of the first, 9 of the second. */
function isMaxPoolGradientSupported(): boolean {
  return returnsExpectedValues([0, 2, 3], () =>
    runMaxPoolGradient(tf.tensor4d([2, 3], [1, 1, 2, 1]), tf.tensor4d([1, 4, 9], [1, 1, 3, 1]), {
      filterSize: [1, 2],
      strides: [1, 1],
      pad: 'valid',
    }),
  );
}
