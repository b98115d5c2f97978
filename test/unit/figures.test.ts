import { describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import {
  branch,
  conv,
  dense,
  flatten,
  globalAveragePool,
  memoryStore,
  multiTask,
  regression,
  resnet50Backbone,
  sharedTrunk,
} from '../../src/entries/node.js';
import {
  architectureDiagram,
  learningCurveGrid,
  learningCurves,
  saveFigure,
  svgToPng,
} from '../../src/node/index.js';
import { createDiagramBoxes } from '../../src/report/charts/diagramBoxes.js';
import { AGE, createRun } from '../report/createRun.js';

const tasks = [
  { name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] },
  { name: 'gender', kind: 'binary', labels: ['male', 'female'], metrics: ['accuracy'] },
] as const;
const row = (epoch: number, value: number, validated = true) => ({
  epoch,
  loss: value,
  age_loss: value,
  age_mae: value / 2,
  gender_loss: value / 9,
  gender_accuracy: 1 - value / 100,
  ...(validated
    ? {
        val_loss: value + 1,
        val_age_loss: value + 1,
        val_age_mae: value,
        val_gender_loss: 1,
        val_gender_accuracy: 0.5,
      }
    : {}),
});
const rows = [row(1, 30), row(2, 9), row(3, 12)];
const count = (svg: string, pattern: RegExp) => svg.match(pattern)?.length ?? 0;

describe('learningCurves', () => {
  test('draws a panel for the loss and for each metric, with training and validation lines, and marks the best epoch', async () => {
    const svg = await learningCurves({ tasks, rows }, { task: 'age' });
    expect(svg).toContain('mae (years)');
    expect(svg).toContain('best epoch 2, by val_loss');
    expect(count(svg, /aria-label="line"/g)).toBe(4);
    expect(count(svg, /NaN|undefined/g)).toBe(0);
  });

  test('draws only training lines for a run without validation, and marks the best epoch by loss', async () => {
    const svg = await learningCurves(
      { tasks, rows: rows.map(({ epoch, loss }) => row(epoch, loss, false)) },
      { task: 'gender' },
    );
    expect(svg).not.toContain('validation');
    expect(svg).toContain('best epoch 2, by loss');
    expect(count(svg, /aria-label="line"/g)).toBe(2);
  });

  test('draws no NaN coordinates for a NaN loss', async () => {
    const svg = await learningCurves(
      { tasks, rows: [row(1, 3), { ...row(2, 3), age_loss: Number.NaN }] },
      { task: 'age' },
    );
    expect(count(svg, /NaN/g)).toBe(0);
  });

  test('rejects an unknown task with a suggestion, and a history without epochs', async () => {
    await expect(learningCurves({ tasks, rows }, { task: 'agee' as never })).rejects.toMatchObject({
      kind: 'argument',
      path: 'learningCurves.task',
      advice: 'Did you mean "age"?',
    });
    await expect(learningCurves({ tasks, rows: [] }, { task: 'age' })).rejects.toMatchObject({
      kind: 'argument',
    });
  });
});

