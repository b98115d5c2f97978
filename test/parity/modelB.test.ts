import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { modelB } from '../../examples/study/modelB.js';
import type { NamedArrays } from '../../src/core/arrays.js';
import { adam, type EngineName, resnet50Backbone, useEngine } from '../../src/entries/node.js';
import { InputPipeline } from '../../src/inference/inputPipeline.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import { splitFrozen } from '../../src/network/frozenSplit.js';
import { createBatchArrays } from '../../src/steps/stepArrays.js';
import { getTrainableWeights } from '../../src/steps/trainableWeights.js';
import { OptimizerState } from '../../src/training/optimizerState.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';
import { bounds, faces } from './same.js';

const keras = fixture<{
  readonly parameters: number;
  readonly trainable: number;
  readonly features: FixtureArray;
  readonly batch: number;
  readonly batches: number;
  readonly steps: readonly { total: number; penalty: number; age: number; gender: number }[];
}>('model_b');

const SHAPE = [64, 64, 3] as const;
const SQUARE = 8;
const RATE = 0.3;
const data = faces('model-b', keras.batch * keras.batches, SHAPE, SQUARE);

/** Builds the network in examples/model-b.ts with the weights from `keras/make_model_b.py`. */
async function network() {
  const model = modelB(SHAPE[0], await resnet50Backbone({ weights: null, trainable: false }));
  for (const layer of model.layersModel.layers) {
    if (layer.name === 'image_preprocess') continue;
    for (const weight of layer.weights) {
      const shape = weight.shape as number[];
      const kind = weight.originalName.split('/').at(-1)!;
      const scale =
        layer.name === 'conv1_bn' && (kind === 'gamma' || kind === 'beta') ? Math.fround(0.02) : 1;
      const values = uniform(`model-b/${weight.originalName}`, shape, ...bounds(kind, shape));
      const tensor = tf.tensor(
        values.map((x) => x * scale),
        shape,
      );
      weight.write(tensor);
      tensor.dispose();
    }
  }
  return createNetwork(model.layersModel, model.tasks, model.input);
}

function masks(step: number): NamedArrays {
  const names = ['age', 'gender'].flatMap((task) => [
    [`${task}_dropout1`, 128] as const,
    [`${task}_dropout2`, 16] as const,
  ]);
  return Object.fromEntries(
    names.map(([name, units]) => {
      const shape = [keras.batch, units];
      const mask = uniform(`model-b/${name}/${step}`, shape, 0, 1).map((u) =>
        u >= Math.fround(RATE) ? 1 : 0,
      );
      return [`${name}/mask`, { shape, data: mask }];
    }),
  );
}

// In Keras, `preprocess_input` consists of operations. In this library it is a layer with 12 parameters.
const PREPROCESSING = 12;

test.each<EngineName>(['wasm', 'onnx'])(
  'two epochs of Model B on %s give the same losses as Keras',
  async (engine) => {
    await useEngine(engine);
    const whole = await network();
    const active = getActiveEngine()!;
    expect(whole.layersModel.countParams()).toBe(keras.parameters + PREPROCESSING);
    const frozenSplit = splitFrozen(whole.graph);
    const inputPipeline = new InputPipeline(active, frozenSplit, whole.input.range);
    const trainable = whole.withGraph(frozenSplit.trainableGraph);
    expect(
      getTrainableWeights(trainable).reduce(
        (sum, { shape }) => sum + (shape as number[]).reduce((a, b) => a * b),
        0,
      ),
    ).toBe(keras.trainable);
    const optimizer = adam({ learningRate: 1e-3 });
    const optimizerState = new OptimizerState(
      optimizer,
      active.createExecutor(trainable, optimizer, { age: 1, gender: 50 }),
    );
    for (const [step, expected] of keras.steps.entries()) {
      const from = keras.batch * (step % keras.batches);
      const indices = Array.from({ length: keras.batch }, (_, i) => from + i);
      const bytes = await Promise.all(indices.map((index) => data.read(index)));
      const pixels = Float32Array.from(bytes.flatMap((image) => Array.from(image.data)));
      const inputs = await inputPipeline.computeInputs(data, { pixels, indices, count: keras.batch });
      if (step === 0) {
        const features = inputs[0]!.data.filter((_, i) => i % 64 === 0);
        expectCloseToLargest(features, numbers(keras.features), 1e-4, 'features');
      }
      const sums = await optimizerState.runStep({
        ...createBatchArrays(trainable, data, { indices }, {}, inputs),
        ...masks(step),
      });
      const ours = [sums[0]!, sums[1]!, sums[2]! / keras.batch, sums[4]! / keras.batch];
      const theirs = [expected.total, expected.penalty, expected.age, expected.gender];
      // The penalty is a sum of a quarter of a million squares. On wasm, which adds the squares in order, the rounding error is 4e-5 of the penalty.
      ours.forEach(
        (loss, i) => void expectClose([loss], [theirs[i]!], 1e-4 * theirs[i]!, `step ${step}, ${i}`),
      );
    }
    optimizerState.executor.dispose();
  },
);
