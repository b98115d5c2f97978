/**
 * Process that measures predictions of a network in ONNX Runtime with an execution provider: `onnxProvider.ts onnx-PROVIDER SETUP`. The model
 * is exported with `exportOnnx`. It shows the speed on a GPU, because the `onnx` engine of this library uses the CPU. Training is not
 * supported. See protocol.ts.
 */
import * as library from 'tfjs-multitask';
import { loadPackage } from '../src/node/platform/loadPackage.js';
import type { EngineSetup } from './engineProcess.js';
import { countParameters, createNetwork } from './networks.js';
import { readVersions } from './packageVersions.js';
import { readRequest, writeAnswer } from './protocol.js';

type Runtime = typeof import('onnxruntime-node');
const PACKAGE = 'onnxruntime-node';

const provider = process.argv[2]!.slice('onnx-'.length);
const setup = JSON.parse(process.argv[3]!) as EngineSetup;
const { size } = setup;

try {
  const { InferenceSession, Tensor } = await loadPackage<Runtime>(PACKAGE, `the provider ${provider}`);
  await library.useEngine('wasm'); // Export needs an engine.
  const model = await createNetwork(library, setup, size);
  const parameters = countParameters(model);
  const session = await InferenceSession.create(await library.exportOnnx(model), {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
  for (;;) {
    const request = await readRequest();
    if (request === undefined) break;
    if (request.what === 'info') {
      const device = provider === 'cpu' ? 'CPU' : 'GPU';
      const versions = { ...readVersions([PACKAGE]), 'Node.js': process.versions.node };
      writeAnswer({ info: { device, threads: 'one a core', operations: ['predict'], versions, parameters } });
    } else {
      const pixels = Float32Array.from({ length: request.batch * size * size * 3 }, Math.random);
      const image = new Tensor('float32', pixels, [request.batch, size, size, 3]);
      const start = performance.now();
      await session.run({ image });
      writeAnswer({ ms: performance.now() - start });
    }
  }
} catch (error) {
  await readRequest();
  writeAnswer({ error: (error as Error).message });
  process.exit(1);
}
