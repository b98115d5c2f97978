import { describe, expect, test } from 'vitest';
import {
  bestCheckpoint,
  branch,
  type Callback,
  type EngineChoice,
  earlyStopping,
  flatten,
  imagesInMemory,
  memoryStore,
  multiTask,
  progressBar,
  regression,
} from '../../src/entries/node.js';

/** Returns the text that progressBar writes at the start of a run on this engine. */
function startRun(engine: EngineChoice): string {
  let text = '';
  const bar = progressBar({
    write: (part) => {
      text += part;
    },
  });
  bar.create({ engine } as never, undefined);
  return text;
}

test('progressBar writes the engine and the reason for its selection at the start of a run', () => {
  const text = startRun({ name: 'onnx', reason: 'ONNX Runtime is installed' });
  expect(text).toBe('engine onnx: ONNX Runtime is installed\n');
});

test('progressBar adds the install command if wasm was selected because ONNX Runtime is not installed', () => {
  const install = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node';
  const text = startRun({
    name: 'wasm',
    reason: 'ONNX Runtime is not there',
    fasterEngine: { name: 'onnx', install },
  });
  expect(text).toBe(`engine wasm: ONNX Runtime is not there\nfor more speed: ${install}\n`);
});

test('progressBar does not recommend installing the native engine', () => {
  const fasterEngine = { name: 'native', install: 'npx tfjs-multitask build-native' } as const;
  const text = startRun({ name: 'wasm', reason: 'a native package does not load', fasterEngine });
  expect(text).toBe('engine wasm: a native package does not load\n');
});

describe('progressBar names the best epoch by', () => {
  const image = (value: number) => ({
    data: new Uint8Array(12).fill(value),
    height: 2,
    width: 2,
    channels: 3,
  });
  const data = imagesInMemory(
    [0, 60, 120, 180].map((value) => ({ image: image(value), labels: { light: value / 60 } })),
  );

  /** Trains three epochs, and returns the column and the epoch that progressBar names last. */
  async function train(callbacks: readonly Callback<any>[], validation = true) {
    let text = '';
    const output = {
      write: (part: string) => {
        text += part;
      },
    };
    const model = multiTask({ input: [2, 2, 3], seed: 1 })
      .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
      .build();
    const { rows } = await model.fit(data, {
      ...(validation && { validation: data }),
      epochs: 3,
      engine: 'cpu',
      callbacks: [...callbacks, progressBar(output)],
    });
    model.dispose();
    const [, epoch, column] = /.*best so far: epoch (\d+), (\w+)/s.exec(text)!;
    return { rows, epoch: Number(epoch), column: column! };
  }

  test.each([
    [
      'the column of bestCheckpoint',
      'val_light_mae',
      [bestCheckpoint(memoryStore(), { monitor: 'val_light_mae' })],
    ],
    [
      'the column of bestCheckpoint rather than that of earlyStopping',
      'light_loss',
      [
        earlyStopping({ monitor: 'val_loss', patience: 9 }),
        bestCheckpoint(memoryStore(), { monitor: 'light_loss' }),
      ],
    ],
    ['the column of earlyStopping', 'light_mae', [earlyStopping({ monitor: 'light_mae', patience: 9 })]],
    ['val_loss if no callback monitors a column', 'val_loss', []],
    ['loss without validation', 'loss', [], false],
  ] as [string, string, Callback<any>[], boolean?][])('%s', async (_, expected, callbacks, validation) => {
    const { rows, column, epoch } = await train(callbacks, validation);
    expect(column).toBe(expected);
    const values = rows.map((row) => row[column as 'loss']);
    expect(epoch).toBe(1 + values.indexOf(Math.min(...values)));
  });

  test('the largest value of a column that a callback monitors with the mode max', async () => {
    const options = { monitor: 'val_light_loss', mode: 'max' } as const;
    const { rows, column, epoch } = await train([bestCheckpoint(memoryStore(), options)]);
    expect(column).toBe('val_light_loss');
    const values = rows.map((row) => row.val_light_loss!);
    expect(epoch).toBe(1 + values.indexOf(Math.max(...values)));
  });
});
