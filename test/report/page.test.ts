import { beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/entries/node.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import type { ReportTools } from '../../src/report/index.js';
import { createModelCard, createReport, createReportPage, readRunRecord } from '../../src/report/index.js';
import { AGE, createRun, GENDER, GRADE, HOSTILE } from './createRun.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

const bytes = (text: string) => new TextEncoder().encode(text);
/** Returns the text of a page, without tags and the style sheet. */
const toText = (page: string) => page.replace(/<style>.*?<\/style>/gs, '').replace(/<[^>]*>/g, ' ');

describe('createReport and createReportPage', () => {
  test('return the same page, byte for byte, for the same record', async () => {
    const otherTools = await loadReportTools();
    expect(createReportPage([createRun({ tasks: [AGE, GENDER, GRADE] })], tools)).toBe(
      createReportPage([createRun({ tasks: [AGE, GENDER, GRADE] })], otherTools),
    );
  });

  test('draw figures for each type of task, and a figure and a table for each group', () => {
    const { page, figures } = createReport([createRun({ tasks: [AGE, GENDER, GRADE] })], tools);
    expect(figures.map(({ name }) => name)).toEqual([
      ...[
        'age-loss-curves',
        'age-mae-curves',
        'gender-loss-curves',
        'gender-accuracy-curves',
        'grade-loss-curves',
        'grade-accuracy-curves',
      ],
      ...['learning-rate', 'seconds', 'age-predicted', 'age-errors', 'age-bands', 'age-by-race'],
      ...[
        'gender-confusion',
        'gender-reliability',
        'gender-by-race',
        'grade-confusion',
        'grade-reliability',
        'grade-by-race',
      ],
      ...['age-balance', 'gender-balance', 'grade-balance', 'race-balance', 'architecture'],
    ]);
    for (const { name } of figures) expect(page).toContain(`data-figure="${name}"`);
    expect(page).toContain('asian');
    expect(page).toContain('error and bias');
  });

  test('print no number with more than seven digits, and no NaN, undefined or [object Object]', () => {
    const page = toText(createReportPage([createRun({ tasks: [AGE, GENDER, GRADE] })], tools));
    expect(page.match(/\d\.\d{5,}|\d{8,}|NaN|undefined|\[object/g)).toBe(null);
    expect(page).toContain('0.3'); // 0.1 + 0.2
  });

  test('print notes about missing task columns, missing validation, NaN values and omitted groups', () => {
    const run = createRun({ tasks: [GRADE, AGE], images: 60, groups: (i) => ({ race: `group ${i % 20}` }) });
    const rows = run.rows.map((row) => {
      const entries = Object.entries(row).filter(([name]) => !/grade|^val_/.test(name));
      return {
        ...Object.fromEntries(entries),
        epoch: row.epoch,
        ...(row.epoch > 8 && { age_mae: Number.NaN }),
      };
    });
    const { page, figures } = createReport([{ ...run, rows, monitor: 'loss' }], tools);
    expect(toText(page)).toContain('The history contains no values of grade.');
    expect(toText(page)).toContain('2 epochs from 9 to 10 contain NaN or infinite values');
    expect(toText(page)).toContain('Only the 12 largest of 20 groups are shown.');
    expect(figures.map(({ name }) => name)).not.toContain('grade-loss-curves');
    expect(page).not.toMatch(/<th scope="col">(?:validation|not augmented)</);
    expect(page).toMatch(/class="legend">.*?training/); // This is for the second task.
  });

  test('list the arguments of many runs in rows, and mark values from training if a run has no validation', () => {
    const runs = Array.from({ length: 6 }, (_, seed) => ({
      ...createRun({ name: `seed ${seed}`, tasks: [AGE] }),
      arguments: { seed, model: { dropout: seed / 10, filters: [64, 128] }, rate: 0.1 + 0.2 },
    }));
    const [first, ...others] = runs;
    const training = first!.rows.map((row) => {
      const entries = Object.entries(row).filter(([name]) => !/^val_/.test(name));
      return { ...Object.fromEntries(entries), epoch: row.epoch };
    });
    const page = toText(createReportPage([{ ...first!, rows: training, monitor: 'loss' }, ...others], tools));
    expect(page).toMatch(/Arguments that differ\s+seed\s+model\s+1\.\s+0\s+dropout 0, filters 64 and 128/);
    expect(page).toMatch(/1\. seed 0\s+10\s+[\d.]+\s+[\d.]+\s+\(training\)/);
    expect(page.match(/\(training\)/g)).toHaveLength(1);
  });

  test('compare several runs in a table and in shared figures with unique names', () => {
    const { page, figures } = createReport(
      [createRun({ name: 'first' }), createRun({ name: 'second', epochs: 3, tasks: [AGE] })],
      tools,
    );
    const names = figures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 4)).toEqual([
      'compare-age-loss',
      'compare-age-mae',
      'compare-gender-loss',
      'compare-gender-accuracy',
    ]);
    expect(toText(page)).toContain('1. first');
    expect(toText(page)).toContain('2. second');
    expect(toText(page)).toMatch(/Arguments that differ.*?epochs\s+10\s+3/s);
  });
});

