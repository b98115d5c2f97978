import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { tf } from '../tensor/tf.js';
import type { Block, BuildContext } from './block.js';

/**
 * Creates a residual block, `x + f(x)`, where `f` is a list of blocks (K. He et al., Deep residual learning, 2015). If `f` changes the
 * number of channels or the image size, the shortcut is a linear 1x1 convolution with the stride of `f`, as in Keras's ResNet50
 * (applications/resnet.py, `residual_block_v1`). The sum has no activation. To add one, put `activation('relu')` after the block.
 *
 * @param blocks - At least one block. Use `same` padding, because only strides may change the size.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for an empty list, or at `build()` if the output size is not the input size divided by a stride.
 * @example
 * ```ts
 * import { activation, conv, residual, sharedTrunk } from 'tfjs-multitask';
 *
 * const same = { padding: 'same' } as const;
 * const trunk = sharedTrunk([
 *   conv(32, 3, same),
 *   residual([conv(32, 3, same), conv(32, 3, { ...same, activation: 'linear' })]),
 *   activation('relu'),
 * ]);
 * console.log(trunk.layerStack.length); // 3
 * ```
 * @category Compose
 */
export function residual(blocks: readonly Block[]): Block {
  checks.noOptions('residual', arguments[1]);
  const advice = "Write residual([conv(64, 3, { padding: 'same' })]).";
  checks.list('residual.blocks', blocks, { minLength: 1, noun: 'an array with at least one block', advice });
  blocks.forEach((block: unknown, i) => {
    if (typeof (block as Partial<Block> | null)?.build === 'function') return;
    throw createArgumentError(
      `residual.blocks[${i}]`,
      'a block such as conv(64, 3)',
      describeType(block),
      advice,
    );
  });
  return {
    '~block': 'residual',
    computeOutputSize: (input) => blocks.reduce((side, block) => block.computeOutputSize(side), input),
    build: (input, context) => {
      const inner = blocks.reduce((x, block) => block.build(x, context), input);
      const name = context.createName('add');
      return context.connect(tf.layers.add({ name }), [createShortcut(input, inner, context, name), inner]);
    },
  };
}

/** Creates the shortcut of a residual block: `input`, projected to the shape of `inner` if the shapes differ. */
function createShortcut(
  input: SymbolicTensor,
  inner: SymbolicTensor,
  context: BuildContext,
  path: string,
): SymbolicTensor {
  const [, height, width, channels] = input.shape as number[];
  const [, newHeight, newWidth, filters] = inner.shape as number[];
  if (height === newHeight && width === newWidth && channels === filters) return input;
  const strides = Math.ceil(height! / newHeight!);
  if (Math.ceil(height! / strides) !== newHeight || Math.ceil(width! / strides) !== newWidth) {
    throw createError({
      kind: 'argument',
      path,
      expected: `an output whose size is the input size ${height}x${width} divided by a stride`,
      received: `an output of ${newHeight}x${newWidth}`,
      advice: "Use padding: 'same' for the convolutions inside residual().",
    });
  }
  const projection = tf.layers.conv2d({
    name: context.createName('shortcut'),
    filters: filters!,
    kernelSize: 1,
    strides,
    kernelInitializer: 'glorotUniform',
  });
  return context.connect(projection, input);
}
