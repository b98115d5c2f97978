import type { KernelCall, TracedTensor } from '../../../tensor/trace/tracer.js';
import {
  BROADCAST_IMAGE,
  CLIP_GRADIENT,
  IMAGE_AFFINE,
  IMAGE_DOT,
  RELU_GRADIENT,
  SWISH,
  SWISH_GRADIENT,
} from '../ops/context/fusedKernels.js';

/** Information about the trace that {@link fuseCalls} needs. */
export interface FusionContext {
  /** Returns the number that all elements of a constant are equal to. Returns undefined for other tensors. */
  findFillValue(tensor: TracedTensor): number | undefined;
  /** Creates a tensor with the shape and type of `tensor`. */
  createTensorLike(tensor: TracedTensor): TracedTensor;
}

/**
 * Fuses sequences of kernel calls of which ONNX Runtime computes the last result in fewer passes over the images: padding before
 * convolutions, clipped ReLU, swish, products of images with one factor per image and channel, and their gradients.
 *
 * Each rule replaces the last call of a sequence. The other calls remain, because something else may read their results. If nothing does,
 * their nodes are removed from the graph.
 */
export function fuseCalls(calls: readonly KernelCall[], context: FusionContext): readonly KernelCall[] {
  const producers = new Map<object, KernelCall>();
  const fused: KernelCall[] = [];
  const findCall: CallFinder = (tensor, kernel) => {
    const call = producers.get(tensor.id);
    return call?.kernel === kernel && call.outputs[0]!.shape.join() === tensor.shape.join()
      ? call
      : undefined;
  };
  for (const call of calls) {
    const replacements = applyRules(call, findCall, context);
    fused.push(...replacements);
    for (const replacement of replacements) {
      // A reshaped tensor has the id of its source, and rules look for the call that computed the source.
      if (isReshape(replacement)) continue;
      for (const { id } of replacement.outputs) producers.set(id, replacement);
    }
  }
  return fused;
}

const isReshape = ({ kernel }: KernelCall) => kernel === 'Reshape' || kernel === 'ExpandDims';

/** Returns the call of `kernel` that computed a tensor, or undefined if another kernel computed it. */
type CallFinder = (tensor: TracedTensor, kernel: string) => KernelCall | undefined;
/** Returns the calls that replace a call, or undefined if the rule does not apply. The last one computes the outputs of the call. */
type FusionRule = (
  call: KernelCall,
  findCall: CallFinder,
  context: FusionContext,
) => readonly KernelCall[] | undefined;

function applyRules(call: KernelCall, findCall: CallFinder, context: FusionContext): readonly KernelCall[] {
  for (const rule of RULES[call.kernel] ?? []) {
    const replacements = rule(call, findCall, context);
    if (replacements) return replacements;
  }
  return [call];
}

const isSame = (one: TracedTensor, other: TracedTensor) =>
  one.id === other.id && one.shape.join() === other.shape.join();
