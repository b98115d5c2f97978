import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import type { WasmBackend } from './simd/wasmHeap.js';

interface SliceAttributes {
  readonly begin: number | number[];
  readonly size: number | number[];
}

interface SplitAttributes {
  readonly numOrSizeSplits: number | number[];
  readonly axis: number;
}

interface ReverseAttributes {
  readonly dims: number | number[];
}

/**
 * Replaces wasm kernels that copy more than they need to. The stock `Slice` copies its whole input first, so that `SplitV` copies the input
 * once for each of its outputs. `Identity` copies the data that `Reshape` shares, and `Reverse` moves single values.
 */
export function avoidCopies(): void {
  overrideKernel('wasm', 'Identity', ({ x }, _, { backend }) => {
    if (!isInHeap(x!)) return undefined;
    (backend as never as WasmBackend).incRef(x!.dataId);
    return { dataId: x!.dataId, shape: [...x!.shape], dtype: x!.dtype };
  });
  overrideKernel<SliceAttributes>('wasm', 'Slice', ({ x }, { begin, size }, { backend }) => {
    if (!isInHeap(x!)) return undefined;
    const [starts, sizes] = tf.slice_util.parseSliceParams(x!, begin, size) as [number[], number[]];
    tf.slice_util.assertParamsValid(x!, starts, sizes);
    return copySlice(backend as never as WasmBackend, x!, starts, sizes);
  });
  overrideKernel<SplitAttributes>('wasm', 'SplitV', ({ x }, { numOrSizeSplits, axis }, { backend }) => {
    if (!isInHeap(x!)) return undefined;
    const splitAxis = tf.util.parseAxisParam(axis, x!.shape as number[])[0]!;
    const starts = x!.shape.map(() => 0);
    return tf.backend_util.prepareSplitSize(x as never, numOrSizeSplits, splitAxis).map((length) => {
      const sizes = x!.shape.map((side, i) => (i === splitAxis ? length : side));
      const part = copySlice(backend as never as WasmBackend, x!, starts, sizes);
      starts[splitAxis]! += length;
      return part;
    }) as never;
  });
  overrideKernel<ReverseAttributes>('wasm', 'Reverse', ({ x }, { dims }, { backend }) => {
    const axes = tf.util.parseAxisParam(dims, x!.shape as number[]).sort((a, b) => a - b);
    const areLeading = axes.length > 0 && axes.every((axis, i) => axis === i);
    if (!isInHeap(x!) || !areLeading) return undefined;
    const wasm = backend as never as WasmBackend;
    const out = wasm.makeOutput(x!.shape, x!.dtype);
    const [source, target] = [wasm.typedArrayFromHeap(x!), wasm.typedArrayFromHeap(out)];
    const length = tf.util.sizeFromShape(x!.shape.slice(axes.length));
    for (let start = 0; start < source.length; start += length)
      target.set(source.subarray(start, start + length), source.length - length - start);
    return out;
  });
}

const isInHeap = ({ dtype }: tf.TensorInfo) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';

function copySlice(
  wasm: WasmBackend,
  x: tf.TensorInfo,
  starts: readonly number[],
  sizes: readonly number[],
): tf.TensorInfo {
  const out = wasm.makeOutput(sizes, x.dtype);
  const [source, target] = [wasm.typedArrayFromHeap(x), wasm.typedArrayFromHeap(out)];
  if (target.length === 0) return out;
  // Axes that are copied completely are consecutive in memory, together with the axis before them.
  let axis = x.shape.length - 1;
  let stride = 1;
  while (axis > 0 && sizes[axis] === x.shape[axis]) stride *= x.shape[axis--]!;
  const length = stride * (sizes[axis] ?? 1);
  let written = 0;
  const copyAxis = (current: number, start: number): void => {
    if (current >= axis) {
      const first = start + (starts[current] ?? 0) * stride;
      target.set(source.subarray(first, first + length), written);
      written += length;
      return;
    }
    const step = tf.util.sizeFromShape(x.shape.slice(current + 1));
    for (let i = 0; i < sizes[current]!; i++) copyAxis(current + 1, start + (starts[current]! + i) * step);
  };
  copyAxis(0, 0);
  return out;
}
