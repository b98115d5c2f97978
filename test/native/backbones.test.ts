import { beforeAll, describe, test } from 'vitest';
import { useEngine } from '../../src/index.js';
import { loadPackage } from '../../src/node/index.js';
import { expectForward } from '../parity/backbones.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('on native', () => {
  beforeAll(() => useEngine('native', { load: loadPackage }));

  test.each(['resnet50', 'mobileNetV2', 'efficientNetB0'] as const)(
    '%s predicts the same as in Keras',
    (name) => expectForward(name),
  );
});
