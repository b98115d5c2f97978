import * as m from 'tfjs-multitask';
import * as b from 'tfjs-multitask/browser';
import { utkFace } from 'tfjs-multitask/datasets';
import * as n from 'tfjs-multitask/node';
import * as r from 'tfjs-multitask/report';
import * as t from 'tfjs-multitask/tuner';

// Compiled as a program that uses the packed package, as an ES module and as a CommonJS module. Types that are accidentally `any` fail too.
type IsEqual<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(): T | undefined {
  return undefined;
}

const trunk = m.sharedTrunk([m.conv(4, 3), m.batchNorm()]);
const part = m.branch([m.flatten(), m.dense(4)]);
const model = m
  .multiTask({ input: [8, 8, 3] })
  .trunk(trunk)
  .task('age', m.regression({ unit: 'years' }), part)
  .task('light', m.categorical(['dawn', 'day', 'night']), part)
  .build();
expectType<IsEqual<keyof typeof model.tasks, 'age' | 'light'>>();
// @ts-expect-error A branch is not a trunk.
m.multiTask({ input: [8, 8, 3] }).trunk(part);
// @ts-expect-error A trunk is not a branch.
m.multiTask({ input: [8, 8, 3] }).task('age', m.regression({ unit: 'years' }), trunk);

const image = { data: new Uint8Array(8 * 8 * 3), height: 8, width: 8, channels: 3 } as const;
const dataset = m.imagesInMemory([{ image, labels: { age: 31, light: 'day' as const } }]);

export async function train() {
  const history = await model.fit(dataset, {
    epochs: 1,
    loss: m.weightedLoss({ age: 1, light: 50 }, { classWeights: { light: { dawn: 2 } } }),
    callbacks: [m.bestCheckpoint(n.folderStore('out'), { monitor: 'val_age_mae' })],
  });
  expectType<IsEqual<(typeof history.rows)[number]['age_mae'], number | undefined>>();
  // @ts-expect-error The metric is called mae.
  history.rows[0]?.age_mea;
  // @ts-expect-error The task is called light.
  await model.fit(dataset, { epochs: 1, loss: m.weightedLoss({ age: 1, lihgt: 50 }) });
  // @ts-expect-error A loss is created by weightedLoss.
  await model.fit(dataset, { epochs: 1, loss: { weights: { age: 1, light: 50 }, classWeights: {} } });
  const misspelled = m.bestCheckpoint(n.folderStore('out'), { monitor: 'val_age_mea' });
  // @ts-expect-error The column is called val_age_mae.
  await model.fit(dataset, { epochs: 1, callbacks: [misspelled] });
  // @ts-expect-error dusk is not a label of the task.
  await model.fit(m.imagesInMemory([{ image, labels: { age: 31, light: 'dusk' } }]), { epochs: 1 });

  const { age, light } = await model.predict(image);
  expectType<IsEqual<typeof age, number>>();
  expectType<IsEqual<typeof light.label, 'dawn' | 'day' | 'night'>>();
  const heatMap = await m.gradCam(model, image, { task: 'light', target: 'dawn' });
  expectType<IsEqual<typeof heatMap.target, 'dawn' | 'day' | 'night'>>();
}

export const faces = n.imageFolder('faces', { labels: utkFace(), size: [8, 8] });

const search = t.study({
  space: t.space({ rate: t.float({ min: 1e-4, max: 1e-2, scale: 'log' }), filters: t.choice([4, 8]) }),
  objectives: t.minimize('val_loss'),
  strategy: t.random(),
  run: async ({ params }) => {
    expectType<IsEqual<typeof params.filters, 4 | 8>>();
    expectType<IsEqual<typeof params.rate, number>>();
  },
});
const table = n.liveTable({ write: (line) => line.length }, { trials: 3 });
export const showTrials = (trials: Parameters<typeof table.show>[0]) => table.show(trials, search);

export const drawCurves = (history: m.HistoryRecord, document: Document, Plot: r.PlotModule) =>
  r.learningCurves(history, { task: 'age' }, { document, Plot });
export const pageWorkers = b.webWorkers({ count: 2 });
