import { describe, expect, test } from 'vitest';
import {
  branch,
  csvLogger,
  customLoss,
  flatten,
  jsonLinesLogger,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  type Store,
  tensorBoard,
} from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { catchError } from './catchError.js';
import { good, settings, small } from './small.js';

const train = (options: object) => small().fit(good(), { ...settings, epochs: 1, ...options });
const storeWith = (methods: object) => ({ ...memoryStore('mine'), ...methods }) as Store;

describe('a store of the user with a mistake', () => {
  test.each([
    ['without list', { list: undefined }, /a store without list\(\)/],
    ['without list and remove', { list: 1, remove: null }, /a store without remove\(\) and list\(\)/],
    ['whose list returns undefined', { list: async () => undefined }, /^undefined$/],
    ['whose list returns a Set', { list: async () => new Set(['a']) }, /^a Set$/],
    ['whose list returns numbers', { list: () => [1] }, /^an array of other values$/],
    ['whose lock returns true', { lock: async () => true }, /^the boolean true$/],
    ['whose write throws a string', { write: () => Promise.reject('disk') }, /^the thrown value "disk"$/],
    ['whose list throws undefined', { list: () => Promise.reject() }, /^the thrown value undefined$/],
    [
      'whose lock throws an object',
      {
        lock: () => {
          throw { code: 5 };
        },
      },
      /^the thrown value an object$/,
    ],
  ])('%s is described by the errors of fit, save and callbacks', async (name, methods, received) => {
    const store = storeWith(methods);
    const actions = [() => train({ checkpoint: store }), () => train({ callbacks: [csvLogger(store)] })];
    if (!name.includes('lock')) actions.push(() => small().save(store) as never);
    for (const action of actions) expect((await catchError(action)).received).toMatch(received);
  });

  test('whose read throws null is described by the error of loadModel', async () => {
    const error = await catchError(() => loadModel(storeWith({ read: () => Promise.reject(null) })));
    expect(error).toMatchObject({ path: 'mine/model.json', received: 'the thrown value null' });
  });

  test('without append is rejected by callbacks that append, and accepted by others', async () => {
    const store = storeWith({ append: undefined });
    for (const create of [() => jsonLinesLogger(store), () => tensorBoard(store)])
      expect((await catchError(create)).received).toBe('a store without append()');
    expect((await train({ callbacks: [csvLogger(store)] })).stopped).toBe('finished');
  });

  test('keeps its own errors', async () => {
    const own = new RangeError('mine');
    await expect(train({ checkpoint: storeWith({ write: () => Promise.reject(own) }) })).rejects.toBe(own);
  });
});

describe('a callback of the user with a mistake', () => {
  const circular: unknown[] = [];
  circular.push({ circular });
  const withState = (state: unknown) => ({
    checkpoint: memoryStore(),
    callbacks: [{ name: 'mine', create: () => ({ getState: () => state }) }],
  });

  test.each([
    ['a BigInt', { values: { a: [5n] } }, 'mine.getState().values.a[0]', /bigint 5n/],
    ['a circular value', { values: circular }, 'mine.getState().values[0].circular', /contains itself/],
    ['a date', { values: new Date() }, 'mine.getState().values', /a Date/],
    ['a function', { values: { f() {} } }, 'mine.getState().values.f', /a function/],
    ['no values', {}, 'mine.getState().values', /undefined/],
    ['a promise', Promise.resolve({ values: 1 }), 'mine.getState()', /a promise/],
  ])('whose state is %s is rejected, and the error contains the path', async (_, state, path, received) => {
    const error = await catchError(() => train(withState(state)));
    expect(error.path).toBe(path);
    expect(error.received).toMatch(received);
  });

  test('that occurs twice in its state, but not in a circle, is accepted', async () => {
    const shared = { a: Number.NaN, b: undefined };
    expect((await train(withState({ values: [shared, shared] }))).stopped).toBe('finished');
  });

  test.each(['onTrainBegin', 'onEpochBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'])(
    'whose hook %s throws a string or undefined is named by the error',
    async (hook) => {
      for (const thrown of ['oops', undefined]) {
        const error = await catchError(() =>
          train({ callbacks: [{ name: 'mine', [hook]: () => Promise.reject(thrown) }] }),
        );
        expect(error.path).toBe(`mine.${hook}`);
        expect(error.cause).toBe(thrown);
        expect(error.received).toBe(`the thrown value ${thrown === undefined ? 'undefined' : '"oops"'}`);
      }
    },
  );

  test('whose name is a symbol, or that is missing in the array, is rejected', async () => {
    const symbol = { name: Symbol('x'), onEpochEnd() {} };
    expect((await catchError(() => train({ callbacks: [symbol] }))).received).toBe('the symbol Symbol(x)');
    // biome-ignore lint/suspicious/noSparseArray: the test is about such arrays.
    const sparse = [, { name: 'a', onEpochEnd() {} }];
    expect((await catchError(() => train({ callbacks: sparse }))).advice).toContain('comma');
  });
});

