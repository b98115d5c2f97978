import { afterAll, describe, expect, test } from 'vitest';
import { type EngineName, useEngine } from '../../src/entries/node.js';
import { backboneModel, bodyOf, expectForward, keras, line, makes, shapeOf } from './backbones.js';

/** Counts of layers, weights and parameters that precede the layers in the table: the input image and its preprocessing. */
const BEFORE_TABLE = {
  resnet50: { layers: 1, weights: 0, parameters: 0 },
  mobileNetV2: { layers: 1, weights: 0, parameters: 0 },
  efficientNetB0: { layers: 3, weights: 3, parameters: 7 },
};
const NAMES = ['resnet50', 'mobileNetV2', 'efficientNetB0'] as const;

describe.each(NAMES)('the %s backbone', (name) => {
  const expected = keras[name];

  test.each(Object.entries(expected.shapes))(
    'has the same layers as in Keras, with the same order, options and shapes, for images of %s pixels',
    async (size, shapes) => {
      const [height, width] = size.split('x').map(Number);
      const entry = expected.layers[0]!.split('| ').at(-1)!;
      for (const top of [true, false]) {
        const network = await backboneModel(makes[name], [height!, width!, 3], top);
        const body = bodyOf(network);
        const totals = expected.totals[top ? 'with top' : 'without top'];
        const sizeOf = (shape: readonly (number | null)[]) => shape.reduce<number>((a, b) => a * b!, 1);
        const weights = body.flatMap((layer) => layer.weights);
        expect({
          layers: body.length + BEFORE_TABLE[name].layers,
          weights: weights.length + BEFORE_TABLE[name].weights,
          parameters:
            weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0) + BEFORE_TABLE[name].parameters,
          trainable: body
            .flatMap((layer) => layer.trainableWeights)
            .reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        }).toEqual(totals);
        expect(body.map((layer) => line(layer, entry))).toEqual(expected.layers.slice(0, body.length));
        expect(body.map(shapeOf)).toEqual(shapes.split(' ').slice(0, body.length));
        network.dispose();
      }
    },
  );

  test.each<EngineName>(['wasm', 'onnx', 'cpu'])(
    'gives the same activations on %s as Keras',
    async (engine) => {
      await useEngine(engine);
      await expectForward(name);
    },
  );
});

afterAll(() => useEngine('cpu'));
