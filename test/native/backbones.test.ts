import { beforeAll, describe, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { expectForward } from '../parity/backbones.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('the forward pass of a backbone on native', () => {
  beforeAll(() => useEngine('native'));

  test.each(['resnet50', 'mobileNetV2', 'efficientNetB0'] as const)(
    'gives the same predictions as Keras: %s',
    (name) => expectForward(name),
  );
});
