import * as m from 'tfjs-multitask';
import { choice, minimize, random, space, study } from 'tfjs-multitask/tuner';

const createImage = (level) => ({
  data: new Uint8Array(8 * 8 * 3).fill(level),
  height: 8,
  width: 8,
  channels: 3,
});

export default study({
  space: space({ filters: choice([2, 4]) }),
  objectives: minimize('loss'),
  strategy: random(),
  run: async ({ params, fitOptions }) => {
    const dataset = m.imagesInMemory(
      [10, 200].map((level) => ({ image: createImage(level), labels: { level } })),
    );
    const model = m
      .multiTask({ input: [8, 8, 3] })
      .task('level', m.regression({ unit: 'bytes' }), m.branch([m.conv(params.filters, 3), m.flatten()]))
      .build();
    await model.fit(dataset, { epochs: 1, engine: 'wasm', ...fitOptions });
  },
});
