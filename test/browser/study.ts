import {
  adam,
  binary,
  branch,
  conv,
  dense,
  type EngineName,
  type EngineOptions,
  flatten,
  imagesInMemory,
  loadModel,
  maxPool,
  memoryStore,
  multiTask,
  randomFlip,
  regression,
  sharedTrunk,
  weightedLoss,
} from 'tfjs-multitask';

/** Builds, trains, saves and loads a small model. Runs in Node and in a page. */
export async function study(engine: EngineName, options: EngineOptions = {}) {
  const images = Array.from({ length: 32 }, (_, i) => ({
    image: { data: new Uint8Array(12 * 12 * 3).fill(8 * i), height: 12, width: 12, channels: 3 },
    labels: { level: i / 32, side: i < 16 ? ('dark' as const) : ('bright' as const) },
  }));
  const tasks = { level: regression({ unit: '1' }), side: binary(['dark', 'bright']) };
  const model = multiTask({ input: [12, 12, 3], seed: 5 })
    .trunk(sharedTrunk([conv(8, 3), maxPool(2)]))
    .task('level', tasks.level, branch([flatten(), dense(8)]))
    .task('side', tasks.side, branch([flatten(), dense(8)]))
    .build();
  const history = await model.fit(imagesInMemory(images).augment([randomFlip('horizontal')]), {
    epochs: 12,
    batchSize: 8,
    engine,
    ...options,
    loss: weightedLoss({ level: 1, side: 1 }),
    optimizer: adam({ learningRate: 0.01 }),
  });
  const store = memoryStore();
  await model.save(store);
  const loadedModel = await loadModel(store, { tasks });
  return {
    engine: history.engine.name,
    reason: history.engine.reason,
    losses: history.rows.map(({ loss }) => loss!),
    here: await model.predict(images[2]!.image),
    reopened: await loadedModel.predict(images[2]!.image),
  };
}
