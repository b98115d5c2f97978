import { afterAll, describe, expect, test } from 'vitest';
import { type EngineName, useEngine } from '../../src/entries/node.js';
import { backboneModel, bodyOf, expectForward, keras, line, makes, shapeOf } from './backbones.js';

/** Of Keras's layers and weights those before the table: the image and the preprocessing inside. */
const OUTSIDE = {
  resnet50: { layers: 1, weights: 0, parameters: 0 },
  mobileNetV2: { layers: 1, weights: 0, parameters: 0 },
  efficientNetB0: { layers: 3, weights: 3, parameters: 7 },
};
const NAMES = ['resnet50', 'mobileNetV2', 'efficientNetB0'] as const;

describe.each(NAMES)('%s', (name) => {
  const here = keras[name];

  test.each(Object.entries(here.shapes))(
    'has the layers, order, settings and shapes of Keras at %s',
    async (size, shapes) => {
      const [height, width] = size.split('x').map(Number);
      const entry = here.layers[0]!.split('| ').at(-1)!;
      for (const top of [true, false]) {
        const network = await backboneModel(makes[name], [height!, width!, 3], top);
        const body = bodyOf(network);
        const totals = here.totals[top ? 'with top' : 'without top'];
        const sizeOf = (shape: readonly (number | null)[]) => shape.reduce<number>((a, b) => a * b!, 1);
        const weights = body.flatMap((layer) => layer.weights);
        expect({
          layers: body.length + OUTSIDE[name].layers,
          weights: weights.length + OUTSIDE[name].weights,
          parameters: weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0) + OUTSIDE[name].parameters,
          trainable: body
            .flatMap((layer) => layer.trainableWeights)
            .reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        }).toEqual(totals);
        expect(body.map((layer) => line(layer, entry))).toEqual(here.layers.slice(0, body.length));
        expect(body.map(shapeOf)).toEqual(shapes.split(' ').slice(0, body.length));
        network.dispose();
      }
    },
  );

  test.each<EngineName>(['wasm', 'onnx', 'cpu'])('answers what Keras answers on %s', async (engine) => {
    await useEngine(engine);
    await expectForward(name);
  });
});

afterAll(() => useEngine('cpu'));
