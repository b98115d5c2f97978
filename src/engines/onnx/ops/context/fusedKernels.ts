/**
 * Name of a kernel that `simplifyTrace` creates by fusing the gradient of max pooling with the gradient of the bias and ReLU before the
 * pooling. Its inputs are `{ input, output, dy }` of the pooling. Its outputs are the gradient with respect to the input of ReLU, and the
 * gradient with respect to the bias.
 */
export const POOLED_BIAS_RELU_GRADIENT = 'MultitaskPooledBiasReluGradient';
