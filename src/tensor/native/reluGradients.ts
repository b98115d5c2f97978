import type { Tensor } from '@tensorflow/tfjs';
import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import { tf } from '../tf.js';
import { float32TypeAttribute, registerNativeKernel, runOp, stringAttribute } from './tensorflowOps.js';

/** Names of the kernels `{ y, dy } -> dy where the activation has slope 1`. `y` is the output of the activation. */
const RELU_GRADIENT = { Relu: 'MultitaskReluGradient', Relu6: 'MultitaskRelu6Gradient' } as const;

const runReluGradient = (dy: tf.TensorInfo, y: tf.TensorInfo) =>
  runOp('ReluGrad', [dy, y], { T: float32TypeAttribute() })[0]!;

/** Functions that compute the slope, 0 or 1, from the output `y` of the activation with TensorFlow.js operations. */
const createReluMask = {
  Relu: (y: Tensor) => tf.step(y),
  Relu6: (y: Tensor) => tf.mul(tf.step(y), tf.step(tf.sub(6, y))),
} as const;

/** Registers the gradients of relu and bias in a fused convolution as one operation each. */
export function registerBiasReluGradient(): void {
  registerNativeKernel(BIAS_RELU_GRADIENT, ({ y, dy }) => {
    const masked = runReluGradient(dy!, y!);
    return [
      masked,
      ...runOp('BiasAddGrad', [masked], { T: float32TypeAttribute(), data_format: stringAttribute('NHWC') }),
    ];
  });
}

/**
 * Registers the gradients of relu and relu6. TensorFlow.js multiplies by `step(x)`, for which its Node backend needs six operations and an
 * array of ones. These gradients read the output instead of the input, so that the input can be released. On other backends, the gradients
 * are a product with a mask.
 */
export function registerReluGradients(): void {
  registerNativeKernel(RELU_GRADIENT.Relu, ({ y, dy }) => runReluGradient(dy!, y!));
  registerNativeKernel(
    RELU_GRADIENT.Relu6,
    ({ y, dy }) => runOp('Relu6Grad', [dy!, y!], { T: float32TypeAttribute() })[0]!,
  );
  for (const kernelName of ['Relu', 'Relu6'] as const) {
    tf.registerGradient({
      kernelName,
      outputsToSave: [true],
      gradFunc: (outputGradient, [y]) => {
        const dy = outputGradient as Tensor;
        return {
          x: () =>
            tf.getKernel(RELU_GRADIENT[kernelName], tf.getBackend())
              ? (tf.engine().runKernel(RELU_GRADIENT[kernelName], { y: y!, dy }) as Tensor)
              : tf.mul(dy, createReluMask[kernelName](y!)),
        };
      },
    });
  }
}
