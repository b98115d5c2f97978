import { expect, test } from 'vitest';
import { errorsOf, instantiationsOf } from './program.js';

const IMPORTS = `import { bestCheckpoint, binary, branch, conv, flatten, maxPool, memoryStore, multiTask, regression,
  sharedTrunk, weightedLoss } from 'tfjs-multitask';`;

/** Returns a program that builds a model with `count` tasks and uses all types that are inferred from the tasks. */
function composing(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `t${i}`);
  const tasks = names.map(
    (name, i) =>
      `  .task('${name}', ${i % 2 ? "binary(['no', 'yes'])" : "regression({ unit: 'm' })"}, branch([flatten()]))`,
  );
  return `
const built = multiTask({ input: [8, 8, 3] }).trunk(sharedTrunk([conv(4, 3), maxPool(2)]))
${tasks.join('\n')}
  .build();
export const done = built.fit(null!, {
  epochs: 1,
  callbacks: [bestCheckpoint(memoryStore(), { monitor: 'val_t0_mae' })],
  loss: weightedLoss({ ${names.map((name) => `${name}: 1`).join(', ')} }),
});
export const evaluated = built.evaluate(null!).then((row) => row.t0_mae);
export const answer = built.predict(null! as Uint8Array).then(({ t0 }) => t0 + 1);
`;
}

/** Maximum number of type instantiations by number of tasks: 10 % above the value with TypeScript 5.9.3. An editor repeats these instantiations at every keystroke. */
const BUDGET = { 1: 1140, 4: 1960, 12: 4070 } as const;

test('the number of TypeScript type instantiations grows almost linearly from one task to twelve tasks', () => {
  expect(errorsOf(IMPORTS + composing(12))).toEqual([]);
  const counts = { 1: 0, 4: 0, 12: 0 };
  for (const count of [1, 4, 12] as const) counts[count] = instantiationsOf(IMPORTS, composing(count));
  for (const count of [1, 4, 12] as const) {
    expect(counts[count], `${count} tasks: ${JSON.stringify(counts)}`).toBeLessThan(BUDGET[count]);
  }
  // The cost of each additional task grows by less than 50 %, so the types of the tasks do not multiply.
  const early = (counts[4] - counts[1]) / 3;
  const late = (counts[12] - counts[4]) / 8;
  expect(late, JSON.stringify(counts)).toBeLessThan(1.5 * early);
});
