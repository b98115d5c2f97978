/** A prediction that is certain and incorrect has a gradient: cross-entropies are computed from the logits, as in Keras. */
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  binary,
  branch,
  categorical,
  customLoss,
  dense,
  exportKeras,
  flatten,
  imagesInMemory,
  loadKeras,
  multiTask,
  sgd,
} from '../../src/entries/node.js';

const image = { data: new Uint8Array(48).fill(200), height: 4, width: 4, channels: 3 } as const;
const SIDES = ['left', 'right'] as const;
const GRADES = ['low', 'middle', 'high'] as const;
const task = { side: binary(SIDES), grade: categorical(GRADES) };
const dataset = imagesInMemory(
  Array.from({ length: 4 }, () => ({ image, labels: { side: 'left' as const, grade: 'low' as const } })),
);
/** Biases whose sigmoid is 1 and whose softmax is [0, 0, 1] in float32. Both tasks are then certain of an incorrect label. */
const SIDE_BIAS = 120;
const GRADE_BIAS = [0, 0, 120] as const;

function setBiases(layersModel: tf.LayersModel): void {
  for (const [name, values] of [
    ['side', [SIDE_BIAS]],
    ['grade', [...GRADE_BIAS]],
  ] as const) {
    const layer = layersModel.getLayer(name);
    layer.setWeights([tf.zerosLike(layer.getWeights()[0]!), tf.tensor1d([...values])]);
  }
}

function createModel() {
  const model = multiTask({ input: [4, 4, 3], seed: 1 })
    .task('side', task.side, branch([flatten(), dense(4)]))
    .task('grade', task.grade, branch([flatten(), dense(4)]))
    .build();
  setBiases(model.layersModel);
  return model;
}

/** Creates a model from a Keras file in which the activations of both heads are separate layers. */
async function createModelWithActivationLayers() {
  const input = tf.input({ shape: [4, 4, 3] });
  const x = tf.layers.flatten().apply(input) as tf.SymbolicTensor;
  const heads = [
    tf.layers
      .activation({ activation: 'sigmoid', name: 'side_probability' })
      .apply(tf.layers.dense({ units: 1, name: 'side' }).apply(x)),
    tf.layers
      .softmax({ name: 'grade_probabilities' })
      .apply(tf.layers.dense({ units: 3, name: 'grade' }).apply(x)),
  ] as tf.SymbolicTensor[];
  const layersModel = tf.model({ inputs: input, outputs: heads });
  setBiases(layersModel);
  return loadKeras(await exportKeras(layersModel), {
    tasks: task,
  });
}

describe.each(['wasm', 'onnx', 'cpu'] as const)(
  'fit on %s, with saturated predictions of an incorrect label',
  (engine) => {
    test.each([
      ['heads with an activation', async () => createModel()],
      ['heads whose activations are separate layers', createModelWithActivationLayers],
    ])('computes the loss and its gradient from the logits for %s', async (_, create) => {
      const model = await create();
      const before = await model.evaluate(dataset, { engine });
      expect(before.side_loss).toBe(SIDE_BIAS);
      expect(before.grade_loss).toBe(GRADE_BIAS[2]);
      expect(before.side_accuracy).toBe(0);
      expect((await model.predict(image, { engine })).side).toEqual({ label: 'right', probability: 1 });
      const { rows } = await model.fit(dataset, {
        epochs: 1,
        batchSize: 4,
        engine,
        validation: dataset,
        optimizer: sgd({ learningRate: 1 }),
      });
      expect(rows[0]).toMatchObject({ side_loss: SIDE_BIAS, grade_loss: GRADE_BIAS[2], grade_accuracy: 0 });
      // The gradient with respect to the bias is the prediction minus the target.
      const biasOf = (task: string) => {
        const { layers } = model.layersModel;
        const head = layers.find(
          ({ name, weights }) => name.startsWith(task) && weights[1] && weights[1].shape[0] !== 4,
        )!;
        return Array.from(head.getWeights()[1]!.dataSync());
      };
      expect(biasOf('side')[0]).toBeCloseTo(SIDE_BIAS - 1, 4);
      expect(biasOf('grade').map((value) => Math.round(value * 1e4) / 1e4)).toEqual([
        1,
        0,
        GRADE_BIAS[2] - 1,
      ]);
      expect(rows[0]!.val_side_loss).toBeLessThan(SIDE_BIAS);
      model.dispose();
    });
  },
);

test('a custom loss receives probabilities instead of logits, even from a head with a sigmoid', async () => {
  const brier = customLoss('brier', (prediction, target) =>
    tf.mean(tf.square(tf.sub(prediction, target)), 1),
  );
  const model = multiTask({ input: [4, 4, 3], seed: 1 })
    .task('side', binary(SIDES, { loss: brier }), branch([flatten()]))
    .build();
  const head = model.layersModel.getLayer('side');
  head.setWeights([tf.zerosLike(head.getWeights()[0]!), tf.tensor1d([SIDE_BIAS])]);
  const { side_loss } = await model.evaluate(dataset as never, { engine: 'wasm' });
  expect(side_loss).toBe(1);
});
