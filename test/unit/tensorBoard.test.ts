import { describe, expect, test } from 'vitest';
import {
  branch,
  type Callback,
  flatten,
  imagesInMemory,
  memoryStore,
  multiTask,
  regression,
  type Store,
  tensorBoard,
} from '../../src/entries/node.js';
import { computeCrc32c, computeMaskedCrc32c } from '../../src/formats/tfEvents.js';
import { readEvents, scalarsIn } from '../parity/eventFile.js';

const text = (value: string) => new TextEncoder().encode(value);

describe('the checksums in TensorBoard event files', () => {
  // Test vectors of RFC 3720, appendix B.4, and the check value of CRC catalogs for the digits 1 to 9.
  test.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 255', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['the bytes 0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['the bytes 31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['123456789', text('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(), 0],
  ] as const)('are CRC32C checksums and match a published test vector: %s', (_, bytes, sum) => {
    expect(computeCrc32c(bytes)).toBe(sum);
  });

  test('are masked by a rotation of 15 bits and an addition', () => {
    expect(computeMaskedCrc32c(new Uint8Array())).toBe(0xa282ead8);
    const [sum, rotated] = [0xe3069283, ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0];
    expect(computeMaskedCrc32c(text('123456789'))).toBe((rotated + 0xa282ead8) % 2 ** 32);
    expect(rotated).not.toBe(sum);
  });
});

const data = imagesInMemory(
  Array.from({ length: 8 }, (_, i) => ({
    image: { data: new Uint8Array(12).fill(20 * i), height: 2, width: 2, channels: 3 },
    labels: { light: i },
  })),
);

/** Trains four epochs of four steps. An error aborts the run at `dieAt`. For example, "2.3" is after step 3 of epoch 2, before the checkpoint of that epoch. */
async function train(
  store: Store,
  checkpoint: Store,
  dieAt?: string,
  first: readonly Callback[] = [],
  options: { readonly overwrite?: boolean } = {},
) {
  const model = multiTask({ input: [2, 2, 3] })
    .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
    .build();
  const die: Callback = {
    name: 'die',
    create: () => ({
      onBatchEnd: ({ epoch, batch }) => {
        if (`${epoch}.${batch}` === dieAt) throw new Error('killed');
      },
      onEpochEnd: ({ epoch }) => {
        if (`${epoch}.end` === dieAt) throw new Error('killed');
      },
    }),
  };
  const board = tensorBoard(store, { folder: 'logs/one', updateFreq: 2, now: () => 1.7e12 });
  try {
    await model.fit(data, {
      epochs: 4,
      batchSize: 2,
      engine: 'cpu',
      validation: data,
      evaluateUnaugmented: true,
      checkpoint,
      resume: 'auto',
      callbacks: [...first, board, die],
      ...options,
    });
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error;
  } finally {
    model.dispose();
  }
}

const timeless = async (store: Store) =>
  JSON.stringify(await scalarsIn(store), (_key, value) =>
    Array.isArray(value) ? value.filter(({ tag }) => tag !== 'epoch_seconds') : value,
  );

describe('tensorBoard', () => {
  test.each([[['1.1']], [['1.end']], [['2.3']], [['2.end', '3.2']], [['2.2', '2.4', '4.end']]])(
    'writes each event exactly once in a run that is killed at %j and resumed',
    async (deaths) => {
      const whole = memoryStore();
      await train(whole, memoryStore());
      const [store, checkpoint] = [memoryStore(), memoryStore()];
      for (const death of deaths) await train(store, checkpoint, death);
      await train(store, checkpoint);
      expect(await timeless(store)).toBe(await timeless(whole));
      expect(await store.list()).toEqual(await whole.list());
      const names = await store.list();
      expect(names).toEqual([
        'logs/one/train/events.out.tfevents.1700000000.tfjs-multitask.0.v2',
        'logs/one/validation/events.out.tfevents.1700000000.tfjs-multitask.0.v2',
      ]);
      for (const name of names) expect(readEvents((await store.read(name))!).versions).toHaveLength(1);
    },
  );

  test('logs the validation columns without augmentation in addition to those with augmentation', async () => {
    const store = memoryStore();
    await train(store, memoryStore());
    const tags = new Set((await scalarsIn(store)).validation!.map(({ tag }) => tag));
    expect([...tags].sort()).toEqual([
      ...['epoch_light_loss', 'epoch_light_mae', 'epoch_loss'],
      ...['epoch_unaugmented_light_loss', 'epoch_unaugmented_light_mae', 'epoch_unaugmented_loss'],
      ...['evaluation_light_loss_vs_iterations', 'evaluation_light_mae_vs_iterations'],
      'evaluation_loss_vs_iterations',
    ]);
  });
});

test('tensorBoard recreates a deleted event file, and replaces the events of an earlier run only with overwrite: true', async () => {
  const [store, checkpoint] = [memoryStore(), memoryStore()];
  await train(store, checkpoint, '3.1');
  const [lost] = await store.list('logs/one/train');
  await store.remove(lost!);
  await train(store, checkpoint);
  expect((await scalarsIn(store)).train!.filter(({ tag }) => tag === 'epoch_loss')).toHaveLength(2);
  await store.write('logs/one/train/events.out.tfevents.1700000000.keras', new Uint8Array([1]));
  await expect(train(store, memoryStore())).rejects.toMatchObject({
    kind: 'file',
    path: 'memory/logs/one/train/events.out.tfevents.1700000000.tfjs-multitask.0.v2',
  });
  await train(store, memoryStore(), undefined, [], { overwrite: true });
  const files = await store.list('logs/one/train');
  expect(files).toEqual([lost, 'logs/one/train/events.out.tfevents.1700000000.keras'].sort());
  await store.remove(files.find((name) => name.endsWith('.keras'))!);
  expect((await scalarsIn(store)).train!.filter(({ tag }) => tag === 'epoch_loss')).toHaveLength(4);
});

test.each([0, -1, 1.5, Number.NaN, 'step'])(
  'tensorBoard rejects an invalid value of updateFreq: %s',
  (updateFreq) => {
    expect(() => tensorBoard(memoryStore(), { updateFreq: updateFreq as number })).toThrow(
      'tensorBoard.updateFreq',
    );
  },
);
