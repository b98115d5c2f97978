/** One engine of this library, timed on request: `engine.ts NAME SIZE BATCH`, where the name may say how many threads
 * (`wasm:2`). See contestant.ts for what it speaks. */
import { createInterface } from 'node:readline';
import {
  adam,
  type Callback,
  type EngineChoice,
  imagesInMemory,
  isMultitaskError,
  rng,
  useEngine,
  weightedLoss,
} from 'tfjs-multitask';
import { loadPackage } from 'tfjs-multitask/node';
import { modelA } from '../examples/study/model-a-network.js';
import type { What } from './contestant.js';

const [name, size, batch] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const requests = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (answer: { readonly ms: number } | { readonly error: string }) =>
  void process.stdout.write(`${JSON.stringify(answer)}\n`);

/** What is asked for next; undefined when nobody will ask again. */
async function request(): Promise<What | undefined> {
  const { value, done } = await requests.next();
  return done ? undefined : (JSON.parse(value) as { what: What }).what;
}

try {
  const [engine, count] = name.split(':') as [EngineChoice['name'], string?];
  const threads = count === undefined ? {} : { threads: Number(count) };
  await useEngine(engine, { load: loadPackage, ...threads });
  const random = rng(1, 'bench');
  const images = Array.from({ length: batch }, () => ({
    image: {
      data: Uint8Array.from({ length: size * size * 3 }, () => random.below(256)),
      height: size,
      width: size,
      channels: 3,
    },
    labels: { age: random.below(80), gender: random.below(2) ? ('female' as const) : ('male' as const) },
  }));
  const model = modelA(size);
  const pixels = images.map(({ image }) => image);

  // One epoch is one step. A run that waits for requests between its epochs is timed without its beginning.
  const turns: Callback = {
    name: 'turns',
    begin: () => {
      let began = 0;
      return {
        epochBegin: async () => {
          for (;;) {
            const what = await request();
            if (what !== 'predict') {
              if (what === undefined) process.exit(0);
              break;
            }
            const start = performance.now();
            await model.predict(pixels, { batchSize: batch });
            say({ ms: performance.now() - start });
          }
          began = performance.now();
        },
        step: () => say({ ms: performance.now() - began }),
      };
    },
  };
  await model.fit(imagesInMemory(images), {
    epochs: 100_000, // until nobody asks
    batchSize: batch,
    engine,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 1e-3 }),
    callbacks: [turns],
    load: loadPackage,
    ...threads,
  });
} catch (error) {
  await request();
  say({ error: isMultitaskError(error) ? error.message : String((error as Error).stack) });
  process.exit(1);
}
