/**
 * Measures the forward pass of a backbone without its top on one engine, and in Keras with a compiled function. The two take turns. Prints
 * the minimum of all rounds in milliseconds per image. Without --python, Keras is not measured.
 *
 * npx tsx bench/backbone.ts [--python PATH] [--backbone resnet50] [--engine onnx] [--size 128] [--batch 32] [--rounds 15]
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  branch,
  createRng,
  type EngineName,
  efficientNetB0Backbone,
  globalAveragePool,
  mobileNetV2Backbone,
  multiTask,
  regression,
  resnet50Backbone,
  useEngine,
} from 'tfjs-multitask';
import { createNetwork } from '../src/network/buildNetwork.js';
import { getActiveEngine } from '../test/engines/getActiveEngine.js';
import { connectEngine, type EngineProcess, startProcess } from './engineProcess.js';
import { timeEngines } from './timeEngines.js';

const { values: args } = parseArgs({
  options: {
    python: { type: 'string' },
    backbone: { type: 'string', default: 'resnet50' },
    engine: { type: 'string', default: 'onnx' },
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '15' },
  },
});
const backbones = {
  resnet50: resnet50Backbone,
  mobileNetV2: mobileNetV2Backbone,
  efficientNetB0: efficientNetB0Backbone,
};
const createBackbone = backbones[args.backbone as keyof typeof backbones];
if (!createBackbone) {
  const options = Object.keys(backbones).join(', ');
  throw new Error(`--backbone: expected one of ${options}, received ${JSON.stringify(args.backbone)}.`);
}
const [size, batch, rounds] = [Number(args.size), Number(args.batch), Number(args.rounds)];

await useEngine(args.engine as EngineName);
const model = multiTask({ input: [size, size, 3], range: [0, 255] })
  .trunk(await createBackbone({ weights: null, trainable: false }))
  .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
  .build();
const network = createNetwork(model.layersModel, model.tasks, model.input);
const random = createRng(1, 'bench');
const images = {
  shape: [batch, size, size, 3],
  data: Float32Array.from({ length: batch * size * size * 3 }, () => random.uniform(0, 255)),
};
const thisProcess: EngineProcess = {
  engine: args.engine,
  readInfo: async () => ({ device: 'CPU', threads: 'its own choice', operations: ['predict'], versions: {} }),
  time: async () => {
    const start = performance.now();
    for (const output of await getActiveEngine()!.forward(network.graph, [images])) {
      await output.data();
      output.dispose();
    }
    return performance.now() - start;
  },
  readPeakMemory: () => undefined,
  close: () => {},
};
const script = fileURLToPath(new URL('keras_backbone.py', import.meta.url));
const processes = [thisProcess];
if (args.python !== undefined) {
  const child = startProcess(args.python, ['-B', script, args.backbone, args.size, args.batch]);
  processes.push(connectEngine('keras', child));
}
const engines = await Promise.all(
  processes.map(async (process) => ({ process, info: await process.readInfo() })),
);
const timings = await timeEngines(engines, {
  size,
  rounds,
  jobs: [{ what: 'predict', batch }],
  onFailure: (_, error) => {
    throw error;
  },
});
for (const each of processes) each.close();
for (const { engine, ms, median, first } of timings) {
  console.log(
    `${args.backbone} ${size}x${size}, batch ${batch}, ${engine}: ${ms} ms per image (median ${median}; first call ${first} ms)`,
  );
}
const [timing, keras] = timings;
if (keras) console.log(`${args.engine} takes ${(timing!.ms / keras.ms).toFixed(2)} times as long as keras`);
