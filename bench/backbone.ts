/**
 * The forward pass of a backbone without its top on one engine beside Keras's compiled function, in turns: milliseconds per
 * image, the smallest of all rounds. Without a Python the engine runs alone.
 *
 *   npx tsx bench/backbone.ts [--python PATH] [--backbone resnet50] [--engine onnx] [--size 128] [--batch 32] [--rounds 15]
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
import { getActiveEngine } from '../src/engines/select.js';
import { createNetwork } from '../src/network/buildNetwork.js';
import { type Contestant, speaking, start } from './contestant.js';
import { race } from './race.js';

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
const makers = {
  resnet50: resnet50Backbone,
  mobileNetV2: mobileNetV2Backbone,
  efficientNetB0: efficientNetB0Backbone,
};
const make = makers[args.backbone as keyof typeof makers];
if (!make) throw new Error(`--backbone: expected one of ${Object.keys(makers).join(', ')}.`);
const [size, batch, rounds] = [Number(args.size), Number(args.batch), Number(args.rounds)];

await useEngine(args.engine as EngineName);
const model = multiTask({ input: [size, size, 3], range: [0, 255] })
  .trunk(await make({ weights: null, trainable: false }))
  .task('age', regression({ unit: 'years' }), branch([globalAveragePool()]))
  .build();
const network = createNetwork(model.layersModel, model.tasks, model.input);
const random = createRng(1, 'bench');
const images = {
  shape: [batch, size, size, 3],
  data: Float32Array.from({ length: batch * size * size * 3 }, () => random.uniform(0, 255)),
};
const here: Contestant = {
  engine: args.engine,
  about: async () => ({ device: 'CPU', threads: 'its own choice', does: ['predict'], versions: {} }),
  time: async () => {
    const began = performance.now();
    for (const answer of await getActiveEngine()!.forward(network.graph, [images])) {
      await answer.data();
      answer.dispose();
    }
    return performance.now() - began;
  },
  peak: () => undefined,
  close: () => {},
};
const script = fileURLToPath(new URL('keras_backbone.py', import.meta.url));
const runners = [here];
if (args.python !== undefined) {
  const child = start(args.python, ['-B', script, args.backbone, args.size, args.batch]);
  runners.push(speaking('keras', child));
}
const entrants = await Promise.all(
  runners.map(async (contestant) => ({ contestant, about: await contestant.about() })),
);
const results = await race(entrants, {
  size,
  rounds,
  jobs: [{ what: 'predict', batch }],
  failed: (_, error) => {
    throw error;
  },
});
for (const runner of runners) runner.close();
for (const { engine, ms, median, first } of results) {
  console.log(
    `${args.backbone} ${size}x${size}, batch ${batch}, ${engine}: ${ms} ms per image (median ${median}; first call ${first} ms)`,
  );
}
const [own, keras] = results;
if (keras) console.log(`${args.engine} takes ${(own!.ms / keras.ms).toFixed(2)} times as long as keras`);
