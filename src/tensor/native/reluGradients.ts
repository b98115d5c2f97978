import type { Tensor } from '@tensorflow/tfjs';
import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import { tf } from '../tf.js';
import { float32TypeAttribute, registerNativeKernel, runOp, stringAttribute } from './tensorflowOps.js';

/** `{ y, dy } -> dy where relu let it through`. */
const RELU_GRADIENT = { Relu: 'MultitaskReluGradient', Relu6: 'MultitaskRelu6Gradient' } as const;

const runReluGradient = (dy: tf.TensorInfo, y: tf.TensorInfo) =>
  runOp('ReluGrad', [dy, y], { T: float32TypeAttribute() })[0]!;

/** 1 where the output lies between its corners, in plain operations. */
const createReluMask = {
  Relu: (y: Tensor) => tf.step(y),
  Relu6: (y: Tensor) => tf.mul(tf.step(y), tf.step(tf.sub(6, y))),
} as const;

/** The relu mask and the bias gradient of a fused convolution, an operation each. */
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
 * The gradients of relu and relu6 on their own. TensorFlow.js multiplies by `step(x)`, which its Node backend puts
 * together from six operations and a list of ones. They are read from the output, so that the input can go; on other
 * backends they stay the product.
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
      gradFunc: (given, [y]) => {
        const dy = given as Tensor;
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
