/** Study whose trials are all equal: each trial trains Model A on random images with one thread of wasm. */
import * as library from 'tfjs-multitask';
import { float, minimize, random, space, study } from 'tfjs-multitask/tuner';
import { createModelA } from '../modelA.js';

const noise = library.createRng(1, 'bench');
const SIZE = 56;

export default ({ images }: { readonly images: number }) =>
  study({
    space: space({ unused: float({ min: 0, max: 1 }) }),
    objectives: minimize('loss'),
    strategy: random(),
    run: async ({ fitOptions }) => {
      const dataset = library.imagesInMemory(
        Array.from({ length: images }, (_, i) => ({
          image: {
            data: Uint8Array.from({ length: SIZE * SIZE * 3 }, () => noise.nextInt(256)),
            height: SIZE,
            width: SIZE,
            channels: 3,
          },
          labels: { age: noise.nextInt(80), gender: i % 2 ? ('female' as const) : ('male' as const) },
        })),
      );
      await createModelA(library, SIZE).fit(dataset, {
        epochs: 2,
        batchSize: 16,
        engine: 'wasm',
        ...fitOptions,
        threads: 1,
      });
    },
  });
