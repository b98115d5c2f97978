import { tf } from '../tf.js';
import {
  float32TypeAttribute,
  getTensorFlowBackend,
  intAttribute,
  ONEDNN_ATTRIBUTES,
  overrideNativeKernel,
  returnsExpectedValues,
  runOp,
  stringAttribute,
} from './tensorflowOps.js';

interface FusedAttributes {
  readonly strides: number | readonly [number, number];
  readonly pad: unknown;
  readonly dilations?: number | readonly [number, number] | null;
  readonly dataFormat?: string;
  readonly activation?: string;
}

/** oneDNN's name of an activation that it computes with a convolution. */
const FUSED_OPS: { readonly [activation: string]: readonly string[] } = {
  linear: [],
  relu: ['Relu'],
  relu6: ['Relu6'],
};

/**
 * Convolution, bias and activation as one operation of oneDNN, where the package has three. It takes a list of names,
 * which only the binding built by `build-native` can hand over. TensorFlow's own `_FusedConv2D` is no substitute: on a
 * CPU it is slower than the three.
 */
export function registerFusedConvolutions(): void {
  if (getTensorFlowBackend().isUsingGpuDevice) return;
  for (const [kernel, run] of [
    ['FusedConv2D', runFusedConvolution],
    ['FusedDepthwiseConv2D', runFusedDepthwiseConvolution],
  ] as const) {
    if (!isSupported(run)) continue;
    overrideNativeKernel(
      kernel,
      ({ x, filter, bias, preluActivationWeights }, attributes: FusedAttributes) => {
        const { pad, activation = 'linear', dataFormat = 'NHWC' } = attributes;
        const simple =
          (pad === 'valid' || pad === 'same') && dataFormat === 'NHWC' && activation in FUSED_OPS;
        const plain = [x!, filter!, bias].every((input) => input?.dtype === 'float32');
        if (!simple || !plain || bias!.shape.length !== 1 || preluActivationWeights) return undefined;
        return run(x!, filter!, bias!, attributes);
      },
    );
  }
}

/**
 * TensorFlow's own filter gradient of a 1x1 convolution with a stride writes past its memory (seen with 2.21 and oneDNN on
 * AVX-512, from Python too): a crash now or later. Such a convolution never looks at the pixels between, and without them
 * its stride is 1.
 */
export function fixStridedFilterGradient(): void {
  overrideNativeKernel('Conv2DBackpropFilter', ({ x, dy }, attributes: FilterGradientAttributes) => {
    const { filterShape, strides, dataFormat } = attributes;
    const [down, across] = toPair(strides) as [number, number];
    const point = filterShape[0] === 1 && filterShape[1] === 1;
    if (!point || (down === 1 && across === 1) || dataFormat !== 'NHWC') return undefined;
    const seen = tf.stridedSlice(x as tf.Tensor, [0, 0, 0, 0], x!.shape, [1, down, across, 1]);
    const inputs = { x: seen, dy: dy as tf.Tensor };
    const given = { ...attributes, strides: [1, 1] };
    return tf.engine().runKernel('Conv2DBackpropFilter', inputs, given as never) as tf.Tensor;
  });
}

interface FilterGradientAttributes extends FusedAttributes {
  readonly filterShape: readonly number[];
}

type FusedConvolution = typeof runFusedConvolution;

function runFusedConvolution(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo,
  attributes: FusedAttributes,
): tf.Tensor {
  const types = { T: float32TypeAttribute(), TArgs: float32TypeAttribute(1) };
  return runOp('_MklNativeFusedConv2D', [x, filter, bias], {
    ...types,
    ...createFusedAttributes(attributes),
  })[0]!;
}

function runFusedDepthwiseConvolution(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo,
  attributes: FusedAttributes,
): tf.Tensor {
  const given = { T: float32TypeAttribute(), ...createFusedAttributes(attributes) };
  return runOp('_MklNativeFusedDepthwiseConv2dNative', [x, filter, bias], given)[0]!;
}

const createFusedAttributes = ({ strides, pad, dilations, activation }: FusedAttributes) => ({
  num_args: intAttribute(1),
  strides: intAttribute([1, ...toPair(strides), 1]),
  padding: stringAttribute((pad as string).toUpperCase()),
  data_format: stringAttribute('NHWC'),
  dilations: intAttribute([1, ...toPair(dilations ?? 1), 1]),
  fused_ops: stringAttribute(['BiasAdd', ...FUSED_OPS[activation ?? 'linear']!]),
  ...ONEDNN_ATTRIBUTES,
});

const toPair = (value: number | readonly [number, number]) =>
  typeof value === 'number' ? [value, value] : value;

/** relu(2·3 - 1) and relu(2·-3 - 1). */
function isSupported(run: FusedConvolution): boolean {
  return returnsExpectedValues([5, 0], () =>
    run(tf.tensor4d([3, -3], [1, 1, 2, 1]), tf.tensor4d([2], [1, 1, 1, 1]), tf.tensor1d([-1]), {
      strides: 1,
      pad: 'valid',
      activation: 'relu',
    }),
  );
}
