import { describe } from 'vitest';
import { conformance } from '../engines/conformance.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason)(`native engine${skipReason ? ` (not run: ${skipReason})` : ''}`, () =>
  conformance('native'),
);
