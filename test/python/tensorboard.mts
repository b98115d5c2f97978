// Trains a small model with event files in the given folder, and writes the expected rows there.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  branch,
  exponentialDecay,
  flatten,
  imagesInMemory,
  multiTask,
  randomBrightness,
  regression,
  sgd,
  tensorBoard,
} from '../../src/entries/node.js';
import { folderStore } from '../../src/node/index.js';

const folder = process.argv[2]!;
const data = imagesInMemory(
  Array.from({ length: 40 }, (_, i) => ({
    image: { data: new Uint8Array(48).fill(6 * i), height: 4, width: 4, channels: 3 },
    labels: { light: i / 40, dark: 1 - i / 40 },
  })),
);
const transforms = [randomBrightness({ range: 0.2 })];
const EPOCHS = 5;

/** Trains up to epoch `epochs` of five. The second call resumes from the checkpoint. */
async function train(epochs: number) {
  const task = regression({ unit: 'shares' });
  const model = multiTask({ input: [4, 4, 3] })
    .task('light', task, branch([flatten()]))
    .task('dark', task, branch([flatten()]))
    .build();
  const { rows } = await model.fit(data.augment(transforms), {
    epochs,
    batchSize: 8,
    engine: 'wasm',
    validation: data.augment(transforms),
    evaluateUnaugmented: true,
    checkpoint: folderStore(join(folder, 'checkpoint')),
    resume: 'auto',
    optimizer: sgd({
      learningRate: exponentialDecay({ initialLearningRate: 1e-2, decaySteps: 5, decayRate: 0.5 }),
    }),
    callbacks: [tensorBoard(folderStore(folder), { folder: 'logs', updateFreq: 'batch' })],
  });
  model.dispose();
  return rows;
}

await train(2); // The resumed run must not repeat its beginning in TensorBoard.
writeFileSync(join(folder, 'rows.json'), JSON.stringify(await train(EPOCHS)));
