/** Study without training. The settings control the behavior of each trial. */
import { existsSync } from 'node:fs';
import type { Store } from '../../../src/entries/node.js';
import { choice, float, hyperband, minimize, random, space, study, tpe } from '../../../src/tuner/index.js';

interface Settings {
  readonly strategy?: 'tpe' | 'random' | 'hyperband';
  readonly epochs?: number;
  /** Duration of an epoch in milliseconds. */
  readonly pause?: number;
  /** Files that trials wait for in their second epoch, keyed by trial number. A trial that is stopped does not wait. */
  readonly gates?: { readonly [trial: string]: string };
  /** Simulated faults of trials, keyed by trial number. The key '0' applies to all trials. */
  readonly faults?: {
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

/** Store operations that fail. */
const BAD_NAMES = {
  outside: (store: Store) => store.read('../../../../../../../etc/hostname'),
  sibling: (store: Store) => store.write('../0003/end.json', new Uint8Array(1)),
  record: (store: Store) => store.create!('end.json', new Uint8Array(1)),
  folder: async (store: Store) => {
    await store.write('best/weights.bin', new Uint8Array(1));
    await store.read('best');
  },
};

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const STRATEGIES = {
  tpe: tpe({ startupTrials: 3 }),
  random: random(),
  hyperband: hyperband({ maxEpochs: 9 }),
};

export default ({
  strategy = 'tpe',
  epochs = 3,
  pause = 0,
  gates = {},
  faults = {},
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
      const fault = faults[number] ?? faults['0'];
      if (fault === 'throw') throw new Error('the builder has a fault');
      if (fault === 'silent') return;
      if (fault && fault in BAD_NAMES) await BAD_NAMES[fault as keyof typeof BAD_NAMES](store);
      if (fault === 'other column') await report({ los: 1 });
      const lastEpoch = fault === 'more epochs' ? 50 : (fitOptions.epochs ?? epochs);
      for (let epoch = 1; epoch <= lastEpoch && !signal.aborted; epoch++) {
        await sleep(pause);
        const gate = epoch === 2 ? gates[number] : undefined;
        while (gate !== undefined && !existsSync(gate) && !signal.aborted) await sleep(50);
        if (epoch === 2 && fault === 'exit') process.exit(3);
        if (epoch === 2 && fault === 'hang') await sleep(1e6);
        if (epoch === 2 && fault === 'memory') {
          const arrays: number[][] = [];
          for (;;) arrays.push(Array.from({ length: 1e6 }, (_, i) => i));
        }
        const loss = x ** 2 + (Math.log10(rate) + 2) ** 2 + { a: 0, b: 1, c: 2 }[kind] + 1 / epoch;
        await report({ epoch, loss: fault === 'nan' ? Number.NaN : loss });
      }
    },
  });
