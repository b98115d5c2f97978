import { type BackboneRow, type RowLayer, row } from './backboneRows.js';

const NORM = { kind: 'batchNorm', epsilon: 1.001e-5, momentum: 0.99 } as const;
const RELU = { kind: 'activation', activation: 'relu' } as const;
const ADD = { kind: 'add' } as const;

const createConvLayer = (filters: number, size: number, strides = 1): RowLayer => ({
  kind: 'conv',
  filters,
  size,
  strides,
});

/**
 * Architecture of the stages conv2 to conv5. Each row contains the number of filters of the inner convolutions, the number of blocks, and
 * the stride of the first block.
 */
const STAGES = [
  { stage: 'conv2', filters: 64, blocks: 3, strides: 1 },
  { stage: 'conv3', filters: 128, blocks: 4, strides: 2 },
  { stage: 'conv4', filters: 256, blocks: 6, strides: 2 },
  { stage: 'conv5', filters: 512, blocks: 3, strides: 2 },
] as const;

/**
 * Creates the rows of a residual block, in the order of `model.layers` in Keras. Keras sorts layers by depth, so the layers of the shortcut
 * are interleaved with those of the main path.
 */
function createBlockRows(
  block: string,
  input: string,
  filters: number,
  strides: number,
  projected: boolean,
): BackboneRow[] {
  const at = (part: string) => `${block}_${part}`;
  return [
    row(at('1_conv'), createConvLayer(filters, 1, strides), input),
    row(at('1_bn'), NORM),
    row(at('1_relu'), RELU),
    row(at('2_conv'), { kind: 'conv', filters, size: 3, padding: 'same' }),
    row(at('2_bn'), NORM),
    row(at('2_relu'), RELU),
    ...(projected ? [row(at('0_conv'), createConvLayer(4 * filters, 1, strides), input)] : []),
    row(at('3_conv'), createConvLayer(4 * filters, 1), at('2_relu')),
    ...(projected ? [row(at('0_bn'), NORM, at('0_conv'))] : []),
    row(at('3_bn'), NORM, at('3_conv')),
    row(at('add'), ADD, projected ? at('0_bn') : input, at('3_bn')),
    row(at('out'), RELU),
  ];
}

function createStageRows(): BackboneRow[] {
  const rows: BackboneRow[] = [];
  let input = 'pool1_pool';
  for (const { stage, filters, blocks, strides } of STAGES) {
    for (let i = 1; i <= blocks; i++) {
      const block = `${stage}_block${i}`;
      rows.push(...createBlockRows(block, input, filters, i === 1 ? strides : 1, i === 1));
      input = `${block}_out`;
    }
  }
  return rows;
}

/** Layers of ResNet50 (version 1) in Keras 3 (applications/resnet.py), without the classification layers. */
export const ROWS: readonly BackboneRow[] = [
  row('conv1_pad', { kind: 'pad', pixels: 3 }),
  row('conv1_conv', createConvLayer(64, 7, 2)),
  row('conv1_bn', NORM),
  row('conv1_relu', RELU),
  row('pool1_pad', { kind: 'pad', pixels: 1 }),
  row('pool1_pool', { kind: 'maxPool', size: 3, strides: 2 }),
  ...createStageRows(),
];

/** Classification layers of ResNet50, with the 1000 ImageNet classes. */
export const TOP: readonly BackboneRow[] = [
  row('avg_pool', { kind: 'globalAveragePool' }),
  row('predictions', { kind: 'dense', units: 1000, activation: 'softmax' }),
];
