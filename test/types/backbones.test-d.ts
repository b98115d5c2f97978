import { expectTypeOf, test } from 'vitest';
import {
  type Backbone,
  mobileNetV2Backbone,
  multiTask,
  resnet50Backbone,
  sharedTrunk,
} from '../../src/entries/node.js';

test('TypeScript accepts a backbone as a trunk and as a block of a trunk', async () => {
  const backbone = await resnet50Backbone({ weights: null });
  expectTypeOf(backbone).toEqualTypeOf<Backbone>();
  multiTask({ input: [32, 32, 3] }).trunk(backbone);
  multiTask({ input: [32, 32, 3] }).trunk(sharedTrunk([backbone]));
});

test('TypeScript accepts stage names and any layer name for trainableFrom', () => {
  type From = Extract<Parameters<typeof resnet50Backbone>[0]['trainableFrom'], string>;
  expectTypeOf<'conv5'>().toExtend<From>();
  expectTypeOf<'conv5_block1_1_conv'>().toExtend<From>();
  expectTypeOf<From>().toExtend<string>();
});

test('TypeScript rejects invalid calls to backbone functions', () => {
  const never = () => {
    // @ts-expect-error weights are required, even null
    resnet50Backbone({});
    // @ts-expect-error a download needs tfjs-multitask/node
    resnet50Backbone({ weights: 'imagenet' });
    // @ts-expect-error trainable and trainableFrom exclude each other
    mobileNetV2Backbone({ weights: null, trainable: false, trainableFrom: 'block_13' });
    // @ts-expect-error a backbone has to be awaited
    multiTask({ input: [32, 32, 3] }).trunk(resnet50Backbone({ weights: null }));
  };
  expectTypeOf(never).toBeFunction();
});
