/**
 * Process that runs one engine of this library and measures it on request: `engine.ts NAME SETUP`. NAME may include a number of threads
 * (`wasm:2`). If the environment variable BENCH_CHECKOUT is set, the library of that checkout is measured. See protocol.ts.
 */

import { randomFillSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineName } from 'tfjs-multitask';
import { createTransforms } from './augmentation.js';
import type { EngineInfo, EngineSetup } from './engineProcess.js';
import { importLibrary } from './library.js';
import { countParameters, createNetwork, type ParameterCount } from './networks.js';
import { readVersions } from './packageVersions.js';
import { readRequest, writeAnswer } from './protocol.js';

const setup = JSON.parse(process.argv[3]!) as EngineSetup;
const { size, batch, unit } = setup;
const [engine, requestedThreads] = process.argv[2]!.split(':') as [EngineName, string?];
const threadOptions = requestedThreads === undefined ? {} : { threads: Number(requestedThreads) };
const checkout = process.env.BENCH_CHECKOUT ?? fileURLToPath(new URL('..', import.meta.url));
/** Number of threads that the engine reports. */
let reportedThreads: string | undefined;

/** Loads Chrome's WebGPU implementation for Node, and the TensorFlow.js backend that uses it. */
async function loadWebGpu(): Promise<void> {
  const [webgpu, backend] = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];
  const { create, globals } = await import(webgpu).catch((cause) => {
    throw new Error(`webgpu: ${(cause as Error).message}. Run: npm install ${webgpu} ${backend}`);
  });
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  await import(backend);
}

const PACKAGES: { readonly [engine: string]: readonly string[] } = {
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  onnx: ['onnxruntime-node', '@tensorflow/tfjs-backend-wasm'],
  native: ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'],
  webgpu: ['@tensorflow/tfjs-backend-webgpu', 'webgpu'],
};
const THREADS: { readonly [engine: string]: string } = {
  cpu: '1',
  onnx: requestedThreads ?? String(availableParallelism()),
};

async function readInfo(parameters: ParameterCount): Promise<EngineInfo> {
  // The library has already imported TensorFlow.js and silenced its advice. If TensorFlow.js were imported before the library, it would print it.
  const tf = await import('@tensorflow/tfjs');
  const backend = tf.backend() as { isUsingGpuDevice?: boolean; binding?: { TF_Version?: string } };
  const tensorflow = backend.binding?.TF_Version;
  return {
    device: backend.isUsingGpuDevice || engine.startsWith('webg') ? 'GPU' : 'CPU',
    threads: reportedThreads ?? THREADS[engine] ?? 'its own choice',
    operations: unit === 'step' ? ['train', 'predict'] : [unit],
    parameters,
    versions: {
      ...readVersions(['@tensorflow/tfjs', ...(PACKAGES[engine] ?? [])]),
      ...(tensorflow ? { TensorFlow: tensorflow } : {}),
      'Node.js': process.versions.node,
    },
  };
}

try {
  if (engine === 'webgpu') await loadWebGpu();
  const { api, platformOptions, createCallback, importNode } = await importLibrary(checkout);
  const { reason } = await api.useEngine(engine, { ...platformOptions, ...threadOptions });
  reportedThreads = /on (\d+) thread/.exec(reason)?.[1];
  const examples = Array.from({ length: setup.images }, (_, i) => ({
    image: {
      data: randomFillSync(new Uint8Array(size * size * 3)),
      height: size,
      width: size,
      channels: 3,
    },
    labels: { age: (i * 37) % 80, gender: i % 2 ? ('female' as const) : ('male' as const) },
  }));
  const images = examples.slice(0, batch).map(({ image }) => image);
  const createDataset = async () => {
    const dataset = api.imagesInMemory(examples);
    if (unit !== 'epoch') return dataset;
    const { workerThreads } = await importNode();
    return dataset.augment(createTransforms(api)).withWorkers(workerThreads());
  };
  const model = await createNetwork(api, setup, size);
  const parameters = countParameters(model);
  /**
   * Predictions use a separate model whose weights do not change, like those of a trained model, because an engine may optimize for
   * constant weights. It is created for the first prediction, so that it does not add to the memory of training.
   */
  let predictor: typeof model | undefined;

  const dataset = await createDataset();
  const stepsPerEpoch = Math.ceil(setup.images / batch);
  // Training waits for requests between epochs, so its start is not timed. A dataset of one batch makes each epoch one step.
  let [start, step] = [0, 0];
  const timer = createCallback('timer', {
    onEpochBegin: async () => {
      for (;;) {
        const request = await readRequest();
        if (request === undefined) process.exit(0);
        if (request.what === 'info') writeAnswer({ info: await readInfo(parameters) });
        else if (request.what === 'predict') {
          predictor ??= await createNetwork(api, setup, size);
          const batchImages = images.slice(0, request.batch);
          const predictStart = performance.now();
          await predictor.predict(batchImages, { batchSize: request.batch });
          writeAnswer({ ms: performance.now() - predictStart });
        } else break;
      }
      step = 0;
      start = performance.now();
    },
    onBatchEnd: () => {
      step++;
      if (unit !== 'step' && step < stepsPerEpoch) return;
      writeAnswer({ ms: performance.now() - start });
      start = performance.now();
    },
  });
  await model.fit(dataset, {
    epochs: 100_000, // Ends when the input ends.
    batchSize: batch,
    engine,
    loss: api.weightedLoss({ age: 1, gender: 50 }),
    optimizer: api.adam({ learningRate: 1e-3 }),
    ...(unit === 'cachedEpoch' ? { featureCache: api.memoryStore() } : {}),
    callbacks: [timer],
    ...platformOptions,
    ...threadOptions,
  });
} catch (error) {
  await readRequest();
  const { message, stack } = error as Error;
  // An error of the library has a kind, and a message that needs no stack.
  writeAnswer({ error: 'kind' in (error as Error) ? message : String(stack) });
  process.exit(1);
}
