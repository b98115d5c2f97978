import { beforeAll, describe, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { expectForward } from '../parity/backbones.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('on native', () => {
  beforeAll(() => useEngine('native'));

  test.each(['resnet50', 'mobileNetV2', 'efficientNetB0'] as const)(
    '%s gives the same predictions as in Keras',
    (name) => expectForward(name),
  );
});