const haveSameShape = (one: TracedTensor, other: TracedTensor) => one.shape.join() === other.shape.join();
/** Returns the two inputs of a binary call, in both orders. */
const getOrders = ({ inputs: { a, b } }: KernelCall): readonly (readonly [TracedTensor, TracedTensor])[] => [
  [a!, b!],
  [b!, a!],
];
/** Returns the first result of `match` that is not undefined, for the two inputs of a binary call in both orders. */
function matchOrders<R>(
  call: KernelCall | undefined,
  match: (a: TracedTensor, b: TracedTensor) => R | undefined,
): R | undefined {
  if (!call) return undefined;
  for (const [a, b] of getOrders(call)) {
    const result = match(a, b);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** `Sigmoid(x) * x` is swish. */
const fuseSwish: FusionRule = (call, findCall) =>
  matchOrders(call, (s, x) => {
    const sigmoid = findCall(s, 'Sigmoid');
    return sigmoid && isSame(sigmoid.inputs.x!, x)
      ? [{ ...call, kernel: SWISH, inputs: { x }, attributes: {} }]
      : undefined;
  });

/** `dy * s + (dy * x) * (s * (1 - s))`, where `s` is `Sigmoid(x)`, is the gradient of swish. */
const fuseSwishGradient: FusionRule = (call, findCall, { findFillValue }) =>
  matchOrders(call, (direct, throughSigmoid) =>
    matchOrders(findCall(direct, 'Multiply'), (dy, s) => {
      const x = findCall(s, 'Sigmoid')?.inputs.x;
      if (!x || !haveSameShape(dy, x)) return undefined;
      const isSlope = (value: TracedTensor) =>
        matchOrders(findCall(value, 'Multiply'), (factor, complement) => {
          const difference = findCall(complement, 'Sub');
          const isComplement =
            difference && findFillValue(difference.inputs.a!) === 1 && isSame(difference.inputs.b!, s);
          return isSame(factor, s) && isComplement ? true : undefined;
        });
      const isIncoming = (value: TracedTensor) =>
        matchOrders(findCall(value, 'Multiply'), (a, b) =>
          isSame(a, dy) && isSame(b, x) ? true : undefined,
        );
      return matchOrders(findCall(throughSigmoid, 'Multiply'), (incoming, slope) =>
        isIncoming(incoming) && isSlope(slope)
          ? [{ ...call, kernel: SWISH_GRADIENT, inputs: { x, dy }, attributes: {} }]
          : undefined,
      );
    }),
  );

/** Clipping to `min` or more after ReLU is the same as clipping alone if `min` is not negative. */
const fuseClippedRelu: FusionRule = (call, findCall) => {
  const relu = findCall(call.inputs.x!, 'Relu');
  return relu && (call.attributes.clipValueMin as number) >= 0
    ? [{ ...call, inputs: { x: relu.inputs.x! } }]
    : undefined;
};

/** `Select(x >= min && x <= max, dy, 0)` is the gradient of clipping. */
const fuseClipGradient: FusionRule = (call, findCall, { findFillValue }) => {
  const { condition, t: dy, e } = call.inputs;
  const isZero = findCall(e!, 'ZerosLike') !== undefined || findFillValue(e!) === 0;
  if (!isZero || !haveSameShape(condition!, dy!)) return undefined;
  return matchOrders(findCall(condition!, 'LogicalAnd'), (above, below) => {
    const [least, greatest] = [findCall(above, 'GreaterEqual'), findCall(below, 'LessEqual')];
    if (!least || !greatest || !isSame(least.inputs.a!, greatest.inputs.a!)) return undefined;
    const [min, max] = [findFillValue(least.inputs.b!), findFillValue(greatest.inputs.b!)];
    const x = least.inputs.a!;
    if (min === undefined || max === undefined || !haveSameShape(x, dy!)) return undefined;
    return [{ ...call, kernel: CLIP_GRADIENT, inputs: { x, dy: dy! }, attributes: { min, max } }];
  });
};

/** Returns the tensor `x` for which `tensor` is 1 where `x` is positive, and 0 elsewhere. */
function findSteppedTensor(tensor: TracedTensor, findCall: CallFinder): TracedTensor | undefined {
  const step = findCall(tensor, 'Step');
  if (!step || step.attributes.alpha) return undefined;
  const { x } = step.inputs;
  return findCall(x!, 'Relu')?.inputs.x ?? x;
}

/**
 * The gradient of a clipped ReLU in its two forms: the gradient of clipping times the step of `x`, and `dy * ((x <= max) * step(x))`. It is
 * the gradient of clipping, without the minimum 0 itself.
 */
const fuseClippedReluGradient: FusionRule = (call, findCall, { findFillValue }) =>
  matchOrders(call, (gradient, mask) => {
    const create = (x: TracedTensor, dy: TracedTensor, max: number) =>
      haveSameShape(x, dy)
        ? [
            {
              ...call,
              kernel: CLIP_GRADIENT,
              inputs: { x, dy },
              attributes: { min: 0, max, excludesMin: true },
            },
          ]
        : undefined;
    const clip = findCall(gradient, CLIP_GRADIENT);
    const stepped = findSteppedTensor(mask, findCall);
    if (clip && stepped) {
      const clipped = clip.inputs.x!;
      const relu = findCall(clipped, 'Relu');
      const isClippedRelu = relu ? isSame(relu.inputs.x!, stepped) : isSame(clipped, stepped);
      return isClippedRelu && (clip.attributes.min as number) <= 0
        ? create(stepped, clip.inputs.dy!, clip.attributes.max as number)
        : undefined;
    }
    return matchOrders(findCall(mask, 'Multiply'), (below, positive) => {
      const x = findSteppedTensor(positive, findCall);
      const comparison = findCall(below, 'LessEqual');
      const max = comparison && findFillValue(comparison.inputs.b!);
      return x && max !== undefined && isSame(comparison!.inputs.a!, x)
        ? create(x, gradient, max)
        : undefined;
    });
  });

/** `dy * step(x)` is the gradient of ReLU. A comparison times the step is part of the gradient of a clipped ReLU. */
const fuseReluGradient: FusionRule = (call, findCall) =>
  matchOrders(call, (dy, mask) => {
    const step = findCall(mask, 'Step');
    const { x } = step?.inputs ?? {};
    return x && !step!.attributes.alpha && haveSameShape(x, dy) && !findCall(dy, 'LessEqual')
      ? [{ ...call, kernel: RELU_GRADIENT, inputs: { x, dy }, attributes: {} }]
      : undefined;
  });

/** Names of the kernels of convolutions, whose padding can be an attribute. */
const CONVOLUTIONS = ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D'];
const FILTER_GRADIENTS = ['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropFilter'];
const INPUT_GRADIENTS = ['Conv2DBackpropInput', 'DepthwiseConv2dNativeBackpropInput'];

/** A convolution of an image that was padded with zeros, or its gradient with respect to the filter, pads the image itself. */
const fusePadding: FusionRule = (call, findCall) => {
  const padding = findCall(call.inputs.x!, 'PadV2');
  const { pad, dataFormat = 'NHWC' } = call.attributes;
  if (!padding || pad !== 'valid' || dataFormat !== 'NHWC' || padding.inputs.x!.shape.length !== 4) {
    return undefined;
  }
  const paddings = padding.attributes.paddings as readonly (readonly [number, number])[];
  const isSpatial = [paddings[0]!, paddings[3]!].flat().every((size) => size === 0);
  if (!isSpatial || padding.attributes.constantValue) return undefined;
  return [
    {
      ...call,
      inputs: { ...call.inputs, x: padding.inputs.x! },
      attributes: { ...call.attributes, pad: paddings },
    },
  ];
};

/** The part of the gradient of a convolution without padding that belongs to the image is the gradient of a convolution with padding. */
const fuseCroppedGradient: FusionRule = (call, findCall) => {
  const { x } = call.inputs;
  const [output] = call.outputs;
  const gradient = INPUT_GRADIENTS.map((kernel) => findCall(x!, kernel)).find(Boolean);
  const { pad, dataFormat = 'NHWC' } = gradient?.attributes ?? {};
  if (pad !== 'valid' || dataFormat !== 'NHWC') return undefined;
  const begin = [call.attributes.begin].flat() as number[];
  const isSpatial = [0, 3].every((axis) => x!.shape[axis] === output!.shape[axis]);
  if (!isSpatial || begin.length !== 4) return undefined;
  const paddings = begin.map((start, axis) => [start, x!.shape[axis]! - start - output!.shape[axis]!]);
  return [
    {
      ...gradient!,
      attributes: { ...gradient!.attributes, inputShape: output!.shape, pad: paddings },
      outputs: call.outputs,
    },
  ];
};

/** Returns whether `factors` has one element for each image and channel of the images `x`, or one element for each image. */
function isPerImage(factors: TracedTensor, x: TracedTensor): boolean {
  if (x.shape.length !== 4 || factors.shape.length !== 4) return false;
  const [batchSize, height, width, channels] = x.shape as [number, number, number, number];
  const [images, rows, columns, count] = factors.shape;
  const isSingle = rows === 1 && columns === 1 && (count === channels || count === 1);
  return images === batchSize && isSingle && height * width > 1;
}

/** The product of an image and one factor per image and channel. */
const fuseImageScale: FusionRule = (call) =>
  matchOrders(call, (x, factor) =>
    isPerImage(factor, x)
      ? [{ ...call, kernel: IMAGE_AFFINE, inputs: { x, factor }, attributes: {} }]
      : undefined,
  );

/** The product of one number per image and channel and an image of ones is a broadcast. */
const fuseBroadcast: FusionRule = (call, _, { findFillValue }) =>
  matchOrders(call, (x, ones) =>
    isPerImage(x, call.outputs[0]!) && x.shape[3] === call.outputs[0]!.shape[3] && findFillValue(ones) === 1
      ? [{ ...call, kernel: BROADCAST_IMAGE, inputs: { x }, attributes: {} }]
      : undefined,
  );

/** The quotient of a broadcast number and a scalar is the broadcast quotient. */
const fuseBroadcastQuotient: FusionRule = (call, findCall, { createTensorLike }) => {
  const { a, b } = call.inputs;
  const broadcast = findCall(a!, BROADCAST_IMAGE);
  if (!broadcast || b!.shape.length > 0) return undefined;
  const quotient = createTensorLike(broadcast.inputs.x!);
  return [
    { ...call, inputs: { a: broadcast.inputs.x!, b: b! }, outputs: [quotient] },
    { ...broadcast, inputs: { x: quotient }, outputs: call.outputs },
  ];
};

/** The sum of an image and a broadcast number per image and channel. */
const fuseImageShift: FusionRule = (call, findCall) =>
  matchOrders(call, (x, addend) => {
    const broadcast = findCall(addend, BROADCAST_IMAGE);
    if (!broadcast || !haveSameShape(x, addend)) return undefined;
    const scale = findCall(x, IMAGE_AFFINE);
    const inputs = scale && !scale.inputs.shift ? scale.inputs : { x };
    const shift = broadcast.inputs.x!;
    return [{ ...call, kernel: IMAGE_AFFINE, inputs: { ...inputs, shift }, attributes: {} }];
  });

/** The sum of the product of two images over their pixels. */
const fuseImageDot: FusionRule = (call, findCall) => {
  const { x } = call.inputs;
  const product = findCall(x!, 'Multiply');
  const axes = [call.attributes.axis].flat().join();
  if (!product || x!.shape.length !== 4 || axes !== '1,2') return undefined;
  const { a, b } = product.inputs;
  if (!haveSameShape(a!, b!)) return undefined;
  return [{ ...call, kernel: IMAGE_DOT, inputs: { a: a!, b: b! }, attributes: {} }];
};

const forKernels = (kernels: readonly string[], ...rules: readonly FusionRule[]) =>
  Object.fromEntries(kernels.map((kernel) => [kernel, rules]));

/** The rules for each kernel, in the order in which they are tried. */
const RULES: { readonly [kernel: string]: readonly FusionRule[] | undefined } = {
  ...forKernels([...CONVOLUTIONS, ...FILTER_GRADIENTS], fusePadding),
  Slice: [fuseCroppedGradient],
  Multiply: [fuseSwish, fuseClippedReluGradient, fuseReluGradient, fuseBroadcast, fuseImageScale],
  Add: [fuseSwishGradient, fuseImageShift],
  ClipByValue: [fuseClippedRelu],
  Select: [fuseClipGradient],
  RealDiv: [fuseBroadcastQuotient],
  Sum: [fuseImageDot],
};
