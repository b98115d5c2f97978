import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import {
  float32TypeAttribute,
  getTensorFlowBackend,
  intAttribute,
  ONEDNN_ATTRIBUTES,
  returnsExpectedValues,
  runOp,
  stringAttribute,
} from './tensorflowOps.js';

interface FusedAttributes {
  readonly strides: Pair;
  readonly pad: unknown;
  readonly dilations?: Pair | null;
  readonly dataFormat?: string;
  readonly activation?: string;
}

/** Names in oneDNN of the activations that can be fused with a convolution, keyed by their names in Keras. */
const FUSED_OPS: { readonly [activation: string]: readonly string[] } = {
  linear: [],
  relu: ['Relu'],
  relu6: ['Relu6'],
};

/**
 * Registers kernels that run convolution, bias and activation as one oneDNN operation, whereas tfjs-node runs three operations. The
 * operation has an attribute that is a list of strings, which only the native binding built by `build-native` can pass. TensorFlow's
 * `_FusedConv2D` is not used because it is slower on a CPU than three operations.
 */
export function registerFusedConvolutions(): void {
  if (getTensorFlowBackend().isUsingGpuDevice) return;
  for (const [kernel, run] of [
    ['FusedConv2D', runFusedConvolution],
    ['FusedDepthwiseConv2D', runFusedDepthwiseConvolution],
  ] as const) {
    if (!isSupported(run)) continue;
    overrideKernel<FusedAttributes>(
      'tensorflow',
      kernel,
      ({ x, filter, bias, preluActivationWeights }, attributes) => {
        const { pad, activation = 'linear', dataFormat = 'NHWC' } = attributes;
        const hasSupportedAttributes =
          (pad === 'valid' || pad === 'same') && dataFormat === 'NHWC' && activation in FUSED_OPS;
        const isFloat32 = [x!, filter!, bias].every((input) => input?.dtype === 'float32');
        if (!hasSupportedAttributes || !isFloat32 || bias!.shape.length !== 1 || preluActivationWeights) {
          return undefined;
        }
        return run(x!, filter!, bias!, attributes);
      },
    );
  }
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
  const opAttributes = { T: float32TypeAttribute(), ...createFusedAttributes(attributes) };
  return runOp('_MklNativeFusedDepthwiseConv2dNative', [x, filter, bias], opAttributes)[0]!;
}

const createFusedAttributes = ({ strides, pad, dilations, activation }: FusedAttributes) => ({
  num_args: intAttribute(1),
  strides: intAttribute([1, ...toPair(strides), 1]),
  padding: stringAttribute((pad as string).toUpperCase()),
  data_format: stringAttribute('NHWC'),
  dilations: intAttribute([1, ...toPair(dilations), 1]),
  fused_ops: stringAttribute(['BiasAdd', ...FUSED_OPS[activation ?? 'linear']!]),
  ...ONEDNN_ATTRIBUTES,
});

/** Returns whether a fused operation works in this build of TensorFlow, by checking that relu(2 * 3 - 1) is 5 and relu(2 * -3 - 1) is 0. */
function isSupported(run: FusedConvolution): boolean {
  return returnsExpectedValues([5, 0], () =>
    run(tf.tensor4d([3, -3], [1, 1, 2, 1]), tf.tensor4d([2], [1, 1, 1, 1]), tf.tensor1d([-1]), {
      strides: 1,
      pad: 'valid',
      activation: 'relu',
    }),
  );
}