describe('createReportPage with an unusual record', () => {
  const cases = {
    'no epoch': createRun({ epochs: 0, images: 0 }),
    'one epoch': createRun({ epochs: 1 }),
    '300 epochs': createRun({ epochs: 300, images: 20 }),
    'values that are not numbers': createRun({
      row: (row) =>
        Object.fromEntries(
          Object.keys(row).map((name) => [name, name === 'epoch' ? row.epoch : Number.NaN]),
        ) as never,
    }),
    'infinite losses': createRun({
      row: (row) => ({ ...row, age_loss: Number.POSITIVE_INFINITY, val_age_mae: 1e300 }),
    }),
    'missing columns': createRun({ row: ({ epoch }) => ({ epoch, loss: 3 }) as never }),
    'a task without predictions': { ...createRun(), answers: createRun({ tasks: [GENDER] }).answers },
    'predictions that are NaN': {
      ...createRun(),
      answers: createRun().answers.map((answer) => ({
        ...answer,
        answers: { age: Number.NaN, gender: [Number.NaN, Number.NaN] },
      })),
    },
    'one image': createRun({ images: 1 }),
    'equal values in all columns': {
      ...createRun(),
      answers: createRun().answers.map((answer) => ({
        ...answer,
        labels: { age: 5, gender: 'male' },
        answers: { age: 5, gender: [1, 0] },
      })),
    },
    'no validation': {
      ...createRun({ row: ({ epoch }) => ({ epoch, loss: 1 / epoch, age_loss: 1, age_mae: 1 }) as never }),
      answers: [],
      monitor: 'loss',
    },
    'no layers': { ...createRun(), architecture: { layers: [], parameters: 0, trainableParameters: 0 } },
    'no tasks': createRun({ tasks: [] }),
    '60 labels': createRun({
      tasks: [{ ...GRADE, labels: Array.from({ length: 60 }, (_, i) => `label ${i}`) }],
    }),
  };
  test.each(Object.entries(cases))(
    'returns a page for a record with %s, and createModelCard returns a model card',
    (_, run) => {
      const page = createReportPage([run], tools);
      expect(page).toContain('</html>');
      expect(page).not.toMatch(/="[^"]*\b(?:NaN|undefined|Infinity)\b[^"]*"/);
      expect(createReportPage([run, createRun()], tools)).toContain('</html>');
      expect(createModelCard(run)).toContain('## Results');
    },
  );

  test('returns a page smaller than 5 MB for a run with 40 tasks', () => {
    const tasks = Array.from({ length: 40 }, (_, i) => ({
      ...[AGE, GENDER, GRADE][i % 3]!,
      name: `task ${i}`,
    }));
    const page = createReportPage([createRun({ tasks, epochs: 30 })], tools);
    expect(page.length).toBeLessThan(5e6);
    expect(toText(page)).toContain('task 39');
  });
});

