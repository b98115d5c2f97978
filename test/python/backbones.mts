/**
 * Reads the files of backbone_files.py and compares the outputs of each backbone with Keras's: `backbones.mts
 * FOLDER`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { branch, globalAveragePool, multiTask, regression, useEngine } from '../../src/entries/node.js';
import { efficientNetB0Backbone, mobileNetV2Backbone, resnet50Backbone } from '../../src/node/index.js';

const folder = process.argv[2]!;
const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const factories = {
  resnet50: resnet50Backbone,
  mobileNetV2: mobileNetV2Backbone,
  efficientNetB0: efficientNetB0Backbone,
};
const SIZE = 64;
const TOLERANCE = 1e-4; // relative to the largest value
const MAX_MILLISECONDS = 5000; // milliseconds to read and build a model of 94 MB

await useEngine('wasm');
const pixels = tf.tensor4d(Float32Array.from(bytes('images.bin')), [2, SIZE, SIZE, 3]);
for (const [name, createBackbone] of Object.entries(factories)) {
  for (const top of [false, true]) {
    const stem = `${name}${top ? '' : '_notop'}`;
    const expected = new Float32Array(bytes(`${stem}.bin`).slice().buffer);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const kind of ['_official.h5', '_legacy.h5', '.weights.h5']) {
      const started = performance.now();
      const backbone = await createBackbone({
        weights: join(folder, stem + kind),
        includeTop: top,
        trainable: false,
      });
      const model = multiTask({ input: [SIZE, SIZE, 3], range: [0, 255] })
        .trunk(backbone)
        .task(
          'age',
          regression({ unit: 'years' }),
          branch(top ? [tf.layers.dense({ units: 1 })] : [globalAveragePool()]),
        )
        .build();
      const duration = performance.now() - started;
      const { layers } = model.layersModel;
      const last = layers.at(-3)!;
      const features = tf.model({ inputs: model.layersModel.inputs, outputs: last.output });
      const output = features.predict(pixels) as tf.Tensor;
      const actual = output.dataSync();
      assert.equal(actual.length, expected.length, `${stem}${kind}: ${last.name}`);
      const worst =
        expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0) / largest;
      console.log(
        `${stem}${kind}: ${last.name} within ${worst.toExponential(1)} of Keras, read in ${Math.round(duration)} ms`,
      );
      assert.ok(worst < TOLERANCE, `${stem}${kind}: ${worst}`);
      assert.ok(duration < MAX_MILLISECONDS, `${stem}${kind}: ${duration} ms`);
      output.dispose();
      model.dispose();
    }
  }
}
pixels.dispose();

// Serves the file that Keras wrote, as its host would. Only this one can be served: the library knows the
// hashes of the others.
const server = createServer((_, response) => response.end(bytes('mobileNetV2_notop_official.h5'))).listen(
  0,
  '127.0.0.1',
);
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
const cache = join(folder, 'cache');
await mobileNetV2Backbone({
  cache,
  progress: () => {},
  fetch: (url, request) => fetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, request),
});
assert.equal(readdirSync(cache).length, 1);
console.log(`imagenet: ${readdirSync(cache)[0]} downloaded from this machine and cached`);
server.closeAllConnections();
server.close();
