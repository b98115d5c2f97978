import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** What takes minutes: run by `npm run test:slow`, and by CI. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ['test/slow/**/*.test.ts'], typecheck: { enabled: false } } },
);
