import { defineConfig } from 'tsup';

/** Entries with public types. */
const entry = {
  index: 'src/entries/node.ts',
  node: 'src/node/index.ts',
  browser: 'src/browser/index.ts',
  datasets: 'src/datasets/index.ts',
  report: 'src/report/index.ts',
  tuner: 'src/tuner/index.ts',
};

export default defineConfig({
  entry: {
    ...entry,
    // Their types are those of `index`.
    'index.browser': 'src/entries/browser.ts',
    'index.default': 'src/entries/default.ts',
    cli: 'src/node/cli.ts', // the `bin`
    trial: 'src/node/tuning/trial/trialProcess.ts', // the process of a trial
  },
  format: ['esm', 'cjs'],
  // Members marked `@internal` are not part of the public types.
  dts: { entry, compilerOptions: { stripInternal: true } },
  splitting: true, // one copy of every class, whatever sub-path it is imported from
  shims: true,
  clean: true,
  sourcemap: true,
  target: 'node20',
});