describe('learningCurveGrid', () => {
  const run = (factor: number) => ({ tasks, rows: rows.map(({ epoch, loss }) => row(epoch, loss * factor)) });
  const runGroups = [
    { title: 'color & all', runs: [run(1), run(1.2)] },
    { title: 'gray', runs: [run(1.1)] },
  ];

  test('draws a column for each group of runs and a row for each task, with thin lines for the runs and a thick line for their mean', async () => {
    const svg = await learningCurveGrid(runGroups, { title: 'Faces' });
    expect(svg).toContain('>color &amp; all</text>');
    expect(svg).toContain('best epoch of each run, by val_loss; thick: mean of the runs');
    expect(count(svg, /<svg x=/g)).toBe(4);
    // For each task, a group of two runs has six lines (training and validation, and their means), and a group of one run has two.
    expect(count(svg, /aria-label="line"/g)).toBe(2 * (6 + 2));
    expect(count(svg, /NaN|undefined/g)).toBe(0);
    expect(await learningCurveGrid(runGroups, { title: 'Faces' })).toBe(svg);
  });

  test('uses the same y axis for all panels of a task', async () => {
    const svg = await learningCurveGrid(runGroups, {});
    const panels = svg.split(/(?=<svg x=)/).slice(1);
    const ticks = (panel: string) =>
      /aria-label="y-axis tick label"[\s\S]*?<\/g>/.exec(panel)![0].match(/>[\d.]+ ?%?</g);
    expect(ticks(panels[0]!)).toEqual(ticks(panels[1]!));
    expect(ticks(panels[2]!)).toEqual(ticks(panels[3]!));
    expect(ticks(panels[0]!)).not.toEqual(ticks(panels[2]!));
  });

  test('draws no NaN coordinates for a single epoch, runs of different lengths, and NaN values', async () => {
    const svg = await learningCurveGrid(
      [
        { title: 'short', runs: [{ tasks, rows: [row(1, 3)] }, run(1)] },
        { title: 'broken', runs: [{ tasks, rows: [{ ...row(1, 3), val_age_mae: Number.NaN }] }] },
      ],
      {},
    );
    expect(count(svg, /NaN|Infinity/g)).toBe(0);
  });

  test('rejects an empty list, groups without runs or epochs, and groups with different tasks', async () => {
    const expectError = async (groups: typeof runGroups, received: string) =>
      expect(learningCurveGrid(groups)).rejects.toMatchObject({ kind: 'argument', received });
    await expectError([], 'no settings');
    await expectError([{ title: 'gray', runs: [] }], 'a setting without runs');
    await expectError([{ title: 'gray', runs: [{ tasks, rows: [] }] }], 'runs without epochs in "gray"');
    const one = { tasks: [tasks[0]], rows } as never;
    await expectError([runGroups[0]!, { title: 'gray', runs: [one] }], 'the tasks age in a run of "gray"');
  });
});

describe('architectureDiagram', () => {
  test('draws every layer of Model A once, with its output shape and parameter count', async () => {
    const model = modelA(128);
    const record = model.architecture();
    const svg = await architectureDiagram(record);
    expect(svg).toContain('1,045,058 parameters');
    expect(svg).toContain('126×126×64');
    for (const { name } of record.layers)
      expect(count(svg, new RegExp(`<title>${name}</title>`, 'g'))).toBe(1);
    for (const part of ['trunk', 'age', 'gender'])
      expect(svg).toContain(`>${part === 'trunk' ? 'shared trunk' : part}</text>`);
    model.dispose();
  });

  test('draws every layer of a trunk with two input views once, with an arrow for each call', async () => {
    const model = modelA(64, { seed: 1, grayscale: ['gender'] });
    const record = model.architecture();
    const svg = await architectureDiagram(record);
    for (const { name } of record.layers)
      expect(count(svg, new RegExp(`<title>${name}</title>`, 'g'))).toBe(1);
    const arrows = (from: string, to: string) =>
      count(svg, new RegExp(`<title>${from}&#45;&gt;${to}</title>`, 'g'));
    expect(arrows('trunk_conv1', 'trunk_conv2')).toBe(2);
    expect([arrows('trunk_pool2', 'age_conv1'), arrows('trunk_pool2', 'gender_conv1')]).toEqual([1, 1]);
    expect([arrows('image', 'trunk_conv1'), arrows('image_grayscale1', 'trunk_conv1')]).toEqual([1, 1]);
    expect(svg).toContain('455,246 parameters');
    expect(svg).toContain('the shared trunk runs once for each kind of arrow');
    expect(record.layers.findIndex(({ name }) => name === 'image_grayscale1')).toBeLessThan(
      record.layers.findIndex(({ name }) => name === 'trunk_conv1'),
    );
    model.dispose();
  });

  test('draws no arrow across a title, even without a trunk or with long task names', async () => {
    const model = modelA(64);
    const long = 'a very long name of a task';
    const flat = [
      ['age', 'gender'],
      ['one', 'two', 'three'],
      [long, `${long} too`],
    ].map((taskNames) => createRun({ tasks: taskNames.map((name) => ({ ...AGE, name })) }).architecture);
    for (const architecture of [model.architecture(), ...flat]) {
      const svg = await architectureDiagram(architecture);
      const texts = Array.from(svg.matchAll(/<g id="clust[\s\S]*?<\/g>/g), ([group]) => group).flatMap(
        (group) =>
          Array.from(
            group.matchAll(/<text [^>]*text-anchor="start" x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)</g),
            ([, x, y, words]) => ({ from: Number(x), to: Number(x) + 6 * words!.length, y: Number(y) - 4 }),
          ),
      );
      const arrows = Array.from(
        svg.matchAll(
          /<path fill="none" stroke="#8c959f"[^>]* d="M([-\d.]+),([-\d.]+)C[^"]* ([-\d.]+),([-\d.]+)"/g,
        ),
        (found) => found.slice(1).map(Number),
      );
      expect(texts.length).toBeGreaterThan(3);
      expect(arrows.length).toBeGreaterThan(1);
      for (const { from, to, y } of texts) {
        for (const [x1, y1, x2, y2] of arrows as [number, number, number, number][]) {
          if (y < Math.min(y1, y2) || y > Math.max(y1, y2)) continue;
          const x = x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
          expect(x < from || x > to, `an arrow at ${x} through a title from ${from} to ${to}`).toBe(true);
        }
      }
    }
    model.dispose();
  });

  test('draws a network without a trunk', async () => {
    const model = multiTask({ input: [16, 16, 3] })
      .task('size', regression({ unit: 'cm & mm' }), branch([conv(4, 3), flatten()]))
      .build();
    expect(await architectureDiagram(model.architecture())).toContain('14×14×4');
    model.dispose();
  });
});

