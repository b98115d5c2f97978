/** One engine of this library, timed on request: `engine.ts NAME SIZE BATCH [IMAGES]`, where the name
 * may say on how many threads (`wasm:2`). See contestant.ts for what it speaks. */
import { randomFillSync } from 'node:crypto';
import {
  adam,
  type Callback,
  createRng,
  type EngineName,
  imagesInMemory,
  isMultitaskError,
  useEngine,
  weightedLoss,
} from 'tfjs-multitask';
import { modelA } from '../examples/study/model-a-network.js';
import { loadPackage } from '../src/node/platform/loadPackage.js';
import type { About } from './contestant.js';
import { request, say } from './turns.js';
import { versionsOf } from './versions.js';

const [size, batch] = [Number(process.argv[3]), Number(process.argv[4])];
const [engine, asked] = process.argv[2]!.split(':') as [EngineName, string?];
const threads = asked === undefined ? {} : { threads: Number(asked) };
/** What the engine says of itself. */
let running: string | undefined;
const count = Number(process.argv[5] ?? batch);

/** Chrome's WebGPU for Node, and TensorFlow.js's backend on it. */
async function loadWebGpu(): Promise<void> {
  const { create, globals } = await loadPackage<{ create(flags: string[]): unknown; globals: object }>(
    'webgpu',
    'the webgpu engine in Node',
  );
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  await loadPackage('@tensorflow/tfjs-backend-webgpu', 'the webgpu engine');
}

const PACKAGES: { readonly [engine: string]: readonly string[] } = {
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  onnx: ['onnxruntime-node', '@tensorflow/tfjs-backend-wasm'],
  native: ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'],
  webgpu: ['@tensorflow/tfjs-backend-webgpu', 'webgpu'],
};
const THREADS: { readonly [engine: string]: string } = {
  cpu: '1',
  onnx: asked ?? String(loadPackage.threads),
};

async function about(): Promise<About> {
  const tf = await import('@tensorflow/tfjs'); // it is there by now, and silenced: imported first it prints its advice
  const backend = tf.backend() as { isUsingGpuDevice?: boolean; binding?: { TF_Version?: string } };
  const tensorflow = backend.binding?.TF_Version;
  return {
    device: backend.isUsingGpuDevice || engine.startsWith('webg') ? 'GPU' : 'CPU',
    threads: running ?? THREADS[engine] ?? 'its own choice',
    does: ['train', 'predict'],
    versions: {
      ...versionsOf(['@tensorflow/tfjs', ...(PACKAGES[engine] ?? [])]),
      ...(tensorflow ? { TensorFlow: tensorflow } : {}),
      'Node.js': process.versions.node,
    },
  };
}

try {
  if (engine === 'webgpu') await loadWebGpu();
  const { reason } = await useEngine(engine, { ...threads });
  running = /on (\d+) thread/.exec(reason)?.[1];
  const random = createRng(1, 'bench');
  const images = Array.from({ length: count }, () => ({
    image: {
      data: randomFillSync(new Uint8Array(size * size * 3)),
      height: size,
      width: size,
      channels: 3,
    },
    labels: { age: random.nextInt(80), gender: random.nextInt(2) ? ('female' as const) : ('male' as const) },
  }));
  const pixels = images.slice(0, batch).map(({ image }) => image);
  // Answers come from a model that keeps its weights, as a trained one does: an engine may have prepared itself for them.
  const answering = modelA(size);

  // One epoch is one step, or in a dataset of more than a batch many. A run that waits for requests between its epochs is
  // timed without its beginning.
  const turns: Callback = {
    name: 'turns',
    create: () => {
      let began = 0;
      return {
        onEpochBegin: async () => {
          for (;;) {
            const now = await request();
            if (now === undefined) process.exit(0);
            if (now.what === 'train') break;
            if (now.what === 'about') say({ about: await about() });
            else {
              const images = pixels.slice(0, now.batch);
              const start = performance.now();
              await answering.predict(images, { batchSize: now.batch });
              say({ ms: performance.now() - start });
            }
          }
          began = performance.now();
        },
        onBatchEnd: () => {
          say({ ms: performance.now() - began });
          began = performance.now();
        },
      };
    },
  };
  await modelA(size).fit(imagesInMemory(images), {
    epochs: 100_000, // until nobody asks
    batchSize: batch,
    engine,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 1e-3 }),
    callbacks: [turns],
    ...threads,
  });
} catch (error) {
  await request();
  say({ error: isMultitaskError(error) ? error.message : String((error as Error).stack) });
  process.exit(1);
}
