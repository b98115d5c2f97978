import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tfjs-multitask$/, replacement: source('entries/node.ts') },
      { find: /^tfjs-multitask\/(node|browser|datasets|report|tuner)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    setupFiles: ['test/setup.ts'],
    // Each file runs in its own process, because TensorFlow.js keeps its backend and its kernels in globals.
    pool: 'forks',
    maxWorkers: 2,
    // The limits catch tests that hang. On an idle machine with two cores, no test takes a sixth of its limit. Slower tests set their own.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
