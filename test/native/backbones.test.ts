import { beforeAll, describe, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { expectForward } from '../parity/backbones.js';
import { reason } from './native.js';

describe.skipIf(reason !== undefined)('on native', () => {
  beforeAll(() => useEngine('native'));

  test.each(['resnet50', 'mobileNetV2', 'efficientNetB0'] as const)('%s answers what Keras answers', (name) =>
    expectForward(name),
  );
});
