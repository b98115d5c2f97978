import { afterAll, describe, expect, test } from 'vitest';
import {
  batchNorm,
  binary,
  branch,
  type Callback,
  conv,
  dense,
  dropout,
  flatten,
  grayscaleImage,
  imagesInMemory,
  isMultitaskError,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  sgd,
  sharedTrunk,
} from '../../src/index.js';

const compose = () =>
  multiTask({ input: [8, 8, 3] })
    .trunk(sharedTrunk([conv(4, 3, { l2: 0.1 }), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.2)]))
    .task('gender', binary(['male', 'female']), branch([flatten()]))
    .build();
type Model = ReturnType<typeof compose>;

const data = imagesInMemory(
  Array.from({ length: 4 }, (_, i) => ({
    image: { data: new Uint8Array(192).fill(60 * i), height: 8, width: 8, channels: 3 },
    labels: { age: i, gender: i < 2 ? ('male' as const) : ('female' as const) },
  })),
);
const options = { epochs: 2, batchSize: 2, engine: 'cpu', optimizer: sgd({ learningRate: 0.1 }) } as const;

/** Weights by name, as text that can be compared. */
const readWeights = ({ layersModel }: Model) =>
  Object.fromEntries(
    layersModel.layers.flatMap(({ weights }) =>
      weights.map((weight) => [weight.originalName, weight.read().dataSync().join()]),
    ),
  );
const findChanged = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(before).filter((name) => before[name] !== after[name]);

function errorOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    if (isMultitaskError(error)) return error;
    throw error;
  }
  return expect.fail('expected an error');
}

const model = compose();
afterAll(() => model.dispose());

describe('model.summary', () => {
  test('returns the table of Keras with totals', () => {
    expect(model.summary()).toBe(
      [
        '┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━┓',
        '┃ Layer (type)                 ┃ Output Shape    ┃ Param # ┃ Connected to ┃',
        '┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━┩',
      ].join('\n'),
    );
  });
});
