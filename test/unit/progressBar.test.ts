import { expect, test } from 'vitest';
import { type EngineChoice, progressBar } from '../../src/entries/node.js';

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
