import { type BackboneRow, type Initializer, type RowLayer, row } from './backboneRows.js';

const NORM = { kind: 'batchNorm', epsilon: 1e-3, momentum: 0.99 } as const;
const SWISH = { kind: 'activation', activation: 'swish' } as const;
const FAN_OUT_INITIALIZER: Initializer = { scale: 2, mode: 'fanOut', distribution: 'truncatedNormal' };

const createConvLayer = (filters: number): RowLayer => ({
  kind: 'conv',
  filters,
  size: 1,
  padding: 'same',
  useBias: false,
  initializer: FAN_OUT_INITIALIZER,
});

/**
 * Architecture of the stages block1 to block7. Each row contains the kernel size, the number of blocks, the number of output channels, the
 * stride of the first block, and the expansion factor of the channels.
 */
const STAGES = [
  { size: 3, blocks: 1, filters: 16, strides: 1, expansion: 1 },
  { size: 3, blocks: 2, filters: 24, strides: 2, expansion: 6 },
  { size: 5, blocks: 2, filters: 40, strides: 2, expansion: 6 },
  { size: 3, blocks: 3, filters: 80, strides: 2, expansion: 6 },
  { size: 5, blocks: 3, filters: 112, strides: 1, expansion: 6 },
  { size: 5, blocks: 4, filters: 192, strides: 2, expansion: 6 },
  { size: 3, blocks: 1, filters: 320, strides: 1, expansion: 6 },
] as const;

interface BlockOptions {
  readonly name: string;
  readonly input: string;
  readonly channels: number;
  readonly filters: number;
  readonly size: number;
  readonly strides: number;
  readonly expansion: number;
  /** Proportion of the images for which the block is skipped in training (G. Huang et al., Deep networks with stochastic depth, 2016). */
  readonly dropRate: number;
}

function createBlockRows({
  name,
  input,
  channels,
  filters,
  size,
  strides,
  expansion,
  dropRate,
}: BlockOptions): BackboneRow[] {
  const at = (part: string) => `${name}_${part}`;
  const wide = channels * expansion;
  const squeezed = (filters: number, activation: 'swish' | 'sigmoid'): RowLayer => ({
    kind: 'conv',
    filters,
    size: 1,
    padding: 'same',
    activation,
    initializer: FAN_OUT_INITIALIZER,
  });
  const added = strides === 1 && channels === filters;
  return [
    ...(expansion === 1
      ? []
      : [
          row(at('expand_conv'), createConvLayer(wide), input),
          row(at('expand_bn'), NORM),
          row(at('expand_activation'), SWISH),
        ]),
    ...(strides === 2 ? [row(at('dwconv_pad'), { kind: 'halvingPad', size })] : []),
    row(at('dwconv'), {
      kind: 'depthwise',
      size,
      strides,
      padding: strides === 2 ? 'valid' : 'same',
      initializer: FAN_OUT_INITIALIZER,
    }),
    row(at('bn'), NORM),
    row(at('activation'), SWISH),
    row(at('se_squeeze'), { kind: 'globalAveragePool' }),
    row(at('se_reshape'), { kind: 'onePixel' }),
    row(at('se_reduce'), squeezed(Math.floor(channels / 4), 'swish')),
    row(at('se_expand'), squeezed(wide, 'sigmoid')),
    row(at('se_excite'), { kind: 'multiply' }, at('activation'), at('se_expand')),
    row(at('project_conv'), createConvLayer(filters)),
    row(at('project_bn'), NORM),
    ...(added
      ? [
          row(at('drop'), { kind: 'dropout', rate: dropRate, perImage: true }),
          row(at('add'), { kind: 'add' }, at('drop'), input),
        ]
      : []),
  ];
}

function createStageRows(): BackboneRow[] {
  const rows: BackboneRow[] = [];
  const all = STAGES.reduce((sum, stage) => sum + stage.blocks, 0);
  let input = 'stem_activation';
  let channels = 32;
  let count = 0;
  STAGES.forEach(({ size, blocks, filters, strides, expansion }, stage) => {
    for (let i = 0; i < blocks; i++) {
      const name = `block${stage + 1}${'abcd'[i]}`;
      const dropRate = (0.2 * count) / all;
      rows.push(
        ...createBlockRows({
          name,
          input,
          channels,
          filters,
          size,
          strides: i === 0 ? strides : 1,
          expansion,
          dropRate,
        }),
      );
      input = rows.at(-1)!.name;
      channels = filters;
      count += 1;
    }
  });
  return rows;
}

/**
 * Layers of EfficientNetB0 in Keras 3 (applications/efficientnet.py), without the preprocessing layers `rescaling` and `normalization`, and
 * without the classification layers.
 */
export const ROWS: readonly BackboneRow[] = [
  row('stem_conv_pad', { kind: 'halvingPad', size: 3 }),
  row('stem_conv', {
    kind: 'conv',
    filters: 32,
    size: 3,
    strides: 2,
    useBias: false,
    initializer: FAN_OUT_INITIALIZER,
  }),
  row('stem_bn', NORM),
  row('stem_activation', SWISH),
  ...createStageRows(),
  row('top_conv', createConvLayer(1280)),
  row('top_bn', NORM),
  row('top_activation', SWISH),
];

/** Classification layers of EfficientNetB0, with the 1000 ImageNet classes. */
export const TOP: readonly BackboneRow[] = [
  row('avg_pool', { kind: 'globalAveragePool' }),
  row('top_dropout', { kind: 'dropout', rate: 0.2, perImage: false }),
  row('predictions', {
    kind: 'dense',
    units: 1000,
    activation: 'softmax',
    initializer: { scale: 1 / 3, mode: 'fanOut', distribution: 'uniform' },
  }),
];
