import { DataType, encodeOnnxModel } from '../../../formats/onnxModel.js';
import { BLOCKED_DOMAIN } from '../ops/context/layout.js';
import type { OnnxRuntime } from './onnxRuntime.js';

/**
 * Returns the number of channels per block in ONNX Runtime's blocked memory layout on this machine: 8 or 16, depending on the processor.
 * Returns undefined if the runtime does not support that layout, for example in a browser.
 */
export async function findChannelBlock({
  InferenceSession,
}: Pick<OnnxRuntime, 'InferenceSession'>): Promise<number | undefined> {
  const bytes = encodeOnnxModel({
    nodes: [
      { opType: `${BLOCKED_DOMAIN}:ReorderInput`, inputs: ['x'], outputs: ['blocks'], attributes: {} },
      { opType: 'Shape', inputs: ['blocks'], outputs: ['sizes'], attributes: {} },
      { opType: 'Cast', inputs: ['sizes'], outputs: ['shape'], attributes: { to: DataType.FLOAT } },
    ],
    // Four channels, the smallest number that can be converted to blocks, are padded to one block. The shape of the result therefore
    // contains the block size.
    initializers: [{ name: 'x', shape: [1, 4, 1, 1], data: new Float32Array(4) }],
    inputs: [],
    outputs: [{ name: 'shape', shape: [4], description: '' }],
    description: '',
    metadata: {},
  });
  try {
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    try {
      const { shape } = await session.run({});
      const block = (shape!.data as Float32Array)[1]!;
      return block > 4 ? block : undefined;
    } finally {
      await session.release();
    }
  } catch {
    return undefined;
  }
}
