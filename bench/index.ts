/**
 * Model A on one engine beside another: milliseconds per image of a training step, and of a prediction.
 *
 *   npm run bench                                            (wasm, 64x64, batch 16)
 *   npm run --silent bench -- --json --size 64 --batch 16 --engines wasm,native --python PATH
 */
import { parseArgs } from 'node:util';
import { type Contestant, contestant, type What } from './contestant.js';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    size: { type: 'string', default: '64' },
    batch: { type: 'string', default: '16' },
    engines: { type: 'string', default: 'wasm' },
    python: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    help: { type: 'boolean', default: false },
  },
});

if (args.help) {
  console.log(`usage: npm run bench -- [--json] [--size N] [--batch N] [--engines a,b] [--python PATH] [--rounds N]
Engines: wasm, native, webgpu, webgl, cpu, and keras with --python, a Python that has Keras and TensorFlow.
wasm:1 is wasm on one thread, wasm:2 on two.
Each figure is the smallest of N rounds (at least 5, default 7) in which the engines take turns.`);
  process.exit(0);
}

/** One line of the table. */
interface Result {
  readonly engine: string;
  readonly what: What;
  readonly size: number;
  readonly batch: number;
  /** Milliseconds per image, the smallest of all rounds. */
  readonly ms: number;
}

const whole = (option: 'size' | 'batch' | 'rounds', least: number): number => {
  const value = Number(args[option]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(
    `--${option}: expected a whole number of at least ${least}, received ${JSON.stringify(args[option])}.`,
  );
};

const WARM_UPS = 2; // Keras traces its graph in the first, and settles in the second
const WHAT: readonly What[] = ['train', 'predict'];

/** Everyone's smallest time. In every round the engines take turns, and another one begins. */
async function race(contestants: readonly Contestant[], rounds: number): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const now = contestants[(round + WARM_UPS + turn) % contestants.length]!;
      for (const what of WHAT) {
        const ms = await now.time(what);
        const key = `${now.engine} ${what}`;
        if (round >= 0) best.set(key, Math.min(ms, best.get(key) ?? Number.POSITIVE_INFINITY));
      }
    }
  }
  return best;
}

const engines = [...new Set(args.engines.split(',').map((name) => name.trim()))].filter(Boolean);
if (args.python !== undefined && !engines.includes('keras')) engines.push('keras');

const contestants: Contestant[] = [];
try {
  const [size, batch, rounds] = [whole('size', 56), whole('batch', 1), whole('rounds', 5)];
  for (const engine of engines) contestants.push(contestant(engine, { size, batch, python: args.python }));
  const best = await race(contestants, rounds);
  const results = engines.flatMap((engine) =>
    WHAT.map((what): Result => {
      const ms = best.get(`${engine} ${what}`)! / batch;
      return { engine, what, size, batch, ms: Number(ms.toFixed(3)) };
    }),
  );
  if (args.json) console.log(JSON.stringify({ results }));
  else {
    console.log(`Model A, ${size}x${size}, batch ${batch}: ms per image, the smallest of ${rounds} rounds`);
    for (const { engine, what, ms } of results)
      console.log(`${engine.padEnd(8)}${what.padEnd(8)}${ms.toFixed(2).padStart(10)}`);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const each of contestants) each.close();
}
