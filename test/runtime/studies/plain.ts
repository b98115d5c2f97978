/** A study that trains nothing: what a trial does is said by its settings. */
import { existsSync } from 'node:fs';
import type { Store } from '../../../src/entries/node.js';
import { choice, float, hyperband, minimize, random, space, study, tpe } from '../../../src/tuner/index.js';

interface Settings {
  readonly strategy?: 'tpe' | 'random' | 'hyperband';
  readonly epochs?: number;
  /** Milliseconds of an epoch. */
  readonly pause?: number;
  /** By the number of a trial, a file that its second epoch waits for, unless it is told to stop. */
  readonly held?: { readonly [trial: string]: string };
  /** What goes wrong, by the number of the trial; '0' for all. */
  readonly wrong?: {
    readonly [trial: string]:
      | keyof typeof BAD_NAMES
      | 'throw'
      | 'exit'
      | 'hang'
      | 'nan'
      | 'silent'
      | 'memory'
      | 'other column'
      | 'more epochs';
  };
  readonly seed?: number;
  readonly first?: readonly { x: number; rate: number; kind: 'a' | 'b' | 'c' }[];
}

/** What a trial must not do with its store. */
const BAD_NAMES = {
  outside: (store: Store) => store.read('../../../../../../../etc/hostname'),
  sibling: (store: Store) => store.write('../0003/end.json', new Uint8Array(1)),
  record: (store: Store) => store.create!('end.json', new Uint8Array(1)),
  folder: async (store: Store) => {
    await store.write('best/weights.bin', new Uint8Array(1));
    await store.read('best');
  },
};

const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const STRATEGIES = {
  tpe: tpe({ startupTrials: 3 }),
  random: random(),
  hyperband: hyperband({ maxEpochs: 9 }),
};

export default ({
  strategy = 'tpe',
  epochs = 3,
  pause = 0,
  held = {},
  wrong = {},
  seed = 5,
  first: initialParams = [],
}: Settings) =>
  study({
    space: space({
      x: float({ min: -5, max: 5 }),
      rate: float({ min: 1e-4, max: 1, scale: 'log' }),
      kind: choice(['a', 'b', 'c']),
    }),
    objectives: minimize('loss'),
    strategy: STRATEGIES[strategy],
    seed,
    initialParams,
    run: async ({ number, params: { x, rate, kind }, report, fitOptions, signal, store }) => {
      const what = wrong[number] ?? wrong['0'];
      if (what === 'throw') throw new Error('the builder has a fault');
      if (what === 'silent') return;
      if (what && what in BAD_NAMES) await BAD_NAMES[what as keyof typeof BAD_NAMES](store);
      if (what === 'other column') await report({ los: 1 });
      const last = what === 'more epochs' ? 50 : (fitOptions.epochs ?? epochs);
      for (let epoch = 1; epoch <= last && !signal.aborted; epoch++) {
        await after(pause);
        const gate = epoch === 2 ? held[number] : undefined;
        while (gate !== undefined && !existsSync(gate) && !signal.aborted) await after(50);
        if (epoch === 2 && what === 'exit') process.exit(3);
        if (epoch === 2 && what === 'hang') await after(1e6);
        if (epoch === 2 && what === 'memory') {
          const kept: number[][] = [];
          for (;;) kept.push(Array.from({ length: 1e6 }, (_, i) => i));
        }
        const loss = x ** 2 + (Math.log10(rate) + 2) ** 2 + { a: 0, b: 1, c: 2 }[kind] + 1 / epoch;
        await report({ epoch, loss: what === 'nan' ? Number.NaN : loss });
      }
    },
  });
