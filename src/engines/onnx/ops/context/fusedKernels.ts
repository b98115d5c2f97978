/**
 * Name of a kernel that exists only in simplified traces: the gradient of max pooling together with the gradient of the bias
 * and relu before it. `{ input, output, dy } -> [gradient before the bias, gradient of the bias]`.
 */
export const POOLED_BIAS_RELU_GRADIENT = 'MultitaskPooledBiasReluGradient';
