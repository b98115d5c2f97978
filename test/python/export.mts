/** Writes models as ONNX files, with images and expected outputs, for check_export.py: `export.mts FOLDER`. */

import * as tf from '@tensorflow/tfjs';
import { modelA } from '../../examples/study/modelA.js';
import {
  averagePool,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  createRng,
  dense,
  depthwiseConv,
  exportOnnx,
  flatten,
  globalAveragePool,
  grayscaleImage,
  multiTask,
  regression,
  residual,
  sharedTrunk,
} from '../../src/entries/node.js';
import { folderStore } from '../../src/node/index.js';

const small = multiTask({ input: [21, 18, 3], range: [-1, 1], seed: 2 })
  .trunk(
    sharedTrunk([
      conv(8, 3, { strides: 2, padding: 'same' }),
      batchNorm(),
      averagePool(2, { padding: 'same' }),
      residual([depthwiseConv(3, { padding: 'same' }), conv(8, 1)]),
    ]),
  )
  .task('age', regression({ unit: 'years' }), branch([conv(2, 2), flatten(), dense(4)]))
  .task('kind', categorical(['a', 'b', 'c']), branch([globalAveragePool(), dense(5)]))
  .task('sex', binary(['m', 'f']), branch([flatten()]))
  .build();

const views = multiTask({ input: [14, 14, 3], range: [-1, 1], seed: 3 })
  .trunk(sharedTrunk([conv(6, 3), batchNorm()]))
  .task('age', regression({ unit: 'years' }), branch([flatten(), dense(4)]))
  .task('sex', binary(['m', 'f']), branch([flatten()], { inputView: grayscaleImage() }))
  .build();

const store = folderStore(process.argv[2]!);
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
for (const [name, model] of [
  ['model-a', modelA(64, { seed: 1 })],
  ['residual', small],
  ['views', views],
] as const) {
  await store.write(`${name}.onnx`, await exportOnnx(model));
  const shape = [3, ...model.input.shape];
  const random = createRng(1, name);
  const images = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(random.next()));
  const outputs = [model.layersModel.predict(tf.tensor(images, shape)) as tf.Tensor[]].flat();
  const answers = Object.fromEntries(
    Object.keys(model.tasks).map((task, i) => [task, outputs[i]!.arraySync()]),
  );
  await store.write(`${name}.json`, json({ shape, images, answers }));
}
