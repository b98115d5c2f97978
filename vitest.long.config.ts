import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** Tests that take minutes or hours. `npm run test:long` runs them, and CI runs them with `LONG_TEST=sample`. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ['test/long/**/*.test.ts'], typecheck: { enabled: false } } },
);