describe('readRunRecord', () => {
  const writeRecord = async (record: object, csv?: string) => {
    const store = memoryStore('run');
    await store.write('run.json', bytes(JSON.stringify(record)));
    if (csv !== undefined) await store.write('history.csv', bytes(csv));
    return store;
  };
  const { images: _, ...record } = createRun();

  test('returns the record that was written', async () => {
    expect(await readRunRecord(await writeRecord(record))).toEqual({ ...record, images: new Map() });
  });

  test('reads the rows of an unfinished run from history.csv, except for an incomplete last line', async () => {
    const { stopped: __, ...running } = record;
    const { rows } = await readRunRecord(
      await writeRecord({ ...running, rows: [] }, 'epoch,loss,val_loss\n1,3,4\n2,NaN,\n3,2.7'),
    );
    expect(rows).toEqual([
      { epoch: 1, loss: 3, val_loss: 4 },
      { epoch: 2, loss: Number.NaN },
    ]);
  });

  test('reads null in a row as NaN', async () => {
    const { rows } = await readRunRecord(
      await writeRecord({ ...record, rows: [{ epoch: 1, loss: Number.NaN }] }),
    );
    expect(rows).toEqual([{ epoch: 1, loss: Number.NaN }]);
  });

  test.each([
    ['invalid JSON', '{"format": 1,', 'JSON'],
    ['an unsupported format', JSON.stringify({ ...record, format: 2 }), 'format'],
    ['a string instead of a list', JSON.stringify({ ...record, answers: 'many' }), 'answers'],
    [
      'an unknown type of task',
      JSON.stringify({ ...record, tasks: [{ ...AGE, kind: 'oracle' }] }),
      'tasks[0].kind',
    ],
    ['a list instead of a record', '[]', 'an object'],
  ])('rejects %s, and the error describes the expected value', async (_name, text, expected) => {
    const store = memoryStore('run');
    await store.write('run.json', bytes(text));
    await expect(readRunRecord(store)).rejects.toMatchObject({
      kind: 'file',
      path: 'run/run.json',
      expected: expect.stringContaining(expected),
    });
  });

  test('removes labels and predictions that are invalid for the task', async () => {
    const [first] = record.answers;
    const answers = [
      { ...first, answers: { age: [1, 2], gender: [1] }, labels: { age: 'old', gender: 'neither' } },
    ];
    expect((await readRunRecord(await writeRecord({ ...record, answers }))).answers).toEqual([
      { ...first, answers: {}, labels: {} },
    ]);
  });

  test('ignores files outside its folder, and createReportPage ignores files that are not images', async () => {
    const run = {
      ...record,
      pictures: [
        { id: '0.jpg', file: '../../secret.jpg' },
        { id: '1.jpg', file: 'pictures/1.jpg' },
      ],
    };
    const store = await writeRecord(run);
    await store.write('pictures/1.jpg', bytes('<script>'));
    const reportedRun = await readRunRecord(store);
    expect([...reportedRun.images.keys()]).toEqual(['pictures/1.jpg']);
    expect(createReportPage([reportedRun], tools)).not.toContain('<img');
  });
});

describe('a run record whose strings contain HTML and control characters', () => {
  const hostileText = (i: number) => HOSTILE[i % HOSTILE.length]!;
  const run = createRun({
    name: HOSTILE[0]!,
    tasks: [
      { ...AGE, name: HOSTILE[1]!, unit: HOSTILE[2]! },
      { ...GRADE, name: HOSTILE[3]!, labels: HOSTILE, metrics: ['accuracy'] },
    ],
    id: (i) => `${i}${hostileText(i)}`,
    groups: (i) => ({ [HOSTILE[5]!]: hostileText(i), race: hostileText(i) }),
  });
  const hostileRun = {
    ...run,
    remarks: HOSTILE,
    arguments: Object.fromEntries(HOSTILE.map((text) => [text, text])),
    versions: Object.fromEntries(HOSTILE.map((text) => [text, text])),
    engine: { name: HOSTILE[0]!, reason: HOSTILE[1]! },
  };

  test('adds no HTML elements to the page from createReportPage', () => {
    const page = createReportPage([hostileRun], tools);
    const tags = new Set(Array.from(page.matchAll(/<([a-z]+)[\s>]/gi), ([, tag]) => tag!.toLowerCase()));
    for (const tag of ['script', 'iframe', 'img', 'object', 'embed', 'base', 'form'])
      expect(tags).not.toContain(tag);
    expect(page).toContain('&lt;script&gt;');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]|[\ud800-\udbff](?![\udc00-\udfff])/);
  });

  test('adds no markup to the figures from createReport, and the figures have valid names', () => {
    for (const { name, svg } of createReport([hostileRun], tools).figures) {
      expect(name).toMatch(/^[\p{L}\p{N}_-]+(?:…[\p{L}\p{N}_-]+)?$/u);
      expect(svg.match(/<script|<iframe|<img/)).toBe(null);
    }
  });

  test('is escaped in the model card from createModelCard', () => {
    const card = createModelCard(hostileRun);
    expect(card).not.toMatch(/(?<!\\)<(?!!-- (?:yours|end))/);
  });
});

