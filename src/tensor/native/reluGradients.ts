import type { Tensor } from '@tensorflow/tfjs';
import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import { tf } from '../tf.js';
import { float32TypeAttribute, registerNativeKernel, runOp, stringAttribute } from './tensorflowOps.js';

/**
 * Names of the kernels for the gradient of an activation with respect to its input: `{ y, dy } -> dx`. `y` is the output of the activation.
 */
const RELU_GRADIENT = { Relu: 'MultitaskReluGradient', Relu6: 'MultitaskRelu6Gradient' } as const;

const runReluGradient = (dy: tf.TensorInfo, y: tf.TensorInfo) =>
  runOp('ReluGrad', [dy, y], { T: float32TypeAttribute() })[0]!;

/**
 * Functions that compute the slope of an activation, 0 or 1, from its output `y`. Used on backends without the kernels of
 * {@link RELU_GRADIENT}.
 */
const createReluMask = {
  Relu: (y: Tensor) => tf.step(y),
  Relu6: (y: Tensor) => tf.mul(tf.step(y), tf.step(tf.sub(6, y))),
} as const;

/**
 * Registers the kernel for the gradients of ReLU and bias in a fused convolution. The kernel runs one TensorFlow operation for each
 * gradient.
 */
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
 * Registers gradients of ReLU and ReLU6 that run one TensorFlow operation. TensorFlow.js multiplies by `step(x)`, for which tfjs-node needs
 * six operations and an array of ones. The new gradients read the output of the activation instead of its input, so that the input can be
 * freed. On other backends, the new gradients multiply by a mask.
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
