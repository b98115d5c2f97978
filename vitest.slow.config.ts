import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** Tests that take minutes. `npm run test:slow` and CI run them. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ['test/slow/**/*.test.ts'], typecheck: { enabled: false } } },
);
