import { tf } from '../../tensor/tf.js';
import { maxPoolGradient } from './gradients.js';
import type { Mapping } from './graph.js';
import { FROM_ONNX, padsOf, pair, TO_ONNX } from './images.js';
import type { Operation } from './operations.js';
import { byRowsAndColumns, matrixOf } from './separable.js';

type Shape4D = [number, number, number, number];
type Pair = number | [number, number];

const windowOf = ({ call, attribute }: Mapping) =>
  tf.backend_util.computePool2DInfo(
    call.inputs.input!.shape as Shape4D,
    pair(attribute<Pair>('filterSize')),
    pair(attribute<Pair>('strides')),
    1,
    attribute<'same'>('pad'),
    attribute<'floor' | undefined>('dimRoundingMode'),
  );

/** Each window's gradient goes to its first largest value; where windows overlap, what arrives is added up. */
export const anyMaxPoolGradient: Operation = (mapping) => {
  const info = windowOf(mapping);
  const apart = info.strideHeight >= info.filterHeight && info.strideWidth >= info.filterWidth;
  if (apart) return maxPoolGradient(mapping);
  const { node, nodes, transposed, integers } = mapping;
  const x = transposed('input', TO_ONNX);
  const window = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    pads: padsOf(info),
  };
  const [, places] = nodes('MaxPool', [x], window, 2);
  const flat = (value: string) => node('Reshape', [value, integers([-1])]);
  const nothing = node('ConstantOfShape', [node('Reshape', [node('Size', [x]), integers([1])])]);
  const sums = node('ScatterElements', [nothing, flat(places!), flat(transposed('dy', TO_ONNX))], {
    axis: 0,
    reduction: 'add',
  });
  return node('Transpose', [node('Reshape', [sums, node('Shape', [x])])], { perm: FROM_ONNX });
};

/** Each pixel of a window gets its share, and a window at the edge counts whole, as TensorFlow.js has it. */
export const averagePoolGradient: Operation = (mapping) => {
  const info = windowOf(mapping);
  const { top, left } = info.padInfo;
  return byRowsAndColumns(
    mapping,
    'dy',
    shares(info.outHeight, info.inHeight, info.filterHeight, info.strideHeight, top),
    shares(info.outWidth, info.inWidth, info.filterWidth, info.strideWidth, left),
  );
};

/** For each window of a side, `1 / window` at the pixels in it. */
const shares = (out: number, size: number, window: number, stride: number, before: number) =>
  matrixOf(out, size, (add) => {
    for (let i = 0; i < out; i++) {
      for (let at = i * stride - before; at < i * stride - before + window; at++) {
        if (at >= 0 && at < size) add(i, at, 1 / window);
      }
    }
  });
