/** A study whose trials are equal: each trains Model A on the same noise, on one thread of wasm. */
import { createRng, imagesInMemory } from 'tfjs-multitask';
import { float, minimize, random, space, study } from 'tfjs-multitask/tuner';
import { modelA } from '../../examples/study/model-a-network.js';

const noise = createRng(1, 'bench');
const SIDE = 56;

export default ({ images }: { readonly images: number }) =>
  study({
    space: space({ unused: float({ min: 0, max: 1 }) }),
    objectives: minimize('loss'),
    strategy: random(),
    run: async ({ fitOptions }) => {
      const data = imagesInMemory(
        Array.from({ length: images }, (_, i) => ({
          image: {
            data: Uint8Array.from({ length: SIDE * SIDE * 3 }, () => noise.nextInt(256)),
            height: SIDE,
            width: SIDE,
            channels: 3,
          },
          labels: { age: noise.nextInt(80), gender: i % 2 ? ('female' as const) : ('male' as const) },
        })),
      );
      await modelA(SIDE).fit(data, { epochs: 2, batchSize: 16, engine: 'wasm', ...fitOptions, threads: 1 });
    },
  });
