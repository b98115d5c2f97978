import {
  averagePool,
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  dense,
  depthwiseConv,
  dropout,
  type EngineName,
  flatten,
  maxPool,
  multiTask,
  regression,
  residual,
  sgd,
  sharedTrunk,
  useEngine,
} from 'tfjs-multitask';
import type { UseEngineOptions } from '../../src/engines/select.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import { GRADIENT_SUM } from '../../src/steps/optimizerSlots.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';

/** Computes loss sums and gradients of a small network for five batches of two images. Runs in Node and in a page. */
export async function gradients(engine: EngineName, options: UseEngineOptions = {}) {
  const { name } = await useEngine(engine, options);
  const { layersModel, tasks, input } = multiTask({ input: [16, 16, 3], range: [-1, 1], seed: 2 })
    .trunk(
      sharedTrunk([
        conv(8, 3, { strides: 2, padding: 'same' }),
        batchNorm(),
        residual([depthwiseConv(3, { padding: 'same' }), conv(8, 1)]),
        averagePool(2, { padding: 'same' }),
      ]),
    )
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8, { l2: 1e-3 }), dropout(0.2)]))
    .task('sex', binary(['m', 'f']), branch([maxPool(2), flatten(), dense(4)]))
    .build();
  const network = createNetwork(layersModel, tasks, input);
  const optimizer = sgd({ gradientAccumulationSteps: 2 });
  const steps = getActiveEngine()!.createExecutor(network, optimizer, { age: 1, sex: 50 });
  const random = createRng(1, 'gradients');
  const array = (shape: readonly number[], draw: () => number) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw),
  });
  const states: { sums: number[]; gradient: number[] }[] = [];
  for (let i = 0; i < 5; i++) {
    const { [GRADIENT_SUM]: sum } = await steps.getSlots();
    steps.setSlots({ [GRADIENT_SUM]: { ...sum!, data: new Float32Array(sum!.data.length) } });
    const labels = (draw: () => number) => ({ target: array([2, 1], draw), ...whole });
    const whole = { present: array([2], () => 1), weight: array([2], () => 1) };
    const named = (task: string, parts: object) =>
      Object.fromEntries(Object.entries(parts).map(([part, value]) => [`${task}/${part}`, value]));
    const sums = await steps.runStep('accumulate', {
      'input/image': array([2, 16, 16, 3], () => 2 * random.next() - 1),
      ...named(
        'age',
        labels(() => random.nextInt(80)),
      ),
      ...named(
        'sex',
        labels(() => random.nextInt(2)),
      ),
      ...drawDropoutMasks(network, 2, i, 0, 0),
      'coefficient/0': array([], () => 0),
      'coefficient/1': array([], () => 0),
    });
    const { [GRADIENT_SUM]: gradient } = await steps.getSlots();
    states.push({ sums: [...sums], gradient: [...gradient!.data] });
  }
  steps.dispose();
  return { engine: name, states };
}
