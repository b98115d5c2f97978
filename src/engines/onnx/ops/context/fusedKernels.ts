/**
 * Name of a kernel that `simplifyTrace` creates by fusing the gradient of max pooling with the gradient of the bias and ReLU before the
 * pooling. Its inputs are `{ input, output, dy }` of the pooling. Its outputs are the gradient with respect to the input of ReLU, and the
 * gradient with respect to the bias.
 */
export const POOLED_BIAS_RELU_GRADIENT = 'MultitaskPooledBiasReluGradient';

// `fuseCalls` creates calls of the following kernels.

/** Name of the kernel for swish, `x * sigmoid(x)`, of the input `x`. */
export const SWISH = 'MultitaskSwish';
/** Name of the kernel for the gradient of swish. Its inputs are `{ x, dy }`. */
export const SWISH_GRADIENT = 'MultitaskSwishGradient';
/**
 * Name of the kernel for the gradient of clipping. Its inputs are `{ x, dy }`, and its result is `dy` where `x` is between the attributes
 * `min` and `max`, and 0 elsewhere. If the attribute `excludesMin` is true, the result is also 0 where `x` equals `min`.
 */
export const CLIP_GRADIENT = 'MultitaskClipGradient';
/** Name of the kernel for the gradient of ReLU. Its inputs are `{ x, dy }`, and its result is `dy` where `x` is positive, and 0 elsewhere. */
export const RELU_GRADIENT = 'MultitaskReluGradient';
/**
 * Name of the kernel for `x * factor + shift` of images `x`, where `factor` and `shift` have one element per image and channel, in the shape
 * `[batch, 1, 1, channels]`. Either of them can be omitted. `factor` can also have the shape `[batch, 1, 1, 1]`.
 */
export const IMAGE_AFFINE = 'MultitaskImageAffine';
/** Name of the kernel that broadcasts the input `x` of shape `[batch, 1, 1, channels]` to images. */
export const BROADCAST_IMAGE = 'MultitaskBroadcastImage';
/** Name of the kernel that sums the product of the images `a` and `b` over the pixels. */
export const IMAGE_DOT = 'MultitaskImageDot';
