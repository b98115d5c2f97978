import { type BackboneRow, type RowLayer, row } from './backboneRows.js';

const NORM = { kind: 'batchNorm', epsilon: 1e-3, momentum: 0.999 } as const;
const RELU6 = { kind: 'relu6' } as const;

const createConvLayer = (filters: number): RowLayer => ({
  kind: 'conv',
  filters,
  size: 1,
  padding: 'same',
  useBias: false,
});

/**
 * Architecture of the stages. Each row contains the number of output channels, the number of blocks, and the stride of the first block.
 * Every block except the very first one expands the number of channels by a factor of 6.
 */
const STAGES = [
  { filters: 16, blocks: 1, strides: 1 },
  { filters: 24, blocks: 2, strides: 2 },
  { filters: 32, blocks: 3, strides: 2 },
  { filters: 64, blocks: 4, strides: 2 },
  { filters: 96, blocks: 3, strides: 1 },
  { filters: 160, blocks: 3, strides: 2 },
  { filters: 320, blocks: 1, strides: 1 },
] as const;

interface InvertedResidualOptions {
  readonly name: string;
  readonly input: string;
  readonly expandedChannels: number | undefined;
  readonly filters: number;
  readonly strides: number;
  readonly hasSkip: boolean;
}

function createBlockRows({
  name,
  input,
  expandedChannels,
  filters,
  strides,
  hasSkip,
}: InvertedResidualOptions): BackboneRow[] {
  const at = (part: string) => `${name}_${part}`;
  return [
    ...(expandedChannels === undefined
      ? []
      : [
          row(at('expand'), createConvLayer(expandedChannels), input),
          row(at('expand_BN'), NORM),
          row(at('expand_relu'), RELU6),
        ]),
    ...(strides === 2 ? [row(at('pad'), { kind: 'halvingPad', size: 3 })] : []),
    row(at('depthwise'), { kind: 'depthwise', size: 3, strides, padding: strides === 2 ? 'valid' : 'same' }),
    row(at('depthwise_BN'), NORM),
    row(at('depthwise_relu'), RELU6),
    row(at('project'), createConvLayer(filters)),
    row(at('project_BN'), NORM),
    ...(hasSkip ? [row(at('add'), { kind: 'add' }, input, at('project_BN'))] : []),
  ];
}

function createStageRows(): BackboneRow[] {
  const rows: BackboneRow[] = [];
  let input = 'Conv1_relu';
  let channels = 32;
  let count = 0;
  for (const { filters, blocks, strides } of STAGES) {
    for (let i = 0; i < blocks; i++) {
      const hasSkip = i > 0;
      rows.push(
        ...createBlockRows({
          name: count === 0 ? 'expanded_conv' : `block_${count}`,
          input,
          expandedChannels: count === 0 ? undefined : 6 * channels,
          filters,
          strides: hasSkip ? 1 : strides,
          hasSkip,
        }),
      );
      input = rows.at(-1)!.name;
      channels = filters;
      count += 1;
    }
  }
  return rows;
}

/** Layers of MobileNetV2 with width multiplier 1 in Keras 3 (applications/mobilenet_v2.py), without the classification layers. */
export const ROWS: readonly BackboneRow[] = [
  row('Conv1', { kind: 'conv', filters: 32, size: 3, strides: 2, padding: 'same', useBias: false }),
  row('bn_Conv1', NORM),
  row('Conv1_relu', RELU6),
  ...createStageRows(),
  row('Conv_1', { kind: 'conv', filters: 1280, size: 1, useBias: false }),
  row('Conv_1_bn', NORM),
  row('out_relu', RELU6),
];

/** Classification layers of MobileNetV2, with the 1000 ImageNet classes. */
export const TOP: readonly BackboneRow[] = [
  row('global_average_pooling2d', { kind: 'globalAveragePool' }),
  row('predictions', { kind: 'dense', units: 1000, activation: 'softmax' }),
];