test.each([
  ['a number', () => 5, /the number 5/],
  ['a promise', async () => 5, /a promise/],
  ['one number for the batch', (prediction: tf.Tensor) => tf.mean(prediction), /a tensor of shape \[\]/],
])('fit rejects a customLoss that returns %s', async (_, perExample, received) => {
  const model = multiTask({ input: [8, 8, 3] })
    .task(
      'age',
      regression({ unit: 'years', loss: customLoss('mine', perExample as never) }),
      branch([flatten()]),
    )
    .build();
  const error = await catchError(() => model.fit(good(), { epochs: 1, engine: 'wasm' }));
  expect(error.received).toMatch(received);
  expect(error.path).toBe('loss mine of age');
});

test.each(['wasm', 'onnx'] as const)(
  'layersModel.dispose() during fit on %s is reported as a disposed model, and model.dispose() has no error afterwards',
  async (engine) => {
    const model = small();
    const stop = { name: 'stop', onBatchEnd: () => void model.layersModel.dispose() };
    const disposed = { kind: 'argument', received: 'a disposed model' };
    const error = await catchError(() => model.fit(good(), { ...settings, engine, callbacks: [stop] }));
    expect(error).toMatchObject(disposed);
    for (const action of [
      () => model.predict([]),
      () => model.fit(good(), settings),
      () => model.save(memoryStore()),
    ])
      expect(await catchError(action)).toMatchObject(disposed);
    model.dispose();
    model.dispose();
  },
);

describe('after an abort, fit ends within seconds', () => {
  const never = () => new Promise<never>(() => {});
  /** Calls `fit`, and aborts it when `begun` is called. */
  const abortWhen = async (create: (begun: () => Promise<never>) => object) => {
    const controller = new AbortController();
    const begun = () => {
      setTimeout(() => controller.abort(), 10);
      return never();
    };
    return catchError(() => train({ signal: controller.signal, ...create(begun) }));
  };

  test.concurrent.each(['write', 'list', 'lock', 'read', 'remove'])(
    'although %s of a store never answers',
    async (method) => {
      const error = await abortWhen((begun) => ({
        checkpoint: storeWith({ [method]: begun }),
        resume: method === 'read' ? 'auto' : false,
        callbacks: method === 'remove' ? [csvLogger(storeWith({ remove: begun }))] : [],
      }));
      expect(error).toMatchObject({ kind: 'aborted', path: 'fit' });
      expect(error.received).toContain(`no answer from ${method}(`);
    },
  );

  test.concurrent.each(['onTrainBegin', 'onBatchEnd', 'onEpochEnd'])(
    'although the hook %s never answers, and the files stay locked until the hook has ended',
    async (hook) => {
      const store = memoryStore('busy');
      let end = () => {};
      const error = await abortWhen((begun) => ({
        checkpoint: store,
        callbacks: [
          {
            name: 'mine',
            [hook]: () => {
              void begun();
              return new Promise<void>((resolve) => {
                end = resolve;
              });
            },
          },
        ],
      }));
      expect(error.received).toBe(`no answer from ${hook}() of the callback mine within 4 seconds`);
      const locked = await catchError(() => train({ checkpoint: store, overwrite: true }));
      expect(locked.received).toContain('has locked');
      end();
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect((await train({ checkpoint: store, overwrite: true })).stopped).toBe('finished');
    },
  );

  test('and a hook that answers later than the abort does not end the run with an error', async () => {
    const controller = new AbortController();
    const slow = {
      name: 'slow',
      onBatchEnd: async () => {
        controller.abort();
        await new Promise((resolve) => setTimeout(resolve, 50));
      },
    };
    expect((await train({ signal: controller.signal, callbacks: [slow] })).stopped).toBe('aborted');
  });
});