test('svgToPng multiplies the figure size by the scale, and draws text with an available font', async () => {
  const text = (words: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20" font-family="Inter, system-ui">${words}</text></svg>`;
  const [png, empty] = await Promise.all([svgToPng(text('age'), 3), svgToPng(text(''), 3)]);
  const view = new DataView(png.buffer, png.byteOffset);
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([270, 90]);
  expect(png.length).toBeGreaterThan(empty.length + 200);
  const store = memoryStore();
  await saveFigure(store, 'figures/age', text('age'));
  expect(await store.list()).toEqual(['figures/age.png', 'figures/age.svg']);
});

describe('createDiagramBoxes', () => {
  const buildModel = async () =>
    multiTask({ input: [64, 64, 3] })
      .trunk(
        sharedTrunk([await resnet50Backbone({ weights: null, trainableFrom: 'conv5' }), globalAveragePool()]),
      )
      .task('age', regression({ unit: 'years' }), branch([dense(4)]))
      .build();

  test('creates one box per stage of a backbone, and preserves the total number of parameters', async () => {
    const architecture = (await buildModel()).architecture();
    const boxes = createDiagramBoxes(architecture);
    const trunk = boxes.filter(({ part }) => part === 'trunk');
    expect(trunk.map(({ kind, layerCount }) => `${kind} ${layerCount}`)).toEqual([
      'conv1 4',
      'pool1 2',
      'conv2 32',
      'conv3 42',
      'conv4 62',
      'conv5 32',
      'GlobalAveragePooling2D 1',
    ]);
    expect(boxes.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(architecture.parameters);
    expect(
      trunk.filter(({ trainable, parameters }) => trainable && parameters > 0).map(({ kind }) => kind),
    ).toEqual(['conv5']);
    // Each box has only earlier boxes as inputs.
    boxes.forEach(({ inputs }, i) => {
      for (const from of inputs) expect(boxes.slice(0, i).map(({ name }) => name)).toContain(from);
    });
    const svg = await architectureDiagram(architecture);
    expect(svg).toContain('62 layers, frozen');
    expect(svg).toContain('23,587,712 parameters');
  });

  test('creates one box per layer of a small network', () => {
    const architecture = modelA(64).architecture();
    expect(createDiagramBoxes(architecture).map(({ layerCount: _, ...box }) => box)).toEqual(
      architecture.layers,
    );
  });
});
