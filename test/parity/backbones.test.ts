import { describe, expect, test } from 'vitest';
import { backbones, bodyOf, keras, line, networkOf, shapeOf } from './backbones.js';

describe.each(backbones)('$name', ({ name, make, before }) => {
  const here = keras[name];

  test.each(Object.entries(here.shapes))(
    'has the layers, order, settings and shapes of Keras at %s',
    async (size, shapes) => {
      const [height, width] = size.split('x').map(Number);
      const entry = here.layers[0]!.split('| ').at(-1)!;
      for (const top of [true, false]) {
        const network = await networkOf(make, [height!, width!, 3], top);
        const body = bodyOf(network);
        const totals = here.totals[top ? 'with top' : 'without top'];
        const sizeOf = (shape: readonly (number | null)[]) => shape.reduce<number>((a, b) => a * b!, 1);
        const weights = body.flatMap((layer) => layer.weights);
        expect({
          layers: body.length + before.layers,
          weights: weights.length + before.weights,
          parameters: weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0) + before.parameters,
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
});
