/** A study that trains nothing: what a trial does is said by its settings. */
import { choice, float, hyperband, minimize, random, space, study, tpe } from '../../../src/tuner/index.js';

interface Settings {
  readonly strategy?: 'tpe' | 'random' | 'hyperband';
  readonly epochs?: number;
  /** Milliseconds of an epoch. */
  readonly pause?: number;
  /** What goes wrong, by the number of the trial; '0' for all. */
  readonly wrong?: {
    readonly [trial: string]: 'throw' | 'exit' | 'hang' | 'nan' | 'silent' | 'memory' | 'other column';
  };
  readonly seed?: number;
}

const STRATEGIES = {
  tpe: tpe({ startupTrials: 3 }),
  random: random(),
  hyperband: hyperband({ maxEpochs: 9 }),
};

export default ({ strategy = 'tpe', epochs = 3, pause = 0, wrong = {}, seed = 5 }: Settings) =>
  study({
    space: space({
      x: float({ min: -5, max: 5 }),
      rate: float({ min: 1e-4, max: 1, scale: 'log' }),
      kind: choice(['a', 'b', 'c']),
    }),
    objectives: minimize('loss'),
    strategy: STRATEGIES[strategy],
    seed,
    run: async ({ number, values: { x, rate, kind }, report, fit, signal }) => {
      const what = wrong[number] ?? wrong['0'];
      if (what === 'throw') throw new Error('the builder has a fault');
      if (what === 'silent') return;
      if (what === 'other column') await report({ los: 1 });
      for (let epoch = 1; epoch <= (fit.epochs ?? epochs) && !signal.aborted; epoch++) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (epoch === 2 && what === 'exit') process.exit(3);
        if (epoch === 2 && what === 'hang') await new Promise((resolve) => setTimeout(resolve, 1e6));
        if (epoch === 2 && what === 'memory') {
          const kept: number[][] = [];
          for (;;) kept.push(Array.from({ length: 1e6 }, (_, i) => i));
        }
        const loss = x ** 2 + (Math.log10(rate) + 2) ** 2 + { a: 0, b: 1, c: 2 }[kind] + 1 / epoch;
        await report({ epoch, loss: what === 'nan' ? Number.NaN : loss });
      }
    },
  });
