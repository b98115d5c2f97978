import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../tf.js';
import { BIAS_RELU_GRADIENT } from '../biasReluGradient.js';
import { float32, operation, register, text } from './tensorflow.js';

/** `{ y, dy } -> dy where relu let it through`. */
const RELU_GRADIENT = { Relu: 'MultitaskReluGradient', Relu6: 'MultitaskRelu6Gradient' } as const;

const reluGradient = (dy: tf.TensorInfo, y: tf.TensorInfo) =>
  operation('ReluGrad', [dy, y], { T: float32() })[0]!;

/** 1 where the output lies between its corners, in plain operations. */
const through = {
  Relu: (y: Tensor) => tf.step(y),
  Relu6: (y: Tensor) => tf.mul(tf.step(y), tf.step(tf.sub(6, y))),
} as const;

/** The relu mask and the bias gradient of a fused convolution, an operation each. */
export function registerBiasReluGradient(): void {
  register(BIAS_RELU_GRADIENT, ({ y, dy }) => {
    const masked = reluGradient(dy!, y!);
    return [masked, ...operation('BiasAddGrad', [masked], { T: float32(), data_format: text('NHWC') })];
  });
}

/**
 * The gradients of relu and relu6 on their own. TensorFlow.js multiplies by `step(x)`, which its Node backend puts
 * together from six operations and a list of ones. They are read from the output, so that the input can go; on other
 * backends they stay the product.
 */
export function registerReluGradients(): void {
  register(RELU_GRADIENT.Relu, ({ y, dy }) => reluGradient(dy!, y!));
  register(RELU_GRADIENT.Relu6, ({ y, dy }) => operation('Relu6Grad', [dy!, y!], { T: float32() })[0]!);
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
              : tf.mul(dy, through[kernelName](y!)),
        };
      },
    });
  }
}
