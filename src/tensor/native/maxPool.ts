import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import {
  boolAttribute,
  float32TypeAttribute,
  getTensorFlowBackend,
  intAttribute,
  ONEDNN_ATTRIBUTES,
  returnsExpectedValues,
  runOp,
  stringAttribute,
} from './tensorflowOps.js';

interface PoolAttributes {
  readonly filterSize: Pair;
  readonly strides: Pair;
  readonly pad: unknown;
}

/**
 * Registers kernels that run max pooling and its gradient with oneDNN. Pooling is two to four times as fast as in TensorFlow, and the
 * gradient is thirty times as fast. To find the position of each window's maximum, the gradient runs the pooling again, which costs a small
 * fraction of the time saved.
 */
export function registerMaxPool(): void {
  if (getTensorFlowBackend().isUsingGpuDevice || !isMaxPoolGradientSupported()) return;
  overrideKernel<PoolAttributes>('tensorflow', 'MaxPool', ({ x }, attributes) =>
    isSupported(x!, attributes) ? runMaxPool(x!, attributes, false)[0] : undefined,
  );
  overrideKernel<PoolAttributes>('tensorflow', 'MaxPoolGrad', ({ dy, input }, attributes) =>
    isSupported(input!, attributes) ? runMaxPoolGradient(dy!, input!, attributes) : undefined,
  );
}

const isSupported = ({ dtype }: tf.TensorInfo, { pad }: PoolAttributes) =>
  dtype === 'float32' && (pad === 'valid' || pad === 'same');

const createPoolAttributes = ({ filterSize, strides, pad }: PoolAttributes, withMaxPositions: boolean) => ({
  T: float32TypeAttribute(),
  ksize: intAttribute([1, ...toPair(filterSize), 1]),
  strides: intAttribute([1, ...toPair(strides), 1]),
  padding: stringAttribute((pad as string).toUpperCase()),
  data_format: stringAttribute('NHWC'),
  workspace_enabled: boolAttribute(withMaxPositions),
  ...ONEDNN_ATTRIBUTES,
});

/** Returns the pooled images and, if requested, the position of each window's maximum in a format that only oneDNN reads. */
const runMaxPool = (x: tf.TensorInfo, attributes: PoolAttributes, withMaxPositions: boolean) =>
  runOp('_MklNativeMaxPool', [x], createPoolAttributes(attributes, withMaxPositions), 2);

function runMaxPoolGradient(dy: tf.TensorInfo, x: tf.TensorInfo, attributes: PoolAttributes) {
  const [y, maxPositions] = runMaxPool(x, attributes, true);
  return runOp(
    '_MklNativeMaxPoolGrad',
    [x, y!, dy, maxPositions!],
    createPoolAttributes(attributes, true),
  )[0]!;
}

/**
 * Returns whether oneDNN's gradient of max pooling works in this build of TensorFlow, by checking the overlapping windows (1, 4) and (4,
 * 9), whose maxima are 4 and 9.
 */
function isMaxPoolGradientSupported(): boolean {
  return returnsExpectedValues([0, 2, 3], () =>
    runMaxPoolGradient(tf.tensor4d([2, 3], [1, 1, 2, 1]), tf.tensor4d([1, 4, 9], [1, 1, 3, 1]), {
      filterSize: [1, 2],
      strides: [1, 1],
      pad: 'valid',
    }),
  );
}
