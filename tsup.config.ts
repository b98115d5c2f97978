import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    node: 'src/node/index.ts',
    browser: 'src/browser/index.ts',
    datasets: 'src/datasets/index.ts',
    report: 'src/report/index.ts',
    tuner: 'src/tuner/index.ts',
    cli: 'src/node/cli.ts', // the `bin`
    trial: 'src/node/tuning/trial/trialProcess.ts', // the process of a trial
  },
  format: ['esm', 'cjs'],
  dts: true,
  splitting: true, // one copy of every class, whatever sub-path it is imported from
  shims: true,
  clean: true,
  sourcemap: true,
  target: 'node20',
});
