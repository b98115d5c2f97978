import { tf } from '../../../../tensor/tf.js';
import type { LoweringContext } from '../../lower/traceLowering.js';
import { getPads, NCHW_TO_NHWC, NHWC_TO_NCHW, toPair } from '../conv.js';
import type { OpLowering } from '../opRegistry.js';
import { lowerDisjointMaxPoolGradient } from './batchNorm.js';
import { addSeparableProduct, createMatrix } from './separableProduct.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

const getPoolInfo = ({ call, getAttribute }: LoweringContext) =>
  tf.backend_util.computePool2DInfo(
    call.inputs.input!.shape as Shape4D,
    toPair(getAttribute<Pair>('filterSize')),
    toPair(getAttribute<Pair>('strides')),
    1,
    getAttribute<'same'>('pad'),
    getAttribute<'floor' | undefined>('dimRoundingMode'),
  );

/** Each window's gradient goes to its first largest value; where windows overlap, what arrives is added up. */
export const lowerGeneralMaxPoolGradient: OpLowering = (mapping) => {
  const info = getPoolInfo(mapping);
  const apart = info.strideHeight >= info.filterHeight && info.strideWidth >= info.filterWidth;
  if (apart) return lowerDisjointMaxPoolGradient(mapping);
  const { addNode, addMultiOutputNode, transposeInput, addIntegers } = mapping;
  const x = transposeInput('input', NHWC_TO_NCHW);
  const window = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    pads: getPads(info),
  };
  const [, places] = addMultiOutputNode('MaxPool', [x], window, 2);
  const flat = (value: string) => addNode('Reshape', [value, addIntegers([-1])]);
  const nothing = addNode('ConstantOfShape', [addNode('Reshape', [addNode('Size', [x]), addIntegers([1])])]);
  const sums = addNode(
    'ScatterElements',
    [nothing, flat(places!), flat(transposeInput('dy', NHWC_TO_NCHW))],
    {
      axis: 0,
      reduction: 'add',
    },
  );
  return addNode('Transpose', [addNode('Reshape', [sums, addNode('Shape', [x])])], { perm: NCHW_TO_NHWC });
};

/** Each pixel of a window gets its share, and a window at the edge counts whole, as TensorFlow.js has it. */
export const lowerAveragePoolGradient: OpLowering = (mapping) => {
  const info = getPoolInfo(mapping);
  const { top, left } = info.padInfo;
  return addSeparableProduct(
    mapping,
    'dy',
    createAverageMatrix(info.outHeight, info.inHeight, info.filterHeight, info.strideHeight, top),
    createAverageMatrix(info.outWidth, info.inWidth, info.filterWidth, info.strideWidth, left),
  );
};

/** For each window of a side, `1 / window` at the pixels in it. */
const createAverageMatrix = (out: number, size: number, window: number, stride: number, before: number) =>
  createMatrix(out, size, (add) => {
    for (let i = 0; i < out; i++) {
      for (let at = i * stride - before; at < i * stride - before + window; at++) {
        if (at >= 0 && at < size) add(i, at, 1 / window);
      }
    }
  });
