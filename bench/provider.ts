/**
 * Model A's prediction by ONNX Runtime itself, from the file that `exportOnnx` writes, with one of the runtime's providers:
 * `provider.ts PROVIDER SIZE BATCH`. It shows what a GPU gives, which this library's engine does not ask for, and does not
 * train. See contestant.ts for what it speaks.
 */
import { exportOnnx, useEngine } from 'tfjs-multitask';
import { modelA } from '../examples/study/model-a-network.js';
import { loadPackage } from '../src/node/platform/loadPackage.js';
import { request, say } from './turns.js';
import { versionsOf } from './versions.js';

type Runtime = typeof import('onnxruntime-node');
const PACKAGE = 'onnxruntime-node';

const provider = process.argv[2]!;
const size = Number(process.argv[3]);

try {
  const { InferenceSession, Tensor } = await loadPackage<Runtime>(PACKAGE, `the provider ${provider}`);
  await useEngine('wasm'); // it exports
  const session = await InferenceSession.create(await exportOnnx(modelA(size)), {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
  for (;;) {
    const now = await request();
    if (now === undefined) break;
    if (now.what === 'about') {
      const device = provider === 'cpu' ? 'CPU' : 'GPU';
      const versions = { ...versionsOf([PACKAGE]), 'Node.js': process.versions.node };
      say({ about: { device, threads: 'one a core', does: ['predict'], versions } });
    } else {
      const numbers = Float32Array.from({ length: now.batch * size * size * 3 }, Math.random);
      const image = new Tensor('float32', numbers, [now.batch, size, size, 3]);
      const start = performance.now();
      await session.run({ image });
      say({ ms: performance.now() - start });
    }
  }
} catch (error) {
  await request();
  say({ error: (error as Error).message });
  process.exit(1);
}
