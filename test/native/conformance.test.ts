import { describe } from 'vitest';
import { conformance } from '../engines/conformance.js';
import { reason } from './native.js';

describe.skipIf(reason)(`on native${reason ? ` (not run: ${reason})` : ''}`, () => conformance('native'));
