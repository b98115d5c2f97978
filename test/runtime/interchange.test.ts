import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  grayscaleImage,
  imagesInMemory,
  maxPool,
  memoryStore,
  multiTask,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';

const store = memoryStore();
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const bytes = await store.read(`model${request.url}`);
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

/** Program that uses only TensorFlow.js to load the model and to predict an image of a single color. */
const PLAIN = `
import * as tf from '@tensorflow/tfjs';
const model = await tf.loadLayersModel(process.argv[1] + '/model.json');
const outputs = model.predict(tf.tile(tf.tensor4d([[[JSON.parse(process.argv[2])]]]), [1, 12, 12, 1]));
console.log(JSON.stringify([...outputs.map((y) => Array.from(y.dataSync())), model.getUserDefinedMetadata()]));
`;

test('a program that uses only TensorFlow.js can load a model from model.save(), predict the same values, and read the labels', async () => {
  const color = [100, 30, 220];
  const data = Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => color[i % 3]!);
  const image = { data, height: 12, width: 12, channels: 3 };
  const model = multiTask({ input: [12, 12, 3] })
    .trunk(sharedTrunk([conv(4, 3), maxPool(2), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.3)]))
    .task(
      'gender',
      binary(['male', 'female']),
      branch([flatten(), dense(8)], { inputView: grayscaleImage() }),
    )
    .build();
  const faces = imagesInMemory(
    [1, 2, 3, 4].map((age) => ({ image, labels: { age, gender: 'male' as const } })),
  );
  await model.fit(faces, { epochs: 3, batchSize: 2, engine: 'wasm' });
  await model.save(store, 'model');
  const value = JSON.stringify(color.map((byte) => byte / 255)); // The default pixel range is 0 to 1.
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    PLAIN,
    url,
    value,
  ]);
  const [age, gender, metadata] = JSON.parse(stdout.trim().split('\n').at(-1)!) as [
    number[],
    number[],
    { readonly tasks: readonly object[] },
  ];
  expect(metadata.tasks).toMatchObject([{ unit: 'years' }, { labels: ['male', 'female'] }]);
  const ours = await model.predict(image);
  const female = ours.gender.label === 'female' ? ours.gender.probability : 1 - ours.gender.probability;
  // Both processes run the same float32 network on the cpu backend.
  expect(Math.abs(age[0]! - ours.age)).toBeLessThan(1e-5);
  expect(Math.abs(gender[0]! - female)).toBeLessThan(1e-5);
});
