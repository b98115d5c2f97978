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
    exclude: ['test/slow/**'],
    setupFiles: ['test/setup.ts'],
    // A file is a process of its own: tfjs keeps its backend and its kernels in globals.
    pool: 'forks',
    maxWorkers: 2,
    // They are for what hangs. On an idle machine of two cores no test takes a sixth of its limit, on one with ten things to do
    // at a time none took a third: a limit of its own has only what takes longer.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