describe('createModelCard', () => {
  const getSection = (card: string, section: string) =>
    card.split(`<!-- yours: ${section} -->`)[1]!.split('<!-- end -->')[0]!.trim();

  test('preserves the sections that the user edited in the previous model card', () => {
    const firstCard = createModelCard(createRun());
    const editedCard = firstCard.replace(
      '<!-- yours: contact -->\nTo be completed.',
      '<!-- yours: contact -->\n## Whom to ask\n\nme@example.com, any day',
    );
    const secondCard = createModelCard(createRun({ epochs: 3 }), editedCard);
    expect(getSection(secondCard, 'contact')).toBe('## Whom to ask\n\nme@example.com, any day');
    expect(secondCard).toContain('epoch 3 of 3');
    expect(createModelCard(createRun(), editedCard)).toBe(editedCard);
    expect(createModelCard(createRun(), editedCard.replaceAll('\n', '\r\n'))).toContain(
      'me@example.com, any day',
    );
  });

  test.each(['intended use', 'not intended', 'known limits', 'license of the model', 'contact'])(
    'copies only the section "%s" of the previous model card if the end comment of that section is missing',
    (section) => {
      const card = createModelCard(createRun());
      const start = `<!-- yours: ${section} -->`;
      const [head, tail] = card.split(start) as [string, string];
      const brokenCard = `${head}${start}\nMine.${tail.slice(tail.indexOf('<!-- end -->') + '<!-- end -->'.length)}`;
      expect(getSection(createModelCard(createRun(), brokenCard), section)).toBe('Mine.');
      expect(createModelCard(createRun(), brokenCard).length).toBeLessThanOrEqual(card.length);
    },
  );

  test('lists each argument, version and group of labels only once, in the same format as the report page', () => {
    const run = {
      ...createRun({ images: 90, groups: (i) => ({ race: `group ${i % 30}` }) }),
      arguments: { engine: 'auto', rate: 0.1 + 0.2, model: { dropout: 0.3 } },
      remarks: ['- no list', '1. none either'],
    };
    const card = createModelCard(run);
    expect(card).toContain('- rate: 0.3\n- model: dropout 0.3\n- ran on: wasm\n- ended: finished');
    expect(card.match(/^- engine: /gm)).toHaveLength(1);
    expect(card).toContain('### Versions\n\n- tfjs-multitask: 0.1.0');
    expect(card).toContain(
      '| age by race | images | mean absolute error (years) | bias (predicted minus true) |',
    );
    expect(card).toContain('Only the 12 largest of 30 groups are shown.');
    expect(card).toContain('Only the 20 largest of 30 groups are shown.');
    expect(card).toContain('\n\\- no list\n');
    expect(card).toContain('\n1\\. none either\n');
    expect(card).toContain('- Parameters: 386\n');
    const rows = run.rows.map(({ epoch }) => ({ epoch, loss: 1 / epoch }));
    const { validation: _, ...data } = run.data;
    expect(createModelCard({ ...run, rows, data, answers: [], monitor: 'loss' })).toContain(
      '| task | metric | training |\n',
    );
  });
});
