import {
  type Backbone,
  binary,
  branch,
  dense,
  dropout,
  globalAveragePool,
  multiTask,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

/** What age and gender each have for themselves: the dense layers of Model A. */
const face = () => branch([dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)]);

/** Model B for square colour images of `size` pixels, 32 or more; `seed` names the first weights of its branches. */
export const modelB = (size: number, backbone: Backbone, seed = 0) =>
  multiTask({ input: [size, size, 3], seed })
    .trunk(sharedTrunk([backbone, globalAveragePool()]))
    .task('age', regression({ unit: 'years' }), face())
    .task('gender', binary(['male', 'female']), face())
    .build();
